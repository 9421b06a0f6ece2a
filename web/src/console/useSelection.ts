import { computed, ref, type ComputedRef } from "vue";
import type { Entry } from "../shared/protocol";

export type Column = "comments" | "queue";

/** The entry that the keys act on. Each column registers what it shows. */
export function useSelection() {
  const column = ref<Column>("queue");
  const chosen = ref<Record<Column, number | null>>({ comments: null, queue: null });
  const lists = new Map<Column, () => readonly Entry[]>();

  const list = (): readonly Entry[] => lists.get(column.value)?.() ?? [];

  const current: ComputedRef<Entry | null> = computed(() => {
    const id = chosen.value[column.value];
    return list().find((entry) => entry.id === id) ?? null;
  });

  function choose(where: Column, id: number): void {
    column.value = where;
    chosen.value[where] = id;
  }

  /** One further; from nothing, the queue begins at its top and the comments at the newest. */
  function move(step: 1 | -1): void {
    const entries = list();
    const index = entries.findIndex((entry) => entry.id === chosen.value[column.value]);
    const begin = column.value === "queue" ? 0 : entries.length - 1;
    const next = entries[index === -1 ? begin : Math.min(Math.max(index + step, 0), entries.length - 1)];
    if (next !== undefined) chosen.value[column.value] = next.id;
  }

  /** Hands the selection of a column on, without going to that column. */
  function replace(where: Column, id: number | null): void {
    chosen.value[where] = id;
  }

  return {
    column,
    chosen,
    current,
    choose,
    move,
    replace,
    register: (where: Column, entries: () => readonly Entry[]) => lists.set(where, entries),
  };
}

export type Selection = ReturnType<typeof useSelection>;
