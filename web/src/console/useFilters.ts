import { computed, ref, watch, type ComputedRef, type Ref } from "vue";
import type { Suggestion } from "../shared/outcomes";

/** Forms on the page at a time: each is a small page of its own. */
export const PAGE = 50;

export interface Filters {
  decided: Ref<"" | "open" | "done">;
  /** A topic, `-` for those under none, empty for all. */
  topic: Ref<string>;
  merged: Ref<boolean>;
  word: Ref<string>;
  chosen: Ref<ReadonlySet<number>>;
  listed: ComputedRef<Suggestion[]>;
  shown: ComputedRef<Suggestion[]>;
  chosenList: ComputedRef<Suggestion[]>;
  more: () => void;
  choose: (ids: readonly number[], on: boolean) => void;
  clear: () => void;
}

/** A unit's list of suggestions, narrowed, a page of it on the screen, and what is chosen of it. */
export function useFilters(suggestions: () => readonly Suggestion[]): Filters {
  const decided = ref<"" | "open" | "done">("");
  const topic = ref("");
  const merged = ref(false);
  const word = ref("");
  const pages = ref(1);
  const chosen = ref<ReadonlySet<number>>(new Set<number>());

  const listed = computed(() => {
    const wanted = word.value.trim();
    return suggestions().filter(
      (item) =>
        (decided.value === "" || (item.decision === null) === (decided.value === "open")) &&
        (topic.value === "" || item.topic === (topic.value === "-" ? "" : topic.value)) &&
        (!merged.value || Boolean(item.entry.merged)) &&
        (wanted === "" || `${item.number} ${item.entry.text}${item.reason}`.includes(wanted)),
    );
  });
  const shown = computed(() => listed.value.slice(0, pages.value * PAGE));
  const chosenList = computed(() => listed.value.filter((item) => chosen.value.has(item.id)));
  watch([decided, topic, merged, word], () => (pages.value = 1));

  function choose(ids: readonly number[], on: boolean): void {
    const now = new Set(chosen.value);
    for (const id of ids) {
      if (on) now.add(id);
      else now.delete(id);
    }
    chosen.value = now;
  }

  return {
    decided,
    topic,
    merged,
    word,
    chosen,
    listed,
    shown,
    chosenList,
    more: () => (pages.value += 1),
    choose,
    clear: () => (chosen.value = new Set<number>()),
  };
}
