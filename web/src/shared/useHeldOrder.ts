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

/**
 * A list in an order that changes only when the reader asks, or is not looking: nothing slips from under a finger.
 *
 * While `still()`, what left the list keeps its place, as `find` knows it now, and what is new comes at the end.
 */
export function useHeldOrder<T extends Numbered>(
  items: () => readonly T[],
  best: (items: readonly T[]) => number[],
  visible: () => boolean,
  { still = () => false, find = () => undefined }: { still?: () => boolean; find?: (id: number) => T | undefined } = {},
): HeldOrder<T> {
  const order = ref<number[]>([]);
  const wanted = computed(() => best(items()));
  const byId = computed(() => new Map(items().map((item) => [item.id, item])));
  const shown = computed(() =>
    order.value
      .map((id) => byId.value.get(id) ?? (still() ? find(id) : undefined))
      .filter((item): item is T => item !== undefined),
  );
  const known = computed(() => new Set(order.value));
  const refresh = (): void => {
    order.value = wanted.value;
  };
  watch(
    [visible, wanted, still],
    () => {
      if (still() && shown.value.length > 0) {
        if (!visible()) order.value = [...order.value, ...wanted.value.filter((id) => !known.value.has(id))];
      } else if (!visible() || shown.value.length === 0) refresh();
    },
    { immediate: true },
  );
  return {
    shown,
    fresh: computed(() => wanted.value.filter((id) => !known.value.has(id)).length),
    moved: computed(() => {
      const kept = wanted.value.filter((id) => known.value.has(id));
      return shown.value.filter((item) => byId.value.has(item.id)).some((item, index) => item.id !== kept[index]);
    }),
    refresh,
  };
}
