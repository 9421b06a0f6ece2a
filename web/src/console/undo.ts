import type { Act, Entry, HideReason } from "../shared/protocol";

/** One act on one entry, on the way back. */
export interface Step {
  entry: number;
  act: Act;
  /** The next steps do not depend on it: a colleague may have taken this one already. */
  alone?: boolean;
}

/** What takes the act itself back. */
function turned(before: Entry, act: Act, after: Entry): Act | null {
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
    case "note": {
      if (!("remove" in act)) {
        const added = after.notes[after.notes.length - 1];
        return added === undefined ? null : { act: "note", remove: added.id };
      }
      const gone = before.notes.find((note) => note.id === act.remove);
      return gone === undefined ? null : { act: "note", text: gone.text };
    }
    case "correct":
      return { act: "correct", sentiment: before.corrected };
    case "merge":
      return { act: "split" };
    case "split":
      return before.merged_into === null ? null : { act: "merge", into: before.merged_into };
    case "lift":
    case "lower": // its place is given back beside the act
    case "unban":
      return null;
  }
}

/** Its place among the questions that hosts put first, or none. */
function place(before: Entry, others: readonly Entry[]): Act {
  const { lifted } = before;
  if (lifted === null) return { act: "lower" };
  const behind = others.filter((other) => other.id !== before.id && (other.lifted ?? 0) > lifted);
  const next = behind.sort((a, b) => (a.lifted ?? 0) - (b.lifted ?? 0))[0];
  return { act: "lift", above: next?.id ?? null };
}

/**
 * What takes an act back, step by step; nothing where the protocol knows no way. `before` and `others` are as they were,
 * `after` is what the act made of the entry: one that left the screen or its place by it is put there again.
 */
export function inverse(before: Entry, act: Act, after: Entry = before, others: readonly Entry[] = []): Step[] {
  const steps: Step[] = [];
  const back = turned(before, act, after);
  if (back !== null) steps.push({ entry: before.id, act: back });
  if (before.lifted !== after.lifted) steps.push({ entry: before.id, act: place(before, others) });
  if (act.act === "screen") {
    const shown = others.find((other) => other.on_screen && other.id !== before.id);
    if (act.on && shown !== undefined) return [{ entry: shown.id, act: { act: "screen", on: true } }];
  } else if (before.on_screen && !after.on_screen) {
    steps.push({ entry: before.id, act: { act: "screen", on: true } });
  }
  return steps;
}
