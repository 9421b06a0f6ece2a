import { computed, ref, watch } from "vue";
import { api } from "../shared/api";
import type { EntryState } from "../shared/protocol";
import { toast } from "../shared/toasts";
import { ENTRY_KIND, FATE } from "../shared/words";
import type { Audience } from "./useAudience";
import type { Own, OwnEntry } from "./useOutbox";

/** What an author is told of one's own entry, when that changes while the page is open; null where there is no need. */
export function fateWords(entry: OwnEntry, state: EntryState, reason: string | null): string | null {
  const what = ENTRY_KIND[entry.kind];
  if (state === "open" || state === "shown") return entry.state === "pending" ? `您的${what}已经公开` : null;
  if (state === "answered") return `您的${what}有了回答`;
  if (state === "merged") return `您的${what}与相同的一条合并，一起回答`;
  if (state === "hidden" || state === "declined") return `您的${what}${FATE[state]}${reason === null ? "" : `，原因：${reason}`}`;
  return null;
}

/** So many of those that were still waiting are asked about when the page opens: a whole hall may open it at once. */
const ASKED = 5;

/**
 * What becomes of one's own entries while the page is open: told once, kept beside them, and counted until the list of
 * them is opened. The line brings what is public; the rest only the receipt tells.
 */
export function useFates(audience: Audience, own: Own) {
  /** How many have news that were not looked at. */
  const fresh = ref(new Set<number>());
  const mine = computed(() => new Map(own.own.value.map((entry) => [entry.id, entry])));

  function learn(entry: OwnEntry, state: EntryState, reason: string | null, quietly = false): void {
    if (entry.state === state) return;
    const words = fateWords(entry, state, reason);
    own.note(entry.id, state);
    if (words === null) return;
    fresh.value = new Set(fresh.value).add(entry.id);
    if (!quietly) toast(words);
  }

  async function ask(entry: OwnEntry, quietly = false): Promise<void> {
    try {
      const { state, reason } = await api.receipt(entry.receipt);
      learn(entry, state, reason, quietly);
    } catch {
      // Without a line one looks later; the code is kept.
    }
  }

  watch(audience.questions, (list) => {
    for (const question of list) {
      const entry = mine.value.get(question.id);
      if (entry !== undefined) learn(entry, question.state, null);
    }
  });
  watch(audience.comments, (list) => {
    for (const entry of own.own.value) {
      if (entry.state === "pending" && entry.kind !== "question" && list.some((item) => item.id === entry.id)) learn(entry, "shown", null);
    }
  });
  watch(audience.gone, (ids) => {
    for (const id of ids) {
      const entry = mine.value.get(id);
      if (entry !== undefined && entry.state !== "withdrawn") void ask(entry);
    }
  });
  // While one was away: no word for each, a number at the list of one's own.
  watch(audience.greeted, async () => {
    const waiting = own.own.value.filter((entry) => entry.state === "pending").slice(-ASKED);
    for (const entry of waiting) await ask(entry, true);
  });

  return {
    fresh: computed(() => fresh.value.size),
    waiting: computed(() => own.own.value.filter((entry) => entry.state === "pending")),
    seen: (): void => {
      fresh.value = new Set();
    },
  };
}
