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

const PROBLEMS: [RegExp, string][] = [
  [/refused/i, "对方没有开放这个端口"],
  [/timed out|timeout/i, "对方没有应答"],
  [/resolve|name or service|no route|unreachable/i, "找不到这个地址"],
  [/broken pipe|reset|end of file|i\/o|input\/output/i, "对方断开了连接，推流码可能不对"],
];

/** Why a platform could not be reached, in words; FFmpeg's own stand in the log. */
export function restreamProblem(error: string): string {
  return PROBLEMS.find(([pattern]) => pattern.test(error))?.[1] ?? "请检查地址和推流码";
}
