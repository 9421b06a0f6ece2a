/** Lists that grow by events: the same entry may come twice, late, or changed. */

interface Numbered {
  id: number;
}

/** `list` with `incoming` in it, ascending by id; what came later replaces what was there. Keeps the newest `limit`. */
export function merge<T extends Numbered>(list: readonly T[], incoming: readonly T[], limit = Infinity): T[] {
  if (incoming.length === 0) return list as T[];
  const last = list[list.length - 1]?.id ?? -1;
  let merged: T[];
  if (incoming.every((item, index) => item.id > (index === 0 ? last : (incoming[index - 1]?.id ?? last)))) {
    merged = [...list, ...incoming]; // the usual case: everything is new and in order
  } else {
    const byId = new Map<number, T>();
    for (const item of list) byId.set(item.id, item);
    for (const item of incoming) byId.set(item.id, item);
    merged = [...byId.values()].sort((a, b) => a.id - b.id);
  }
  return merged.length > limit ? merged.slice(merged.length - limit) : merged;
}

export function without<T extends Numbered>(list: readonly T[], ids: readonly number[]): T[] {
  const gone = new Set(ids);
  return list.filter((item) => !gone.has(item.id));
}

interface Queued extends Numbered {
  votes: number;
  state: string;
  on_screen: boolean;
  lifted: number | null;
}

/**
 * The audience's order: on screen, then what the host put first, then the open ones by votes, then the answered; the older
 * first among equals.
 */
export function queueOrder(questions: readonly Queued[]): number[] {
  const rank = (question: Queued): number => {
    if (question.on_screen) return 0;
    if (question.state !== "open") return 3;
    return question.lifted === null ? 2 : 1;
  };
  return [...questions]
    .sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? (a.lifted ?? 0) - (b.lifted ?? 0) : b.votes - a.votes) || a.id - b.id)
    .map((question) => question.id);
}
