import { computed, ref } from "vue";
import type { Entry } from "../shared/protocol";

export type Sieve = "all" | "flagged" | "proposed" | "asking" | "hidden";

export const SIEVES: Record<Sieve, string> = {
  all: "全部",
  flagged: "词表提示的",
  proposed: "网友提的建议",
  asking: "像提问和投诉的",
  hidden: "已隐藏的",
};

const PASSES: Record<Sieve, (entry: Entry) => boolean> = {
  all: () => true,
  flagged: (entry) => entry.flags.length > 0,
  proposed: (entry) => entry.proposed,
  asking: (entry) => entry.utterance === "question" || entry.utterance === "complaint",
  hidden: (entry) => entry.state === "hidden",
};

/** What a host wants to see of many: of one sort, with some words. It ranks nothing and hides nothing from anybody else. */
export function useSieve() {
  const sort = ref<Sieve>("all");
  const words = ref("");
  const active = computed(() => sort.value !== "all" || words.value.trim() !== "");
  const passes = computed(() => {
    const wanted = words.value.trim().toLowerCase();
    const right = PASSES[sort.value];
    return (entry: Entry): boolean =>
      right(entry) && (wanted === "" || entry.text.toLowerCase().includes(wanted) || entry.nickname.toLowerCase().includes(wanted));
  });
  function clear(): void {
    sort.value = "all";
    words.value = "";
  }
  return { sort, words, active, passes, clear };
}
