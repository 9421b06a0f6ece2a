import { ref, shallowRef } from "vue";
import { api, session, type ApiError } from "../shared/api";
import { asApiError } from "../shared/load";
import type { Account } from "../shared/protocol";

/** Who is signed in on this page. `ended`: somebody was, and what they were doing still stands behind the form. */
export type SessionState = "loading" | "out" | "in" | "ended" | "error";

const state = ref<SessionState>("loading");
const account = shallowRef<Account | null>(null);
const error = shallowRef<ApiError | null>(null);

async function load(): Promise<void> {
  state.value = "loading";
  try {
    account.value = await api.session();
    state.value = "in";
  } catch (caught) {
    error.value = asApiError(caught);
    state.value = error.value.status === 401 ? "out" : "error";
  }
}

async function signIn(username: string, password: string): Promise<void> {
  account.value = await api.signIn(username, password);
  state.value = "in";
}

async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } finally {
    window.location.reload();
  }
}

session.onEnded = (): void => {
  if (state.value === "in") state.value = "ended";
};

export function useSession() {
  return { state, account, error, load, signIn, signOut };
}
