import { onMounted, onUnmounted } from "vue";

/**
 * Tells the style sheet the part of the window that the keyboard leaves free. Telephones lay the keyboard over the
 * page, and what is fixed to its bottom would lie beneath.
 */
export function useViewport(): void {
  const root = document.documentElement.style;

  function measure(): void {
    const visible = window.visualViewport;
    // A page enlarged with two fingers keeps its layout.
    if (visible === null || visible.scale > 1.01) return;
    root.setProperty("--view", `${visible.height}px`);
    root.setProperty("--view-top", `${visible.offsetTop}px`);
  }

  onMounted(() => {
    measure();
    window.visualViewport?.addEventListener("resize", measure);
    window.visualViewport?.addEventListener("scroll", measure);
  });
  onUnmounted(() => {
    window.visualViewport?.removeEventListener("resize", measure);
    window.visualViewport?.removeEventListener("scroll", measure);
    root.removeProperty("--view");
    root.removeProperty("--view-top");
  });
}
