import { computed, ref, watch, type ComputedRef } from "vue";

interface Numbered {
  id: number;
}

export interface HeldOrder<T> {
  shown: ComputedRef<T[]>;
  /** How many are not shown yet. */
  fresh: ComputedRef<number>;
  /** Whether the best order is no longer the one shown. */
  moved: ComputedRef<boolean>;
  refresh: () => void;
}

/** A list in an order that changes only when the reader asks, or is not looking: nothing slips from under a finger. */
export function useHeldOrder<T extends Numbered>(
  items: () => readonly T[],
  best: (items: readonly T[]) => number[],
  visible: () => boolean,
): HeldOrder<T> {
  const order = ref<number[]>([]);
  const wanted = computed(() => best(items()));
  const byId = computed(() => new Map(items().map((item) => [item.id, item])));
  const shown = computed(() =>
    order.value.map((id) => byId.value.get(id)).filter((item): item is T => item !== undefined),
  );
  const known = computed(() => new Set(order.value));
  const refresh = (): void => {
    order.value = wanted.value;
  };
  watch(
    [visible, wanted],
    () => {
      if (!visible() || shown.value.length === 0) refresh();
    },
    { immediate: true },
  );
  return {
    shown,
    fresh: computed(() => wanted.value.filter((id) => !known.value.has(id)).length),
    moved: computed(() => {
      const kept = wanted.value.filter((id) => known.value.has(id));
      return shown.value.some((item, index) => item.id !== kept[index]);
    }),
    refresh,
  };
}
