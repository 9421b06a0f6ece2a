import { onMounted, onUnmounted, ref } from "vue";
import { keep, recall } from "../shared/storage";

export interface Key {
  keys: string[];
  words: string;
  run: (key: string) => void;
}

/** Single keys for the frequent acts. They rest while one types or is elsewhere, and can be switched off altogether. */
export function useKeys(bindings: readonly Key[], active: () => boolean) {
  const enabled = ref(recall<boolean>("keys", true));

  function onKey(event: KeyboardEvent): void {
    if (!active() || !enabled.value || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (target?.closest("input, textarea, select, [role='dialog']")) return;
    // Arrows, Home and End are the tabs' own; letters work right after a tab was chosen.
    if (event.key.length > 1 && target?.closest("[role='tablist']")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const binding = bindings.find((item) => item.keys.includes(key));
    if (binding === undefined) return;
    event.preventDefault();
    binding.run(key);
  }

  onMounted(() => window.addEventListener("keydown", onKey));
  onUnmounted(() => window.removeEventListener("keydown", onKey));

  return {
    enabled,
    setEnabled(on: boolean): void {
      enabled.value = on;
      keep("keys", on);
    },
  };
}
