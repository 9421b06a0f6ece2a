import { ref, watchEffect } from "vue";
import { keep, recall } from "./storage";

/** 长辈版: larger text and targets. It changes the tokens alone; see tokens.css. */
export const elder = ref(recall<boolean>("elder", false));

watchEffect(() => {
  document.documentElement.toggleAttribute("data-elder", elder.value);
});

export function toggleElder(): void {
  elder.value = !elder.value;
  keep("elder", elder.value);
}
