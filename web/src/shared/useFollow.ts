import { computed, nextTick, onMounted, ref, shallowRef, watch, type Ref } from "vue";
import { useAnchor } from "./useAnchor";

interface Numbered {
  id: number;
}

const WINDOW = 200;
/** Rows at the most, where somebody goes on from one to the next without ever jumping to the newest. */
const WIDEST = 3 * WINDOW;
const NEAR_BOTTOM = 48;

/**
 * A list whose newest entry is at the bottom. Whoever is at the bottom stays there as new ones come; whoever has
 * scrolled up to read is left alone, and `held` says how many came meanwhile. While `still()`, nothing moves at all.
 */
export function useFollow<T extends Numbered>(
  all: () => readonly T[],
  box: Readonly<Ref<HTMLElement | null>>,
  still: () => boolean = () => false,
) {
  const windowed = shallowRef<readonly T[]>([]);
  const atBottom = ref(true);
  let size = WINDOW;

  const last = computed(() => windowed.value[windowed.value.length - 1]?.id ?? 0);
  const held = computed(() => {
    const list = all();
    let count = 0;
    while (count < list.length && (list[list.length - 1 - count]?.id ?? 0) > last.value) count += 1;
    return count;
  });
  const older = computed(() => Math.max(0, all().length - held.value - windowed.value.length));

  /** Heights of the box and of what is in it, as they were looked at last. */
  let measured = [0, 0];

  function toBottom(): void {
    const element = box.value;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    measured = [element.clientHeight, element.scrollHeight];
  }

  function follow(): void {
    size = WINDOW;
    windowed.value = all().slice(-WINDOW);
    atBottom.value = true;
    void nextTick(toBottom);
  }

  /** The part of the list up to what is shown now, `size` long at most. */
  function settle(): void {
    const end = all().length - held.value;
    windowed.value = all().slice(Math.max(0, end - size), end);
  }

  /** Shows what waits below, and moves nothing. */
  function reveal(): void {
    size = Math.min(WIDEST, size + held.value);
    windowed.value = all().slice(-size);
  }

  /** Shows more at the top and leaves what one reads where it is. */
  async function showOlder(): Promise<void> {
    const element = box.value;
    if (element === null) return;
    const below = element.scrollHeight - element.scrollTop;
    size += WINDOW;
    settle();
    await nextTick();
    element.scrollTop = element.scrollHeight - below;
  }

  function onScroll(): void {
    const element = box.value;
    // A hidden panel measures nothing.
    if (element === null || element.clientHeight === 0) return;
    const was = atBottom.value;
    const changed = element.clientHeight !== measured[0] || element.scrollHeight !== measured[1];
    measured = [element.clientHeight, element.scrollHeight];
    // Larger letters or a lower box: the browser moved it, nobody scrolled.
    if (was && changed && !still()) {
      toBottom();
      return;
    }
    atBottom.value = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_BOTTOM;
    if (atBottom.value && !was && held.value > 0 && !still()) follow();
  }

  watch([all, still], () => {
    if (atBottom.value && !still()) follow();
    else settle(); // changed and removed ones show, new ones wait
  });

  onMounted(follow);
  // The keyboard and the turning of a phone change the height; the bottom should stay the bottom.
  useAnchor(box, () => {
    if (atBottom.value) toBottom();
    return atBottom.value;
  });

  return { shown: windowed, atBottom, held, older, follow, reveal, showOlder, onScroll };
}
