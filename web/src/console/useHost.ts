import { computed, onUnmounted, ref, shallowRef } from "vue";
import type { Socket } from "socket.io-client";
import { api, ApiError } from "../shared/api";
import { merge } from "../shared/lists";
import type {
  Acknowledgement,
  Act,
  Activity,
  BroadcastNews,
  Done,
  Entry,
  EntryKind,
  Health,
  Stream,
  StreamMoment,
} from "../shared/protocol";
import { openLine } from "../shared/socket";
import { useColleagues, type ColleagueNews, type ColleagueSays } from "./useColleagues";

interface Received extends ColleagueNews {
  state(now: { activity: Activity; stream: Stream; history: StreamMoment[] }): void;
  comments(list: Entry[]): void;
  questions(list: Entry[]): void;
  presence(now: { watching: number }): void;
  broadcast(now: BroadcastNews & Pick<Activity, "moderation" | "challenge">): void;
  stream(now: Stream): void;
  health(now: Health): void;
}

type ActAnswer = Acknowledgement<Done>;
type Command = { id: number } & Record<string, unknown>;

interface Sent
  extends Record<Act["act"], (command: Command, answer: (given: ActAnswer) => void) => void>,
    ColleagueSays {
  history(
    query: { kind: EntryKind; before: number },
    answer: (given: Acknowledgement<{ entries: Entry[]; next: number | null }>) => void,
  ): void;
}

const PATIENCE = 10_000;
const KEPT = 5_000;
/** Ten minutes of the stream, one moment in two seconds. */
const MOMENTS = 300;

/** The host's line to one activity; where it is not `seen`, other hosts do not read of it. */
export function useHost(slug: string, { seen = true }: { seen?: boolean } = {}) {
  const activity = shallowRef<Activity | null>(null);
  const comments = shallowRef<Entry[]>([]);
  const questions = shallowRef<Entry[]>([]);
  const stream = shallowRef<Stream | null>(null);
  const history = shallowRef<StreamMoment[]>([]);
  const health = ref<Health>({ database: "up", scorer: "up", relay: "up" });
  const watching = ref(0);
  /** Whether older entries than those here may exist. */
  const more = ref<Record<EntryKind, boolean>>({ comment: true, question: true });

  const line = openLine("/host", () => ({ activity: slug }));
  const socket: Socket<Received, Sent> = line.socket;
  const colleagues = useColleagues(line.socket, { seen });

  socket.on("state", (now) => {
    activity.value = now.activity;
    stream.value = now.stream;
    history.value = now.history;
    watching.value = now.activity.watching;
  });
  socket.on("comments", (list) => (comments.value = merge(comments.value, list, KEPT)));
  socket.on("questions", (list) => (questions.value = merge(questions.value, list, KEPT)));
  socket.on("presence", (now) => (watching.value = now.watching));
  socket.on("stream", (now) => {
    stream.value = now;
    if (now.moment !== null) history.value = [...history.value.slice(1 - MOMENTS), now.moment];
  });
  socket.on("health", (now) => (health.value = now));
  socket.on("broadcast", (now) => {
    if (activity.value === null) return;
    const changed = now.state !== activity.value.state;
    activity.value = { ...activity.value, ...now };
    if (changed) void refresh();
  });
  onUnmounted(() => socket.disconnect());

  async function refresh(): Promise<void> {
    try {
      activity.value = await api.activity(slug);
    } catch {
      // The line brings what matters; the rest comes with the next connection.
    }
  }

  function put(entry: Entry): void {
    const list = entry.kind === "comment" ? comments : questions;
    // An answer names no likely duplicates; they come with the next list, and the row keeps its height until then.
    const similar = entry.similar.length > 0 ? entry.similar : (find(entry.id)?.similar ?? []);
    list.value = merge(list.value, [{ ...entry, similar }]);
  }

  const find = (id: number): Entry | undefined =>
    questions.value.find((item) => item.id === id) ?? comments.value.find((item) => item.id === id);

  /**
   * One act, over the line or, while that is down, over HTTP. `revision` is what this host saw of the entry, else what is
   * shown: where a colleague was quicker, the service says so and does nothing. Throws ApiError with words for the host.
   */
  async function act(id: number, { act: name, ...given }: Act, revision = find(id)?.revision): Promise<Done> {
    const rest = revision === undefined ? given : { ...given, revision };
    const forget = colleagues.mine(id, name);
    let done: Done;
    if (line.connection.value === "online") {
      let answer: ActAnswer;
      try {
        answer = await socket.timeout(PATIENCE).emitWithAck(name, { id, ...rest });
      } catch {
        forget();
        throw new ApiError(0, "network", "没有收到回应，请检查网络后再试。");
      }
      if (!answer.ok) forget();
      if (!answer.ok) throw new ApiError(409, answer.error.code, answer.error.message);
      done = answer;
    } else {
      done = await api.act(id, { act: name, ...rest } as Act);
    }
    put(done.entry);
    return done;
  }

  async function loadOlder(kind: EntryKind): Promise<void> {
    const list = kind === "comment" ? comments : questions;
    const before = list.value[0]?.id;
    if (before === undefined) return;
    const page = await api.entries(slug, { kind, before, limit: 200 });
    list.value = merge(list.value, page.entries);
    more.value = { ...more.value, [kind]: page.next !== null };
  }

  return {
    slug,
    activity,
    comments,
    questions,
    stream,
    history,
    health,
    watching,
    more,
    connection: line.connection,
    refusal: line.refusal,
    onAir: computed(() => activity.value?.on_air ?? stream.value?.on_air ?? false),
    find,
    act,
    colleagues,
    refresh,
    loadOlder,
    reconnect: () => socket.connect(),
  };
}

export type Host = ReturnType<typeof useHost>;
