/** The shapes that travel between these pages and the service: docs/protocol.md, as types. */

export type ActivityState = "scheduled" | "live" | "ended";

export type ActivityKind = "open-day" | "lecture";

export type ActivityForm = "online" | "in-person" | "hybrid";

export interface Unit {
  id: string;
  name: string;
}

export interface Summary {
  slug: string;
  kind: ActivityKind;
  number: number;
  topic: string | null;
  title: string;
  units: Unit[];
  form: ActivityForm | null;
  starts_at: string | null;
  ends_at: string | null;
  place: string;
  state: ActivityState;
  on_air: boolean;
  outcomes_version: number;
}

export interface Activity extends Summary {
  summary: string;
  flow: string;
  participation: string;
  live_started_at: string | null;
  live_ended_at: string | null;
  watching: number;
  /** 0 = no notice published yet. */
  notice_version: number;
  /** 0 = no materials published yet. */
  materials_version: number;
  leader: string;
  /** Which of the unit's heads came. */
  attended: string;
  moderation: ModerationMode;
  /** Working days after the last day in which the unit promises to say what was adopted. */
  promise_days: number | null;
  /** Seconds between two entries of one device; 0 = no slow mode. */
  slow_seconds: number;
  challenge: ChallengeMode;
  identity: IdentityMode;
}

/** Comments are shown at once, after a host's approval, or after approval where something is suspicious. */
export type ModerationMode = "after" | "before" | "suspicious";

/** When a device proves work before it speaks. */
export type ChallengeMode = "off" | "auto" | "on";

/** What a citizen proves before speaking: nothing, or a phone by a code. */
export type IdentityMode = "guest" | "phone";

/** Proof of work as ALTCHA (version 1) puts it. */
export interface Challenge {
  algorithm: string;
  challenge: string;
  maxnumber: number;
  salt: string;
  signature: string;
}

export interface Proof extends Omit<Challenge, "maxnumber"> {
  number: number;
}

/** The event `broadcast`. */
export interface BroadcastNews {
  state: ActivityState;
  on_air: boolean;
  slow_seconds: number;
  identity: IdentityMode;
}

export type AnswerMode = "live" | "written";

export interface Answer {
  mode: AnswerMode;
  /** May be empty where it was answered live. */
  text: string;
  at: string;
}

export type EntryKind = "comment" | "question";

/** What a citizen may send: a suggestion is a comment that asks to be considered. */
export type SpeechKind = EntryKind | "suggestion";

export type EntryState = "shown" | "hidden" | "merged" | "withdrawn" | "pending" | "open" | "answered" | "declined";

export type Role = "admin" | "coordinator" | "staff";

export interface Account {
  id: number;
  username: string;
  name: string;
  role: Role;
  unit: Unit | null;
  disabled: boolean;
}

export interface Stream {
  on_air: boolean;
  publisher: {
    since: string;
    /** Size and rate are null until they are known. */
    video: { codec: string; bitrate: number; fps: number | null; width: number | null; height: number | null } | null;
    audio: { codec: string; bitrate: number } | null;
    packets_lost: number;
  } | null;
  viewers: number;
  /** The layers of the picture, the smallest first, and how many receive each. */
  layers: { name: string; width: number | null; height: number | null; bitrate: number; viewers: number }[];
  /** How many want the sound alone. */
  sound_alone: number;
  relay: "up" | "restarting";
  moment: StreamMoment | null;
}

/** Seconds since 1970, bits a second, frames a second, per cent lost, sessions that receive. */
export type StreamMoment = [
  at: number,
  bitrate: number | null,
  fps: number | null,
  loss: number | null,
  viewers: number,
];

export type SentimentLabel = "positive" | "negative" | "uncertain" | "unscored";

export type Corrected = Exclude<SentimentLabel, "unscored">;

export type Utterance = "question" | "suggestion" | "complaint" | "thanks" | "empty" | "other";

export interface Entry {
  id: number;
  kind: EntryKind;
  text: string;
  nickname: string;
  at: string;
  state: EntryState;
  score: number | null;
  label: SentimentLabel | null;
  /** What a host says instead; it counts first. */
  corrected: Corrected | null;
  utterance: Utterance | null;
  reason: string | null;
  suggestion: number | null;
  votes: number;
  on_screen: boolean;
  answer: Answer | null;
  flags: Flag[];
  /** How many are merged into it. */
  merged: number;
  merged_into: number | null;
  /** Whether its author sent it as a suggestion. */
  proposed: boolean;
  /** Questions that may ask the same. */
  similar: number[];
  /** Grows with each act; an act that names an older one is refused. */
  revision: number;
  handled_by: string | null;
  /** When the last act was. */
  handled_at: string | null;
  /** The last 转办 that was not recalled. */
  handover: { id: number; unit: string; state: "offered" | "accepted" | "returned" | "replied"; due: string | null } | null;
  labels: string[];
  /** What hosts tell each other. */
  notes: { id: number; at: string; by: string; text: string }[];
  /** Its place among the questions that a host put first; null = by votes and age. */
  lifted: number | null;
}

export interface MoodPoint {
  at: string;
  counts: Record<SentimentLabel, number>;
  /** How many entries name each topic of the picture. */
  topics: number[];
}

/** How an activity sounds and what it speaks of over time. */
export interface MoodPicture {
  /** Width of a point. */
  minutes: number;
  n: number;
  scored: number;
  corrected: number;
  counts: Record<SentimentLabel, number>;
  /** Half the 95 % interval of each share of `scored`. */
  margins: Partial<Record<SentimentLabel, number>>;
  points: MoodPoint[];
  topics: { word: string; n: number }[];
  truncated: boolean;
  note: string;
}

export type WordLevel = "block" | "hold" | "mark";

export type FoundHow = "exact" | "folded" | "spread" | "loose" | "pinyin";

/** Why an entry was held or marked: a listed word with its place, or a device that is new here. */
export interface Flag {
  rule: "word" | "newcomer";
  field: "text" | "nickname" | null;
  word: string | null;
  /** The unit whose list it is, `*` for the district's. */
  list: string | null;
  severity: WordLevel | null;
  how: FoundHow | null;
  start: number | null;
  end: number | null;
}

export interface WordList {
  /** null: the district's. */
  unit: Unit["id"] | null;
  severity: WordLevel;
  words: string[];
  revision: number;
  changed_at: string | null;
  editable: boolean;
}

/** What the lists would do to a sentence. */
export interface Finding {
  severity: WordLevel | null;
  hits: {
    unit: Unit["id"] | null;
    word: string;
    listed: WordLevel;
    severity: WordLevel;
    how: FoundHow;
    why: string;
    start: number;
    end: number;
  }[];
}

export interface Ban {
  /** The entry for which it was spoken. */
  entry: number;
  text: string;
  nickname: string;
  reason: HideReason;
  at: string;
  until: string;
  by: string | null;
  /** Whether it is for the whole address range. */
  network: boolean;
}

export type HideReason = "spam" | "abuse" | "privacy" | "unlawful" | "off-topic" | "other";

export type Act =
  | { act: "hide"; reason: HideReason }
  | { act: "restore" }
  | { act: "approve" }
  | { act: "decline"; reason: string }
  | { act: "answer"; mode: AnswerMode; text?: string }
  | { act: "reopen" }
  | { act: "merge"; into: number }
  | { act: "split" }
  | { act: "label"; label: string; on: boolean }
  | { act: "note"; text: string }
  | { act: "note"; remove: number }
  | { act: "lift"; above: number | null }
  | { act: "lower" }
  | { act: "correct"; sentiment: Corrected | null }
  | { act: "screen"; on: boolean }
  | { act: "suggest"; on: boolean }
  | { act: "ban"; minutes: number; reason: HideReason; network?: boolean; sweep?: boolean }
  | { act: "unban" };

/** One line of the log: who did what to which entry. */
export interface ActLine {
  id: number;
  at: string;
  /** null: the author. */
  who: string | null;
  account: number | null;
  entry: number;
  kind: EntryKind;
  /** How the entry begins. */
  text: string;
  act: string;
  before: EntryState | null;
  after: EntryState | null;
  detail: Record<string, unknown>;
}

/** What another host is at. */
export interface Doing {
  entry: number | null;
  form: "answer" | "decline" | null;
}

/** What an act made of an entry, and the ids of those that a ban hid along with it. */
export interface Done {
  entry: Entry;
  swept?: number[];
}

/** A comment as the audience sees it. */
export interface PublicComment {
  id: number;
  text: string;
  nickname: string;
  at: string;
  /** Whether its author sent it as a suggestion. */
  proposed: boolean;
}

/** A question as the audience sees it. */
export interface PublicQuestion extends PublicComment {
  votes: number;
  /** How many that ask the same are merged into it. */
  merged: number;
  lifted: number | null;
  state: "open" | "answered";
  on_screen: boolean;
  answer: Answer | null;
}

export interface Refusal {
  code: string;
  message: string;
  retry_after?: number;
  /** With the code `challenge`: what has to be solved first. */
  challenge?: Challenge;
}

export type Acknowledgement<T> = ({ ok: true } & T) | { ok: false; error: Refusal };

export type EntryAcknowledgement = Acknowledgement<{ id: number; receipt: string; state: EntryState }>;

export type VoteAcknowledgement = Acknowledgement<{ id: number; votes: number; state: EntryState }>;

export interface Health {
  database: "up" | "down";
  /** Where several processes share one audience. */
  redis?: "up" | "down";
  scorer: "up" | "down";
  relay: "up" | "restarting";
}
