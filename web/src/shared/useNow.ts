import { onUnmounted, ref, type Ref } from "vue";

/** The time, as state, for what counts down. */
export function useNow(every = 1_000): Ref<number> {
  const now = ref(Date.now());
  const timer = window.setInterval(() => (now.value = Date.now()), every);
  onUnmounted(() => window.clearInterval(timer));
  return now;
}
