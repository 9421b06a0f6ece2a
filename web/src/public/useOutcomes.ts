import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { api, type ApiError } from "../shared/api";
import { asApiError } from "../shared/load";
import type { Outcomes } from "../shared/outcomes";

/** Items of each list that come at a time. */
export const PAGE = 50;

/** What an address's fragment names: `s12` a suggestion, `q345` a question. */
export function anchorOf(hash: string): { suggestion?: number; question?: number } {
  const [, kind, digits] = /^#([sq])(\d{1,15})$/.exec(hash) ?? [];
  if (digits === undefined) return {};
  return kind === "s" ? { suggestion: Number(digits) } : { question: Number(digits) };
}

export interface PagedOutcomes {
  data: ShallowRef<Outcomes | null>;
  error: ShallowRef<ApiError | null>;
  loading: Ref<boolean>;
  /** The topic that alone is shown; empty for all. */
  topic: Ref<string>;
  /** What is on the page, where that is the whole version. */
  whole: ComputedRef<Outcomes | undefined>;
  reload: () => Promise<void>;
  more: (list: "suggestions" | "questions") => Promise<void>;
  all: () => Promise<void>;
}

/** The newest version, page by page: a version may hold thousands of items. */
export function useOutcomes(slug: string, version: () => number): PagedOutcomes {
  const data = shallowRef<Outcomes | null>(null);
  const error = shallowRef<ApiError | null>(null);
  const loading = ref(false);
  const topic = ref("");
  let turn = 0;

  const filter = (): { topic?: string } => (topic.value === "" ? {} : { topic: topic.value });

  async function fetchIt(ask: () => Promise<Outcomes>): Promise<void> {
    const mine = (turn += 1);
    loading.value = true;
    try {
      const got = await ask();
      if (mine !== turn) return;
      data.value = got;
      error.value = null;
    } catch (caught) {
      if (mine === turn) error.value = asApiError(caught);
    } finally {
      if (mine === turn) loading.value = false;
    }
  }

  /** What was on the page stays on it. */
  const reload = (): Promise<void> => {
    const shown = Math.max(data.value?.suggestions.length ?? 0, data.value?.questions.length ?? 0);
    const limit = Math.min(500, Math.max(PAGE, Math.ceil(shown / PAGE) * PAGE));
    return fetchIt(() => api.outcomes(slug, { limit, ...anchorOf(window.location.hash), ...filter() }));
  };

  async function more(list: "suggestions" | "questions"): Promise<void> {
    const now = data.value;
    if (now === null) return;
    await fetchIt(async () => {
      const next = await api.outcomes(slug, {
        version: now.version,
        limit: PAGE,
        suggestions: now.suggestions.length,
        questions: now.questions.length,
        ...filter(),
      });
      const grown = { ...now, [list]: [...now[list], ...next[list]] };
      if (list === "questions") grown.answered_seconds = [...now.answered_seconds, ...next.answered_seconds];
      return grown;
    });
  }

  const all = (): Promise<void> => {
    topic.value = "";
    return fetchIt(() => api.outcomes(slug));
  };

  const whole = computed(() => {
    const now = data.value;
    if (now === null || topic.value !== "") return undefined;
    const complete = now.suggestions.length === now.totals.suggestions && now.questions.length === now.totals.questions;
    return complete ? now : undefined;
  });

  watch(version, reload);
  void reload();
  return { data, error, loading, topic, whole, reload, more, all };
}
