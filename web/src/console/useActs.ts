import { ref } from "vue";
import { asApiError } from "../shared/load";
import type { Act, Entry, HideReason } from "../shared/protocol";
import { keep, recall } from "../shared/storage";
import { dismiss, toast } from "../shared/toasts";
import { HIDE_REASON, LABEL } from "../shared/words";
import type { Host } from "./useHost";

/** What takes an act back, where the protocol knows a way back. */
export function inverse(before: Entry, act: Act): Act | null {
  switch (act.act) {
    case "hide":
      // Of what was hidden already only the reason changed.
      return before.state === "hidden" ? { act: "hide", reason: (before.reason as HideReason | null) ?? "other" } : { act: "restore" };
    case "restore":
      return { act: "hide", reason: (before.reason as HideReason | null) ?? "other" };
    case "screen":
      return { act: "screen", on: !act.on };
    case "suggest":
      return { act: "suggest", on: !act.on };
    case "ban":
      return { act: "unban" };
    case "approve":
      return before.state === "declined" ? { act: "decline", reason: before.reason ?? "" } : { act: "reopen" };
    case "answer":
      return before.answer === null ? { act: "reopen" } : { act: "answer", mode: before.answer.mode, text: before.answer.text };
    case "decline":
      return { act: "reopen" };
    case "reopen":
      if (before.answer !== null) return { act: "answer", mode: before.answer.mode, text: before.answer.text };
      return before.state === "declined" ? { act: "decline", reason: before.reason ?? "" } : { act: "approve" };
    case "label":
      return { act: "label", label: act.label, on: !act.on };
    case "note":
      return null;
    case "lift":
      return before.lifted === null ? { act: "lower" } : null;
    case "lower":
      return { act: "lift", above: null };
    case "correct":
      return { act: "correct", sentiment: before.corrected };
    case "merge":
      return { act: "split" };
    case "split":
      return before.merged_into === null ? null : { act: "merge", into: before.merged_into };
    case "unban":
      return null;
  }
}

function words(act: Act, entry: Entry): string {
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
      return `已禁言 ${muteWords(act.minutes)}（${HIDE_REASON[act.reason]}${act.network ? "，整个网段" : ""}）`;
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

/** The acts of the console with their notes and undo. */
export function useActs(host: Host) {
  const hideReason = ref<HideReason>(recall<HideReason>("hide-reason", "off-topic"));
  /** Whether a ban is for the whole address range; chosen anew each time, since it hits others as well. */
  const muteNetwork = ref(false);
  const muteMinutes = ref(recall<number>("mute-minutes", 60));
  const busy = ref(new Set<number>());
  /** Grows with each ban and each end of one, so that lists of them know when to ask again. */
  const bansChanged = ref(0);
  let last: { undo: () => void; note: number } | null = null;

  /** Returns whether it was done. */
  async function run(entry: Entry, act: Act, quietly = false): Promise<boolean> {
    if (busy.value.has(entry.id)) return false;
    busy.value.add(entry.id);
    try {
      const after = await host.act(entry.id, act);
      if (act.act === "ban" || act.act === "unban") bansChanged.value += 1;
      if (act.act === "ban") muteNetwork.value = false;
      const back = quietly ? null : inverse(entry, act);
      const undo = back === null ? null : (): void => void run(after, back, true);
      const note = toast(quietly ? "已撤销" : words(act, entry), undo === null ? null : { label: "撤销", run: undo });
      last = undo === null ? null : { undo, note };
      return true;
    } catch (caught) {
      toast(asApiError(caught).message);
      return false;
    } finally {
      busy.value.delete(entry.id);
    }
  }

  return {
    busy,
    bansChanged,
    hideReason,
    muteMinutes,
    muteNetwork,
    run,
    setMuteNetwork(on: boolean): void {
      muteNetwork.value = on;
    },
    setMuteMinutes(minutes: number): void {
      muteMinutes.value = minutes;
      keep("mute-minutes", minutes);
    },
    /** Silences the author's device, for the time and the reason that are set. */
    mute: (entry: Entry) =>
      run(entry, { act: "ban", minutes: muteMinutes.value, reason: hideReason.value, network: muteNetwork.value }),
    setHideReason(reason: HideReason): void {
      hideReason.value = reason;
      keep("hide-reason", reason);
    },
    hide: (entry: Entry, reason: HideReason = hideReason.value) => run(entry, { act: "hide", reason }),
    undo(): void {
      if (last === null) return;
      dismiss(last.note);
      last.undo();
      last = null;
    },
  };
}

export type Acts = ReturnType<typeof useActs>;
