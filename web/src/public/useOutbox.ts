import { onUnmounted, ref, shallowRef, watch } from "vue";
import { Outbox, type Letter, type LetterStore } from "../shared/outbox";
import { solve } from "../shared/proof";
import type { EntryState, SpeechKind } from "../shared/protocol";
import { forget, keep, names, randomName, recall } from "../shared/storage";
import { toast } from "../shared/toasts";
import { ENTRY_KIND } from "../shared/words";
import type { Audience } from "./useAudience";

/** One's own entry that the service has, with the code that finds it. */
export interface OwnEntry {
  id: number;
  receipt: string;
  kind: SpeechKind;
  text: string;
  at: number;
  /** What became of it, as far as this page knows; older pages did not keep that. */
  state?: EntryState;
}

const KEPT = 200;

function browserStore(slug: string): LetterStore {
  const prefix = `outbox.${slug}.`;
  return {
    load: () =>
      names(prefix)
        .map((name) => recall<Letter | null>(name, null))
        .filter((letter): letter is Letter => letter !== null && typeof letter.key === "string"),
    save: (letter) => keep(prefix + letter.key, letter),
    drop: (key) => forget(prefix + key),
  };
}

/** What this browser wrote to one activity: still on its way, and arrived. */
export function useOutbox(slug: string, audience: Audience) {
  const letters = shallowRef<readonly Letter[]>([]);
  const own = ref<OwnEntry[]>(recall<OwnEntry[]>(`own.${slug}`, []));

  /** When the service took the last one, in milliseconds. */
  const acceptedAt = ref(0);

  /** Set while the citizen is asked to prove a phone: what to call with how that ended. */
  const identifying = shallowRef<((proved: boolean) => void) | null>(null);

  const outbox = new Outbox(browserStore(slug), {
    send: ({ kind, key, text, nickname }) => audience.say(kind, { key, text, nickname }),
    async prove(challenge) {
      const proof = await solve(challenge);
      return proof !== null && (await audience.prove(proof)).ok;
    },
    identify: () =>
      new Promise((resolve) => {
        identifying.value = (proved) => {
          identifying.value = null;
          resolve(proved);
        };
      }),
    accepted(letter, { id, receipt, state }) {
      const kept = recall<OwnEntry[]>(`own.${slug}`, []).filter((entry) => entry.id !== id);
      own.value = [...kept, { id, receipt, kind: letter.kind, text: letter.text, at: letter.at, state }].slice(-KEPT);
      keep(`own.${slug}`, own.value);
      acceptedAt.value = Date.now();
      const what = ENTRY_KIND[letter.kind];
      toast(state === "pending" ? `${what}已提交，审核后公开，回执码 ${receipt}` : `${what}已发出，回执码 ${receipt}`);
    },
    changed: (list) => (letters.value = list),
  });
  letters.value = outbox.all();

  watch(audience.online, (online) => outbox.setOnline(online), { immediate: true });
  onUnmounted(() => outbox.stop());

  return {
    letters,
    own,
    acceptedAt,
    identifying,
    send: (kind: SpeechKind, text: string, nickname: string) => outbox.add({ key: randomName(), kind, text, nickname }),
    takeBack: (key: string) => outbox.takeBack(key),
    /** Forgets the words of an entry that its author took back; the code stays. */
    blank(id: number): void {
      own.value = own.value.map((entry) => (entry.id === id ? { ...entry, text: "", state: "withdrawn" } : entry));
      keep(`own.${slug}`, own.value);
    },
    /** Keeps what became of an entry beside it. */
    note(id: number, state: EntryState): void {
      own.value = own.value.map((entry) => (entry.id === id ? { ...entry, state } : entry));
      keep(`own.${slug}`, own.value);
    },
  };
}

export type Own = ReturnType<typeof useOutbox>;
