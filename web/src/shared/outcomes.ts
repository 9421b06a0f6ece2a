/** What comes after an event: decisions, what is published, and what a receipt finds. docs/protocol.md, as types. */

import type { Answer, AnswerMode, Entry, EntryKind, EntryState, HideReason, Unit } from "./protocol";

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

/** What the check of a version needs (docs/outcomes.md), and what was deleted at the author's request. */
export interface Sealed {
  salts?: Record<string, string>;
  seals?: Record<string, string>;
  removed?: Record<string, string>;
}

export interface OutcomeQuestion extends Sealed {
  /** Absent in versions published before this was told. */
  id?: number;
  text: string;
  nickname: string;
  merged?: number;
  votes: number;
  mode: AnswerMode | null;
  answer: string;
  answered_at: string | null;
}

export interface OutcomeSuggestion extends Sealed {
  number: number;
  topic?: string;
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
  form?: number;
  /** Why there is this version. */
  note?: string;
  deleted?: string[];
  numbers: OutcomeNumbers;
  questions: OutcomeQuestion[];
  suggestions: OutcomeSuggestion[];
  /** Where each question was answered in the released recording. */
  answered_seconds: (number | null)[];
  /** False where something was deleted from a version of the old form: its digest cannot be computed any more. */
  verifiable: boolean;
  newest: number;
  totals: { questions: number; suggestions: number };
  begins: { questions: number; suggestions: number };
  topics: Record<string, number>;
}

/** Which part of which version. */
export interface OutcomesWanted {
  version?: number;
  limit?: number;
  questions?: number;
  suggestions?: number;
  question?: number;
  suggestion?: number;
  topic?: string;
}

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
  /** Where it was handed to another unit. */
  handover: { unit: string; state: HandoverState; due: string | null } | null;
  /** Whether its words stand in a published version: the unit deletes them there, when the author asks. */
  published: boolean;
  removal: { state: RemovalState; asked_at: string; due: string; reason: string } | null;
}

export type RemovalState = "asked" | "done" | "refused";

/** An author asks the unit to delete from the published versions what they wrote. */
export interface Removal {
  id: number;
  entry: number;
  text: string;
  state: RemovalState;
  note: string;
  asked_at: string;
  due: string;
  late: boolean;
  decided_at: string | null;
  reason: string;
  version: number | null;
}

/** 分类 of an activity's suggestions, and what a program proposes by the words that they share. */
export interface Topics {
  topics: { topic: string; count: number }[];
  proposals: { topic: string; suggestions: number[] }[];
}

export interface Suggestion {
  id: number;
  number: number;
  revision: number;
  topic: string;
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
  note: string;
  /** How many items were shortened later, at an author's request. */
  removed: number;
  verifiable: boolean;
  changes: { label: string; before: string; after: string }[];
}

/** Whether a second person has to release what is published, and who put what forward. */
export interface Release {
  required: boolean;
  note: string;
  requested_by: string | null;
  requested_at: string | null;
  current: boolean;
  own: boolean;
  sha256: string | null;
  /** Who gave it back, and what is to be changed. */
  returned_by: string | null;
  remark: string;
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
