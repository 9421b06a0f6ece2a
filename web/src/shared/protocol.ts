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

export type Decision = "adopted" | "partly-adopted" | "not-adopted" | "kept-for-reference" | "transferred";

export interface OutcomeNumbers extends Ledger {
  comments: number;
  questions: number;
  answered: number;
  suggestions: number;
  adopted: number;
  partly_adopted: number;
  not_adopted: number;
  kept_for_reference: number;
  transferred: number;
  /** Hidden entries by reason; absent in versions published before this was told. */
  hidden?: Partial<Record<HideReason, number>>;
}

export interface OutcomeQuestion {
  text: string;
  nickname: string;
  merged?: number;
  votes: number;
  mode: AnswerMode | null;
  answer: string;
  answered_at: string | null;
}

export interface OutcomeSuggestion {
  number: number;
  text: string;
  nickname: string;
  merged?: number;
  decision: Decision;
  reason: string;
  transferred_to: string | null;
  decided_at: string;
  updates?: SuggestionUpdate[];
}

export interface Outcomes {
  version: number;
  published_at: string;
  published_by: string;
  sha256: string;
  numbers: OutcomeNumbers;
  questions: OutcomeQuestion[];
  suggestions: OutcomeSuggestion[];
  /** Where each question was answered in the released recording. */
  answered_seconds: (number | null)[];
}

export type FilePurpose = "plan" | "emergency" | "picture" | "document";

export interface PublishedFile {
  id: number;
  name: string;
  media_type: string;
  size: number;
  sha256: string;
  /** What a picture shows. */
  alt: string;
}

/** A file of an activity, as staff sees it. */
export interface Attachment extends PublishedFile {
  purpose: FilePurpose;
  uploaded_at: string;
  uploaded_by: string | null;
  published: boolean;
}

export interface Quote {
  text: string;
  by: string;
}

export interface Materials {
  version: number;
  published_at: string;
  published_by: string;
  sha256: string;
  title: string;
  column: string;
  text: string;
  recording_url: string | null;
  pictures: PublishedFile[];
  documents: PublishedFile[];
  quotes: Quote[];
  contact: string;
}

export interface ColumnEntry {
  slug: string;
  title: string;
  units: Unit[];
  starts_at: string | null;
  published_at: string;
  text: string;
  picture: PublishedFile | null;
  documents: number;
  recording: boolean;
  outcomes_version: number;
}

export type EntryKind = "comment" | "question";
/** What a citizen may send: a suggestion is a comment that asks to be considered. */
export type SpeechKind = EntryKind | "suggestion";
export type EntryState = "shown" | "hidden" | "merged" | "withdrawn" | "pending" | "open" | "answered" | "declined";

/** The public entry that an author's entry was merged into. */
export interface ReceiptHead {
  text: string;
  state: EntryState;
}

export interface Receipt {
  receipt: string;
  kind: EntryKind;
  proposed: boolean;
  state: EntryState;
  text: string;
  nickname: string;
  created_at: string;
  activity: { slug: string; title: string };
  /** Why it was declined or hidden, in words. */
  reason: string | null;
  /** Set where it was merged: the answer and the suggestion are then that entry's. */
  merged_into: ReceiptHead | null;
  answer: Answer | null;
  suggestion: {
    number: number;
    decision: Decision | null;
    reason: string;
    transferred_to: string | null;
    published: boolean;
  } | null;
}

export type Role = "admin" | "coordinator" | "staff";

export interface Account {
  id: number;
  username: string;
  name: string;
  role: Role;
  unit: Unit | null;
  disabled: boolean;
}

/** Where an account's reminders go, and what they would say today. */
export interface ReminderSettings {
  /** Whether the service has a mail server. */
  configured: boolean;
  email: string | null;
  items: { title: string; kind: string; due: string; stage: string }[];
}

export interface Deadline {
  /** `selection` is there with 公开遴选, `adoption` where the unit promised a day. */
  kind: "notice" | "selection" | "materials" | "adoption";
  due: string | null;
  done: boolean;
  late: boolean;
  done_on: string | null;
  /** Why no day could be counted, where form and time are set. */
  problem: string | null;
}

export interface DeskRow extends Summary {
  deadlines: Deadline[];
  counts: { comments: number; questions: number; suggestions: number; undecided: number };
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

export interface Suggestion {
  id: number;
  number: number;
  revision: number;
  entry: Entry;
  decision: Decision | null;
  reason: string;
  transferred_to: Unit | null;
  decided_by: string | null;
  decided_at: string | null;
  updates: SuggestionUpdate[];
}

/** How far what was decided has come. */
export type Progress = "done" | "under-way" | "not-started";

export interface SuggestionUpdate {
  at: string;
  /** The unit whose word it is. */
  by: string;
  progress: Progress;
  text: string;
}

/** A published version, and what it changed in the one before. */
export interface OutcomeVersion {
  version: number;
  published_at: string;
  sha256: string;
  changes: { label: string; before: string; after: string }[];
}

/** Whether a second person has to release what is published, and who put what forward. */
export interface Release {
  required: boolean;
  requested_by: string | null;
  requested_at: string | null;
  current: boolean;
  own: boolean;
}

export type HandoverState = "offered" | "accepted" | "returned" | "replied" | "recalled";
export type HandoverAct = "accept" | "return" | "reply" | "recall";

/** An entry that another unit was asked to deal with. */
export interface Handover {
  id: number;
  entry: number;
  text: string;
  activity: string;
  activity_title: string;
  owners: Unit[];
  unit: Unit;
  due: string | null;
  late: boolean;
  note: string;
  state: HandoverState;
  words: string;
  offered_at: string;
  changed_at: string;
  received: boolean;
}

export interface UnitSettings {
  id: string;
  name: string;
  four_eyes: boolean;
}

/** received = shown + withheld + merged + withdrawn + deleted, at every moment. */
export interface Ledger {
  received: number;
  shown: number;
  withheld: number;
  merged: number;
  withdrawn: number;
  deleted: number;
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
  | { act: "ban"; minutes: number; reason: HideReason; network?: boolean }
  | { act: "unban" };

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
  scorer: "up" | "down";
  relay: "up" | "restarting";
}

export interface NoticeField {
  label: string;
  text: string;
}

/** A field before and after; empty where there was or is nothing. */
export interface FieldChange {
  label: string;
  before: string;
  after: string;
}

export interface Notice {
  version: number;
  published_at: string;
  published_by: string;
  sha256: string;
  title: string;
  fields: NoticeField[];
  changes: FieldChange[];
}

/** What the public sees: the notice that holds, and every version, the newest first. */
export interface NoticeHistory {
  latest: Notice;
  versions: Notice[];
}

export interface StaffNotice extends Notice {
  account: string | null;
  objections: string[];
  reason: string;
}

export interface NoticeDraft {
  title: string;
  fields: NoticeField[];
  free: NoticeField[];
  missing: string[];
  due: string | null;
  on_time: boolean | null;
  objections: string[];
  changes: FieldChange[];
  version: number;
  versions: StaffNotice[];
}

export interface CountedDay {
  date: string;
  kind: "workday" | "makeup" | "weekend" | "holiday";
  why: string;
  number: number | null;
}

export interface CountedDeadline {
  kind: string;
  label: string;
  due: string | null;
  rule: string;
  clause: string;
  promised: boolean;
  settled: boolean;
  problem: string | null;
  advised: string | null;
  days: CountedDay[];
}

export interface Timetable {
  form: ActivityForm | null;
  first: string | null;
  last: string | null;
  deadlines: CountedDeadline[];
  missing: string[];
  /** What looks wrong about the time; only advice. */
  remarks: string[];
}

export interface Filing {
  id: number;
  filed_at: string;
  filed_by: string | null;
  activity: string;
  title: string;
  units: Unit[];
  grounds: string[];
  before: string;
  after: string;
  reason: string;
  own: boolean;
}

export interface Holiday {
  name: string;
  first: string;
  last: string;
  makeup: string[];
}

export interface Holidays {
  known: number[];
  entered: { year: number; holidays: Holiday[] }[];
}

/** What is known of one activity for the assessment: facts, and no score. */
export interface AssessmentRow {
  slug: string;
  kind: ActivityKind;
  title: string;
  units: Unit[];
  form: ActivityForm | null;
  starts_at: string | null;
  ends_at: string | null;
  leader: string;
  attended: string;
  plan_at: string | null;
  emergency_at: string | null;
  notice_due: string | null;
  notice_at: string | null;
  notice_on_time: boolean | null;
  notice_version: number;
  filings: number;
  live_started_at: string | null;
  live_ended_at: string | null;
  devices: number;
  peak: number;
  comments: number;
  questions: number;
  answered: number;
  suggestions: number;
  decided: number;
  adopted: number;
  materials_due: string | null;
  materials_at: string | null;
  recording_at: string | null;
  materials_on_time: boolean | null;
  materials_version: number;
  adoption_due: string | null;
  outcomes_at: string | null;
  adoption_on_time: boolean | null;
  /** What is not met yet. */
  open: { label: string; due: string; late: boolean }[];
  outcomes_version: number;
}

export interface HistoryItem {
  at: string;
  who: string | null;
  act: "create" | "import" | "edit" | "filing" | "notice" | "state" | "publish" | "attach" | "detach" | "materials" | "selection" | "selection-notice" | "selection-close" | "draw" | "reveal";
  changes: FieldChange[];
  note: string;
}

/** Over all activities that the account may see. */
export interface Across {
  as_of: string;
  units: {
    name: string;
    activities: number;
    suggestions: number;
    decided: number;
    adopted: number;
    done: number;
    under_way: number;
    overdue: number;
    handed_over: number;
    handed_over_late: number;
  }[];
  recurring: { text: string; times: number; unsettled: number; activities: { slug: string; title: string }[] }[];
  overdue: { slug: string; title: string; number: number; text: string; due: string }[];
  overdue_count: number;
}

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
