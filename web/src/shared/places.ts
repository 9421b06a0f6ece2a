/** Places for people on the spot: docs/protocol.md, as types. */

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

export interface SatisfactionTally {
  asked: boolean;
  answers: number;
  /** 满意率 in [0, 1]; null where nobody answered. */
  share: number | null;
  tally: Record<SatisfactionLevel, number>;
}
