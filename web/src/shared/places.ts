/** Places for people on the spot: docs/protocol.md, as types. */

import type { FieldChange } from "./desk";

export type PlaceCategory = "deputy" | "adviser" | "parent" | "business" | "resident" | "journalist" | "other";
export type PlaceState = "applied" | "selected" | "confirmed" | "waiting" | "rejected" | "declined" | "withdrawn";
export type SelectionMode = "open" | "invited";

export const CATEGORY: Record<PlaceCategory, string> = {
  deputy: "区人大代表",
  adviser: "区政协委员",
  parent: "家长代表",
  business: "企业代表",
  resident: "群众代表",
  journalist: "媒体记者",
  other: "其他",
};

export interface SelectionNotice {
  version: number;
  published_at: string;
  sha256: string;
  title: string;
  fields: [string, string][];
  /** What it corrects in the version before it. */
  changes: FieldChange[];
}

export interface DrawRecord {
  method: string;
  seed: string;
  public_source: string;
  public_value: string;
  explanation: string;
  roster_sha256: string;
  tickets: { number: string; category: string; ticket: string; rank: number; selected: boolean }[];
}

/** How the people of an activity are chosen, as the public sees it. */
export interface Selection {
  mode: SelectionMode;
  opens_at: string;
  closes_at: string;
  open: boolean;
  quotas: { category: PlaceCategory; text: string; places: number }[];
  requirements: string;
  kept_days: number;
  notices: SelectionNotice[];
  commitment: string;
  roster: string | null;
  roster_sha256: string | null;
  record: DrawRecord | null;
}

/** The same as the unit works on it. */
export interface Places {
  selection: Selection;
  revision: number;
  public_source: string;
  advice: string;
  /** The last day for the 遴选公告, where it has one. */
  due: string | null;
  /** Why publishing it now needs a recorded reason. */
  objections: string[];
  /** What differs from the newest version. */
  changes: FieldChange[];
  notices: { version: number; objections: string[]; reason: string }[];
}

export interface PlacesSettings {
  mode: SelectionMode;
  opens_at: string;
  closes_at: string;
  quotas: Partial<Record<PlaceCategory, number>>;
  requirements: string;
  public_source: string;
  revision: number;
}

export interface NewRegistration {
  name: string;
  phone: string;
  category: PlaceCategory;
  organisation: string;
  guardian: boolean;
  consent: boolean;
  invitation: string;
}

/** What a person sees of the own registration. */
export interface Registration {
  receipt: string;
  number: number;
  activity: string;
  activity_title: string;
  starts_at: string | null;
  place: string;
  category_text: string;
  state: PlaceState;
  state_text: string;
  rank: number;
  name: string;
  phone: string;
  at: string;
  /** Whether the ticket was checked in at the door. */
  attended: boolean;
  ticket: string | null;
  ticket_qr: string | null;
}

/** A registration as the unit sees it; masked unless `revealed`. */
export interface PlaceRow {
  number: number;
  category: PlaceCategory;
  category_text: string;
  state: PlaceState;
  state_text: string;
  rank: number;
  guardian: boolean;
  at: string;
  attended_at: string | null;
  name: string;
  phone: string;
  organisation: string;
  revealed: boolean;
}

/** Which registrations: of a state, of a category, found by the number or the whole phone; and which page. */
export interface PlacesQuery {
  state: PlaceState | "";
  category: PlaceCategory | "";
  search: string;
  page: number;
}

export interface PlaceList {
  registrations: PlaceRow[];
  /** How many there are of those that were asked for; the other numbers are of all. */
  found: number;
  page: number;
  pages: number;
  registered: number;
  holding: number;
  present: number;
}

/** A ticket as scanned or a number as typed, and when. */
export interface Scan {
  ticket: string;
  at: string;
}

export interface Scanned {
  ticket: string;
  ok: boolean;
  message: string;
  number: number | null;
  name: string;
  category_text: string;
  first: boolean;
}

export type SatisfactionLevel = "very-satisfied" | "satisfied" | "neutral" | "dissatisfied" | "very-dissatisfied";

export const SATISFACTION: Record<SatisfactionLevel, string> = {
  "very-satisfied": "非常满意",
  satisfied: "满意",
  neutral: "一般",
  dissatisfied: "不满意",
  "very-dissatisfied": "非常不满意",
};

export interface Tally {
  answers: number;
  /** 满意率 in [0, 1]; null where nobody answered. */
  share: number | null;
  tally: Record<SatisfactionLevel, number>;
}

/** All answers; those of who came, with a ticket that was checked in; and all others. */
export interface SatisfactionTally extends Tally {
  asked: boolean;
  present: Tally;
  online: Tally;
}
