import { onUnmounted, ref, shallowRef } from "vue";
import type { Socket } from "socket.io-client";
import type { Acknowledgement, ActLine, Doing } from "../shared/protocol";

export interface ColleagueNews {
  acted(line: ActLine): void;
  colleague(now: { who: string; name: string; doing: Doing | null }): void;
}

export interface ColleagueSays {
  doing(now: Doing, answer: (given: Acknowledgement<object>) => void): void;
}

export interface Colleague {
  who: string;
  name: string;
  doing: Doing;
  /** When this console heard of them last, in milliseconds. */
  heard: number;
}

const EVERY = 15_000;
const FORGOTTEN = 40_000;
const KEPT = 100;

/** The other hosts at this activity: who is there, what they are writing, and what they just did. Not `seen`: itself it says nothing. */
export function useColleagues(line: Socket, { seen }: { seen: boolean }) {
  const socket = line as Socket<ColleagueNews, ColleagueSays>;
  const others = shallowRef<readonly Colleague[]>([]);
  /** What was done since this console opened, the last at the end; and the last thing that somebody else did. */
  const log = shallowRef<readonly ActLine[]>([]);
  const news = shallowRef<ActLine | null>(null);
  const own = ref<Doing>({ entry: null, form: null });
  /** Acts of this console of which the line of the log has not come back yet. */
  const sent: string[] = [];

  function say(): void {
    if (seen && socket.connected) socket.emit("doing", own.value, () => undefined);
  }

  socket.on("acted", (told) => {
    log.value = [...log.value, told].slice(-KEPT);
    const index = sent.indexOf(`${told.entry} ${told.act}`);
    if (index === -1) news.value = told;
    else sent.splice(index, 1);
  });
  socket.on("colleague", ({ who, name, doing }) => {
    const known = others.value.some((one) => one.who === who);
    const rest = others.value.filter((one) => one.who !== who);
    others.value = doing === null ? rest : [...rest, { who, name, doing, heard: Date.now() }];
    // Who is new here does not know of us yet.
    if (doing !== null && !known) say();
  });
  socket.on("connect", say);

  const timer = window.setInterval(() => {
    say();
    const since = Date.now() - FORGOTTEN;
    if (others.value.some((one) => one.heard < since)) others.value = others.value.filter((one) => one.heard >= since);
  }, EVERY);
  onUnmounted(() => window.clearInterval(timer));

  return {
    others,
    log,
    news,
    /** This console is about to act: what comes back of it is no news. Returns what to call where nothing came of it. */
    mine(entry: number, act: string): () => void {
      const name = `${entry} ${act}`;
      sent.push(name);
      if (sent.length > KEPT) sent.shift();
      return () => {
        const index = sent.indexOf(name);
        if (index !== -1) sent.splice(index, 1);
      };
    },
    /** Tells the others what is being written here. */
    tell(now: Doing): void {
      own.value = now;
      say();
    },
  };
}

export type Colleagues = ReturnType<typeof useColleagues>;
