import { computed, onUnmounted, ref, shallowRef } from "vue";
import type { Socket } from "socket.io-client";
import { merge, without } from "../shared/lists";
import type {
  Acknowledgement,
  BroadcastNews,
  EntryAcknowledgement,
  Proof,
  PublicComment,
  PublicQuestion,
  SpeechKind,
  VoteAcknowledgement,
} from "../shared/protocol";
import { openLine } from "../shared/socket";
import { deviceName } from "../shared/storage";

interface Received {
  comments(list: PublicComment[]): void;
  questions(list: PublicQuestion[]): void;
  removed(gone: { ids: number[] }): void;
  presence(now: { watching: number }): void;
  broadcast(now: BroadcastNews): void;
  outcomes(published: { version: number }): void;
  notice(published: { version: number }): void;
}

interface Words {
  key: string;
  text: string;
  nickname: string;
}

interface Sent {
  comment(words: Words, answer: (given: EntryAcknowledgement) => void): void;
  suggestion(words: Words, answer: (given: EntryAcknowledgement) => void): void;
  question(words: Words, answer: (given: EntryAcknowledgement) => void): void;
  prove(proof: Proof, answer: (given: Acknowledgement<object>) => void): void;
  phone(typed: { phone: string }, answer: (given: Acknowledgement<object>) => void): void;
  code(typed: { code: string }, answer: (given: Acknowledgement<object>) => void): void;
  vote(vote: { question: number; on: boolean }, answer: (given: VoteAcknowledgement) => void): void;
}

const PATIENCE = 10_000;
/** A phone that stays all afternoon keeps this many comments. */
const KEPT = 2_000;

/** The audience's line to one activity: what arrives, as state, and what one can send. */
export function useAudience(slug: string, { counted = true }: { counted?: boolean } = {}) {
  const comments = shallowRef<PublicComment[]>([]);
  const questions = shallowRef<PublicQuestion[]>([]);
  /** Whether what was said before has come: all later ones are news. */
  const greeted = ref(false);
  const watching = ref<number | null>(null);
  const broadcast = ref<BroadcastNews | null>(null);
  /** The newest published version that was told since the page opened. */
  const outcomesVersion = ref(0);
  const noticeVersion = ref(0);
  /** Ids that are not public any more, or never will be: the last that were told. */
  const gone = shallowRef<readonly number[]>([]);
  const device = deviceName();

  function auth(): Record<string, unknown> {
    const last = comments.value[comments.value.length - 1]?.id;
    const hello = counted ? { activity: slug, device } : { activity: slug, device, counted };
    return last === undefined ? hello : { ...hello, last };
  }

  const line = openLine("/audience", auth);
  const socket: Socket<Received, Sent> = line.socket;
  socket.on("comments", (list) => {
    comments.value = merge(comments.value, list, KEPT);
    greeted.value = true;
  });
  // The first list after connecting is the whole queue: what is not in it is gone.
  let whole = true;
  socket.on("connect", () => {
    whole = true;
  });
  socket.on("questions", (list) => {
    questions.value = merge(whole ? [] : questions.value, list);
    whole = false;
  });
  socket.on("removed", ({ ids }) => {
    comments.value = without(comments.value, ids);
    questions.value = without(questions.value, ids);
    gone.value = ids;
  });
  socket.on("presence", (now) => {
    watching.value = now.watching;
  });
  socket.on("broadcast", (now) => {
    broadcast.value = now;
  });
  socket.on("outcomes", ({ version }) => {
    outcomesVersion.value = version;
  });
  socket.on("notice", ({ version }) => {
    noticeVersion.value = version;
  });
  onUnmounted(() => socket.disconnect());

  return {
    comments,
    questions,
    gone,
    greeted,
    watching,
    broadcast,
    outcomesVersion,
    noticeVersion,
    connection: line.connection,
    online: computed(() => line.connection.value === "online"),
    update: (question: PublicQuestion): void => {
      questions.value = merge(questions.value, [question]);
    },
    say: (kind: SpeechKind, words: Words): Promise<EntryAcknowledgement> =>
      socket.timeout(PATIENCE).emitWithAck(kind, words),
    prove: (proof: Proof): Promise<Acknowledgement<object>> => socket.timeout(PATIENCE).emitWithAck("prove", proof),
    sendCode: (phone: string): Promise<Acknowledgement<object>> => socket.timeout(PATIENCE).emitWithAck("phone", { phone }),
    enterCode: (code: string): Promise<Acknowledgement<object>> => socket.timeout(PATIENCE).emitWithAck("code", { code }),
    vote: (question: number, on: boolean): Promise<VoteAcknowledgement> =>
      socket.timeout(PATIENCE).emitWithAck("vote", { question, on }),
  };
}

export type Audience = ReturnType<typeof useAudience>;
