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
