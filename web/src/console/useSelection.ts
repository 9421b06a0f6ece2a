import { computed, ref, type ComputedRef } from "vue";
import type { Entry } from "../shared/protocol";

export type Column = "comments" | "queue";

/** What a column does at the end of its list: show what waits there, or go on with the newest and choose none. */
interface Edge {
  further: () => void;
  leave: () => void;
}

/** The entry that the keys act on. Each column registers what it shows. */
export function useSelection() {
  const column = ref<Column>("queue");
  const chosen = ref<Record<Column, number | null>>({ comments: null, queue: null });
  const lists = new Map<Column, () => readonly Entry[]>();
  const edges = new Map<Column, Edge>();

  const list = (): readonly Entry[] => lists.get(column.value)?.() ?? [];

  const current: ComputedRef<Entry | null> = computed(() => {
    const id = chosen.value[column.value];
    return list().find((entry) => entry.id === id) ?? null;
  });

  function choose(where: Column, id: number): void {
    column.value = where;
    chosen.value[where] = id;
  }

  /** To a column; from there once more, to its newest, with nothing chosen. */
  function go(where: Column): void {
    if (column.value !== where) {
      column.value = where;
      return;
    }
    chosen.value[where] = null;
    edges.get(where)?.leave();
  }

  /** One further; from nothing, the queue begins at its top and the comments at the newest. */
  function move(step: 1 | -1): void {
    if (step === 1 && list()[list().length - 1]?.id === chosen.value[column.value]) edges.get(column.value)?.further();
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
    go,
    move,
    replace,
    register(where: Column, entries: () => readonly Entry[], edge?: Edge): void {
      lists.set(where, entries);
      if (edge !== undefined) edges.set(where, edge);
    },
  };
}

export type Selection = ReturnType<typeof useSelection>;
