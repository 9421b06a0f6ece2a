import type { Entry } from "../shared/protocol";

export type QueueTab = "pending" | "open" | "answered" | "rest";

export function tabOf(entry: Entry): QueueTab {
  if (entry.state === "pending" || entry.state === "open" || entry.state === "answered") return entry.state;
  return "rest";
}

/** What a host put first comes before what nobody did. */
function byLift(a: Entry, b: Entry): number {
  if (a.lifted === null || b.lifted === null) return Number(a.lifted === null) - Number(b.lifted === null);
  return a.lifted - b.lifted;
}

/** What waits longest for a decision stands first; what waits for an answer is ordered by votes, the rest by newest. */
export function orderOf(tab: QueueTab): (entries: readonly Entry[]) => number[] {
  const compare = (a: Entry, b: Entry): number => {
    if (tab === "pending") return byLift(a, b) || a.id - b.id;
    if (tab === "open") {
      return Number(b.on_screen) - Number(a.on_screen) || byLift(a, b) || b.votes - a.votes || a.id - b.id;
    }
    return b.id - a.id;
  };
  return (entries) => [...entries].sort(compare).map((entry) => entry.id);
}

/** Those that may ask the same and stand for themselves. */
export function likeliest(entry: Entry, others: readonly Entry[]): Entry[] {
  return entry.similar.flatMap((id) => others.filter((other) => other.id === id && other.state !== "merged"));
}

/** Where a half-written answer or reason is kept until it is sent. */
export const draftName = (form: "answer" | "decline", id: number): string => `draft.${form}.${id}`;
