import { onUnmounted, ref, watch } from "vue";
import type { PublicComment } from "../shared/protocol";
import { keep, recall } from "../shared/storage";
import { nickWords } from "../shared/words";

/** So many in one breath are read out; of more only the newest, and how many there were. */
const READ = 3;
const LONGEST = 120;

/** What a screen reader is told of new comments: their words, or how many they are. Empty where there are none. */
export function spokenWords(fresh: readonly PublicComment[], aloud: boolean): string {
  if (fresh.length === 0) return "";
  if (!aloud) return `新增 ${fresh.length} 条留言`;
  const words = (item: PublicComment): string => `${nickWords(item.nickname)}：${Array.from(item.text).slice(0, LONGEST).join("")}`;
  if (fresh.length <= READ) return fresh.map(words).join("。");
  return `新增 ${fresh.length} 条留言，最新一条，${words(fresh[fresh.length - 1] as PublicComment)}`;
}

/** Reads along for those who listen to the page: every few seconds, and never by moving the focus. */
export function useReading(comments: () => readonly PublicComment[], greeted: () => boolean) {
  const aloud = ref(recall<boolean>("read-aloud", false));
  watch(aloud, (now) => keep("read-aloud", now));
  const spoken = ref("");
  const newest = (): number => comments()[comments().length - 1]?.id ?? 0;
  let announced = Infinity;
  // What was there when one came is no news.
  watch(
    greeted,
    (now) => {
      if (now) announced = newest();
    },
    { immediate: true },
  );

  let turn = 0;
  const speaker = window.setInterval(() => {
    // Numbers alone need not come as often as words.
    turn += 1;
    if (!aloud.value && turn % 3 !== 0) return;
    const fresh = comments().filter((item) => item.id > announced);
    if (fresh.length === 0) return;
    spoken.value = spokenWords(fresh, aloud.value);
    announced = newest();
  }, 5_000);
  onUnmounted(() => window.clearInterval(speaker));

  return { aloud, spoken };
}
