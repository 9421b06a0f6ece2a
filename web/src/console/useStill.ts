import { shallowRef, watch, type Ref } from "vue";

interface Numbered {
  id: number;
}

/**
 * A list that keeps every row in its place while `still()`: what left it stays as `find` knows it now, what is new comes
 * at the end, or waits where `closed()`. Then it is `items()` again.
 */
export function useStill<T extends Numbered>(
  items: () => readonly T[],
  find: (id: number) => T | undefined,
  still: () => boolean,
  closed: () => boolean,
): Readonly<Ref<readonly T[]>> {
  const shown = shallowRef(items());
  watch([items, still, closed], () => {
    const now = items();
    if (!still()) {
      shown.value = now;
      return;
    }
    const here = new Map(now.map((item) => [item.id, item]));
    const kept = shown.value.flatMap((item) => here.get(item.id) ?? find(item.id) ?? []);
    const known = new Set(kept.map((item) => item.id));
    shown.value = closed() ? kept : [...kept, ...now.filter((item) => !known.has(item.id))];
  });
  return shown;
}
