import { onMounted, onUnmounted, ref, watch, type Ref } from "vue";

/**
 * Whether a host aims with a mouse inside an element: what lies under the pointer must not change then, however much
 * comes in. A key says that the hand is elsewhere; a finger aims at what it sees and needs no such thing.
 */
export function useAim(box: Readonly<Ref<HTMLElement | null>>): Readonly<Ref<boolean>> {
  const aiming = ref(false);
  const moved = (event: PointerEvent): void => {
    if (event.pointerType !== "touch") aiming.value = true;
  };
  const gone = (): void => {
    aiming.value = false;
  };
  const key = (event: KeyboardEvent): void => {
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (!event.ctrlKey && !event.metaKey && !event.altKey && !target?.closest("input, textarea, select")) gone();
  };
  watch(box, (now, before) => {
    before?.removeEventListener("pointermove", moved);
    before?.removeEventListener("pointerleave", gone);
    now?.addEventListener("pointermove", moved);
    now?.addEventListener("pointerleave", gone);
    gone();
  });
  onMounted(() => window.addEventListener("keydown", key));
  onUnmounted(() => window.removeEventListener("keydown", key));
  return aiming;
}
