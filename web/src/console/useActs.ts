import { ref } from "vue";
import { asApiError } from "../shared/load";
import type { Act, Entry, HideReason } from "../shared/protocol";
import { keep, recall } from "../shared/storage";
import { dismiss, toast } from "../shared/toasts";
import { HIDE_REASON } from "../shared/words";
import type { Host } from "./useHost";

/** What takes an act back, where the protocol knows a way back. */
export function inverse(before: Entry, act: Act): Act | null {
  switch (act.act) {
    case "hide":
      return { act: "restore" };
    case "restore":
      return { act: "hide", reason: (before.reason as HideReason | null) ?? "other" };
    case "screen":
      return { act: "screen", on: !act.on };
    case "suggest":
      return { act: "suggest", on: !act.on };
    case "decline":
      // Approving is the way back only for what was public before.
      return before.state === "open" ? { act: "approve" } : null;
    default:
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
      return "已公开";
    case "decline":
      return "已标为不采用";
    case "answer":
      return act.mode === "live" ? "已记为现场回答" : "答复已公开";
    case "screen":
      return act.on ? "已上屏" : "已下屏";
    case "suggest":
      return act.on ? "已列为建议" : "已移出建议";
  }
}

/** The acts of the console with their notes and undo. */
export function useActs(host: Host) {
  const hideReason = ref<HideReason>(recall<HideReason>("hide-reason", "off-topic"));
  const busy = ref(new Set<number>());
  let last: { undo: () => void; note: number } | null = null;

  /** Returns whether it was done. */
  async function run(entry: Entry, act: Act, quietly = false): Promise<boolean> {
    if (busy.value.has(entry.id)) return false;
    busy.value.add(entry.id);
    try {
      const after = await host.act(entry.id, act);
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
    hideReason,
    run,
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
