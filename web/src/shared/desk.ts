/** The programme on the desk: notices, deadlines, materials, filings, the assessment. docs/protocol.md, as types. */

import type { ActivityForm, ActivityKind, Summary, Unit } from "./protocol";

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
  counts: { comments: number; questions: number; suggestions: number; undecided: number; removals: number; removal_due: string | null };
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
  /** Why it was published late or without a field; empty where it was not. */
  notice_reason: string;
  /** How people on the spot are chosen, in words; null where nobody is. */
  selection: string | null;
  selection_due: string | null;
  selection_notice_at: string | null;
  selection_on_time: boolean | null;
  selection_reason: string;
  registered: number;
  /** Selected or confirmed. */
  holding: number;
  present: number;
  satisfaction_answers: number;
  /** 满意率 in [0, 1]; null where nobody answered. */
  satisfaction_share: number | null;
  /** Told with a ticket that was checked in at the door; `online` all others. */
  satisfaction_present_answers: number;
  satisfaction_present_share: number | null;
  satisfaction_online_answers: number;
  satisfaction_online_share: number | null;
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
  /** Why a deadline could not be counted; empty where all could be. */
  problem: string;
}

export interface PlanRemark {
  /** From 1; 0 for the whole text. */
  line: number;
  text: string;
  why: string;
}

/** A year's plan as read, beside what is stored. */
export interface PlanReading {
  title: string;
  document_number: string;
  year: number | null;
  first: string | null;
  last: string | null;
  activities: number;
  units: number;
  /** Not clear, and not imported. */
  unread: PlanRemark[];
  /** Imported; to be looked at. */
  doubts: PlanRemark[];
  changes: { slug: string; effect: "new" | "changed" | "absent"; inferred: boolean; fields: FieldChange[] }[];
  digest: string;
  imported: string[] | null;
}

export interface HistoryItem {
  at: string;
  who: string | null;
  act: "create" | "import" | "edit" | "filing" | "notice" | "state" | "publish" | "film" | "attach" | "detach" | "materials" | "selection" | "selection-notice" | "selection-close" | "draw" | "reveal";
  changes: FieldChange[];
  note: string;
}
