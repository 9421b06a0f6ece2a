import { onMounted, onUnmounted, type Ref } from "vue";

/**
 * What stands above a list may grow (a question on screen, a word about the line). The list then gives way at its top,
 * and what one reads stays where it is on the screen.
 */
export function useAnchor(box: Readonly<Ref<HTMLElement | null>>, onResize: () => boolean = () => false): void {
  let top = 0;
  const resized = (): void => {
    const element = box.value;
    if (element === null || element.clientHeight === 0) return; // a hidden panel measures nothing
    const now = element.getBoundingClientRect().top;
    if (!onResize()) element.scrollTop += now - top;
    top = now;
  };
  let observer: ResizeObserver | null = null;
  onMounted(() => {
    if (typeof ResizeObserver === "undefined" || box.value === null) return;
    top = box.value.getBoundingClientRect().top;
    observer = new ResizeObserver(resized);
    observer.observe(box.value);
  });
  onUnmounted(() => observer?.disconnect());
}
