import { ref } from "vue";

export interface Toast {
  id: number;
  text: string;
  action: { label: string; run: () => void } | null;
}

const KEPT = 2;

/** Short notes that go away by themselves; an undo stays longer, for there is something to decide. */
export const toasts = ref<Toast[]>([]);
let next = 1;

/** Plain notes follow one another; of those with an undo the last few stay. */
export function toast(text: string, action: Toast["action"] = null): number {
  const id = next;
  next += 1;
  const others = toasts.value.filter((item) => item.action !== null).slice(1 - KEPT);
  toasts.value = [...others, { id, text, action }];
  window.setTimeout(() => dismiss(id), action === null ? 5_000 : 10_000);
  return id;
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((item) => item.id !== id);
}
