/** Recordings, their replay, and where else a broadcast goes. docs/protocol.md, as types. */

import type { EntryKind } from "./protocol";

/** A public entry at its second of a recording; `answered` only where it was answered on air. */
export interface ReplayMark {
  id: number;
  kind: EntryKind;
  nickname: string;
  text: string;
  at: number;
  answered: number | null;
  answer: string | null;
}

export interface Replay {
  playlist: string;
  file: string;
  seconds: number;
  marks: ReplayMark[];
}

export interface Recording {
  allowed: boolean;
  state: "none" | "recording" | "finishing" | "ready" | "failed";
  stopped: "limit" | "disk" | null;
  seconds: number;
  bytes: number;
  sha256: string | null;
  interruptions: number;
  released_at: string | null;
  released_by: string | null;
}

/** Where else a broadcast goes; the address comes without its key. */
export interface Restream {
  id: number;
  name: string;
  address: string;
  state: string;
  seconds: number;
  tries: number;
  error: string | null;
}
