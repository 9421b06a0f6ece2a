import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError } from "./api";

export interface Loaded<T> {
  data: ShallowRef<T | null>;
  error: ShallowRef<ApiError | null>;
  loading: Ref<boolean>;
  reload: () => Promise<void>;
}

/** Fetches something for a view and keeps the old data while it is fetched again. */
export function useLoad<T>(fetchIt: () => Promise<T>): Loaded<T> {
  const data = shallowRef<T | null>(null);
  const error = shallowRef<ApiError | null>(null);
  const loading = ref(false);
  let turn = 0;

  async function reload(): Promise<void> {
    const mine = (turn += 1);
    loading.value = true;
    try {
      const got = await fetchIt();
      if (mine !== turn) return;
      data.value = got;
      error.value = null;
    } catch (caught) {
      if (mine === turn) error.value = asApiError(caught);
    } finally {
      if (mine === turn) loading.value = false;
    }
  }

  void reload();
  return { data, error, loading, reload };
}

export function asApiError(caught: unknown): ApiError {
  return caught instanceof ApiError ? caught : new ApiError(0, "unknown", "出了点问题，请刷新页面再试。");
}
