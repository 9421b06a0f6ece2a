import { describe, expect, it } from "vitest";
import { nextTick, ref, shallowRef } from "vue";
import { useHeldOrder } from "../shared/useHeldOrder";
import { useStill } from "./useStill";

interface Item {
  id: number;
  state: string;
}

const all = new Map([1, 2, 3, 4].map((id) => [id, { id, state: "new" }]));
const items = (...ids: number[]): Item[] => ids.flatMap((id) => all.get(id) ?? []);
const ids = (list: readonly Item[]): number[] => list.map((item) => item.id);

describe("a list under a pointer", () => {
  it("keeps what left it in its place, and takes new ones at its end", async () => {
    const now = shallowRef(items(1, 2));
    const still = ref(true);
    const closed = ref(false);
    const shown = useStill(() => now.value, (id) => all.get(id), () => still.value, () => closed.value);
    now.value = items(2, 3);
    await nextTick();
    expect(ids(shown.value)).toEqual([1, 2, 3]);
    closed.value = true;
    now.value = items(2, 3, 4);
    await nextTick();
    expect(ids(shown.value)).toEqual([1, 2, 3]);
    still.value = false;
    await nextTick();
    expect(ids(shown.value)).toEqual([2, 3, 4]);
  });

  it("holds an order that would follow by itself", async () => {
    const now = shallowRef(items(1, 2, 3));
    const still = ref(false);
    const list = useHeldOrder(
      () => now.value,
      (entries) => entries.map((item) => item.id).sort((a, b) => b - a),
      () => false,
      { still: () => still.value, find: (id) => all.get(id) },
    );
    expect(ids(list.shown.value)).toEqual([3, 2, 1]);
    still.value = true;
    now.value = items(1, 3, 4);
    await nextTick();
    expect(ids(list.shown.value)).toEqual([3, 2, 1, 4]);
    expect(list.moved.value).toBe(true);
    still.value = false;
    await nextTick();
    expect(ids(list.shown.value)).toEqual([4, 3, 1]);
  });
});
