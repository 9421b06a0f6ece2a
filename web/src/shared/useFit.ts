import { onMounted, onUnmounted, ref, watch, type Ref } from "vue";

const LEADING = 1.45;

/** The largest letters, in pixels, with which `length` full-width characters fit a box; `most` at the most. */
export function fitting(length: number, width: number, height: number, most: number): number {
  if (length === 0 || width <= 0 || height <= 0) return most;
  // A line holds whole characters: what is left over at its end is counted as one more a line.
  let size = Math.min(most, Math.sqrt((width * height) / (LEADING * length)));
  while (size > 1 && Math.ceil(length / Math.max(1, Math.floor(width / size))) * size * LEADING > height) size *= 0.97;
  return size;
}

/** Letters as large as the whole text allows, for what is read at a distance: nothing is cut off. `most`: of the window's height. */
export function useFit(box: Readonly<Ref<HTMLElement | null>>, text: () => string, most: number): Readonly<Ref<number>> {
  const size = ref(0);
  const fit = (): void => {
    const element = box.value;
    if (element === null) return;
    const lines = text().split("\n");
    const width = element.clientWidth;
    // Each line of its own begins anew.
    const length = Array.from(text()).length + (lines.length - 1) * 10;
    size.value = fitting(length, width, element.clientHeight, window.innerHeight * most);
  };
  let observer: ResizeObserver | null = null;
  onMounted(() => {
    fit();
    if (typeof ResizeObserver === "undefined") return;
    observer = new ResizeObserver(fit);
    watch(
      box,
      (now, before) => {
        if (before) observer?.unobserve(before);
        if (now) observer?.observe(now);
        fit();
      },
      { immediate: true },
    );
  });
  onUnmounted(() => observer?.disconnect());
  watch(text, fit, { flush: "post" });
  return size;
}
