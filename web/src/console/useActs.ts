import { ref } from "vue";
import { asApiError } from "../shared/load";
import type { Act, Ban, Done, Entry, HideReason } from "../shared/protocol";
import { keep, recall } from "../shared/storage";
import { dismiss, toast } from "../shared/toasts";
import { HIDE_REASON, LABEL } from "../shared/words";
import { inverse, type Step } from "./undo";
import type { Host } from "./useHost";

function words(act: Act, entry: Entry, swept: number): string {
  switch (act.act) {
    case "hide":
      return `已隐藏（${HIDE_REASON[act.reason]}）`;
    case "restore":
      return entry.kind === "comment" ? "已恢复展示" : "已恢复";
    case "approve":
      return entry.kind === "comment" ? "已展示" : "已公开";
    case "decline":
      return "已标为不采用";
    case "answer":
      return act.mode === "live" ? "已记为现场回答" : "答复已公开";
    case "reopen":
      return entry.state === "answered" ? "已撤销答复" : entry.state === "declined" ? "已重新打开" : "已退回待审";
    case "label":
      return act.on ? "已加标签" : "已去标签";
    case "note":
      return "remove" in act ? "备注已删除" : "备注已保存";
    case "lift":
      return "已提前";
    case "lower":
      return "已恢复按票数排列";
    case "correct":
      return act.sentiment === null ? "已按模型的判断" : `已更正为${LABEL[act.sentiment]}`;
    case "merge":
      return "已合并";
    case "split":
      return "已取消合并";
    case "screen":
      return act.on ? "已上屏" : "已下屏";
    case "suggest":
      return act.on ? "已列为建议" : "已移出建议";
    case "ban":
      return `已禁言 ${muteWords(act.minutes)}（${HIDE_REASON[act.reason]}${act.network ? "，整个网段" : ""}）${swept > 0 ? `，并隐藏了 ${swept} 条` : ""}`;
    case "unban":
      return "已解除禁言";
  }
}

/** How long a device may be silenced, in minutes. */
export const MUTES = [10, 60, 24 * 60, 7 * 24 * 60];

export function muteWords(minutes: number): string {
  if (minutes < 60) return `${minutes} 分钟`;
  return minutes < 24 * 60 ? `${minutes / 60} 小时` : `${minutes / 1440} 天`;
}

/** How many acts can be taken back, one after another. */
const KEPT = 20;

/** The acts of the console with their notes and undo. */
export function useActs(host: Host) {
  const hideReason = ref<HideReason>(recall<HideReason>("hide-reason", "off-topic"));
  /** Whether a ban is for the whole address range; chosen anew each time, since it hits others as well. */
  const muteNetwork = ref(false);
  /** Whether a ban hides what that device said so far; as well chosen anew each time. */
  const muteSweep = ref(false);
  const muteMinutes = ref(recall<number>("mute-minutes", 60));
  const busy = ref(new Set<number>());
  /** Grows with each ban and each end of one, so that lists of them know when to ask again. */
  const bansChanged = ref(0);
  /** What can be taken back, the last one at the end. */
  const done: { undo: () => void; note: number }[] = [];
  /** The revision that this console's own last act gave an entry: an undo meets nobody else's act. */
  const own = new Map<number, number>();

  function note(text: string, undo: (() => void) | null): void {
    if (undo === null) {
      toast(text);
      return;
    }
    const step = { undo, note: 0 };
    step.note = toast(text, {
      label: "撤销",
      run() {
        if (done.includes(step)) done.splice(done.indexOf(step), 1);
        undo();
      },
    });
    done.push(step);
    if (done.length > KEPT) done.shift();
  }

  async function one(id: number, act: Act, revision?: number): Promise<Done> {
    const done = await host.act(id, act, revision);
    own.set(id, done.entry.revision);
    if (act.act === "ban" || act.act === "unban") bansChanged.value += 1;
    if (act.act === "ban") muteNetwork.value = muteSweep.value = false;
    return done;
  }

  async function back(steps: readonly Step[]): Promise<void> {
    try {
      for (const { entry, act, alone } of steps) {
        const step = one(entry, act, alone ? undefined : own.get(entry));
        await (alone ? step.catch(() => undefined) : step);
      }
      toast("已撤销");
    } catch (caught) {
      toast(asApiError(caught).message);
    }
  }

  /** Returns whether it was done. */
  async function run(entry: Entry, act: Act): Promise<boolean> {
    if (busy.value.has(entry.id)) return false;
    busy.value.add(entry.id);
    const others = host.questions.value;
    try {
      const { entry: after, swept = [] } = await one(entry.id, act);
      const steps = inverse(entry, act, after, others);
      steps.splice(1, 0, ...swept.map((id): Step => ({ entry: id, act: { act: "restore" }, alone: true })));
      note(words(act, entry, swept.length), steps.length === 0 ? null : () => void back(steps));
      return true;
    } catch (caught) {
      toast(asApiError(caught).message);
      return false;
    } finally {
      busy.value.delete(entry.id);
    }
  }

  /** Lets several pass that a host has read, with one undo for all; what a colleague was quicker with is left as it is. */
  async function pass(entries: readonly Entry[]): Promise<void> {
    const act: Act = { act: "approve" };
    const passed = await Promise.all(
      entries.map((entry) =>
        one(entry.id, act).then(
          () => entry,
          () => null,
        ),
      ),
    );
    const steps = passed.flatMap((entry) => (entry === null ? [] : inverse(entry, act).map((step) => ({ ...step, alone: true }))));
    if (steps.length > 0) note(`已通过 ${steps.length} 条`, () => void back(steps));
  }

  /** Ends a ban from the list of them. */
  async function unban(ban: Ban): Promise<void> {
    try {
      await one(ban.entry, { act: "unban" });
    } catch (caught) {
      toast(asApiError(caught).message);
      return;
    }
    const { reason, network } = ban;
    note("已解除禁言", () => {
      const minutes = Math.max(1, Math.ceil((Date.parse(ban.until) - Date.now()) / 60_000));
      void back([{ entry: ban.entry, act: { act: "ban", minutes, reason, network } }]);
    });
  }

  return {
    busy,
    bansChanged,
    hideReason,
    muteMinutes,
    muteNetwork,
    muteSweep,
    run,
    setMuteNetwork(on: boolean): void {
      muteNetwork.value = on;
    },
    setMuteSweep(on: boolean): void {
      muteSweep.value = on;
    },
    setMuteMinutes(minutes: number): void {
      muteMinutes.value = minutes;
      keep("mute-minutes", minutes);
    },
    /** Silences the author's device, for the time and the reason that are set. */
    mute: (entry: Entry, sweep = muteSweep.value) =>
      run(entry, { act: "ban", minutes: muteMinutes.value, reason: hideReason.value, network: muteNetwork.value, sweep }),
    setHideReason(reason: HideReason): void {
      hideReason.value = reason;
      keep("hide-reason", reason);
    },
    hide: (entry: Entry, reason: HideReason = hideReason.value) => run(entry, { act: "hide", reason }),
    unban,
    pass,
    /** Says what was done by other means, and how to take it back. */
    note,
    /** Takes back the last act, and pressed again the one before it. */
    undo(): void {
      const last = done.pop();
      if (last === undefined) return;
      dismiss(last.note);
      last.undo();
    },
  };
}

export type Acts = ReturnType<typeof useActs>;
