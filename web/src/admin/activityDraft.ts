import type { ActivityChanges } from "../shared/api";
import type { Activity, ActivityForm, ActivityKind } from "../shared/protocol";
import { fromField, toField } from "../shared/time";

/** The form of an activity, each field as it stands in its input. */
export interface ActivityDraft {
  title: string;
  form: ActivityForm | "";
  starts_at: string;
  ends_at: string;
  place: string;
  summary: string;
  flow: string;
  participation: string;
  kind: ActivityKind;
  topic: string;
  leader: string;
  attended: string;
  /** Working days, or empty where the unit promises none. */
  promise_days: string;
  units: string[];
}

export type DraftProblems = Partial<Record<keyof ActivityDraft, string>>;

export const LIMITS = { title: 200, place: 200, summary: 5000, flow: 5000, participation: 2000, topic: 100, leader: 200, attended: 200 } as const;

export function draftOf(activity: Activity): ActivityDraft {
  return {
    title: activity.title,
    form: activity.form ?? "",
    starts_at: toField(activity.starts_at),
    ends_at: toField(activity.ends_at),
    place: activity.place,
    summary: activity.summary,
    flow: activity.flow,
    participation: activity.participation,
    kind: activity.kind,
    topic: activity.topic ?? "",
    leader: activity.leader,
    attended: activity.attended,
    promise_days: activity.promise_days === null ? "" : String(activity.promise_days),
    units: activity.units.map((unit) => unit.id),
  };
}

/** Only what differs from the activity as it is. */
export function changesOf(draft: ActivityDraft, activity: Activity): ActivityChanges {
  const before = draftOf(activity);
  const changes: ActivityChanges = {};
  for (const name of ["title", "place", "summary", "flow", "participation", "leader", "attended"] as const) {
    if (draft[name] !== before[name]) changes[name] = draft[name].trim();
  }
  if (draft.kind !== before.kind) changes.kind = draft.kind;
  if (draft.topic !== before.topic) changes.topic = draft.topic.trim() || null;
  if (draft.form !== before.form) changes.form = draft.form === "" ? null : draft.form;
  for (const name of ["starts_at", "ends_at"] as const) {
    if (draft[name] !== before[name]) changes[name] = fromField(draft[name]);
  }
  if (draft.promise_days !== before.promise_days) {
    changes.promise_days = draft.promise_days === "" ? null : Number(draft.promise_days);
  }
  const plain = (units: readonly string[]): string => [...units].sort().join();
  if (plain(draft.units) !== plain(before.units)) changes.units = draft.units;
  return changes;
}

export function problemsOf(draft: ActivityDraft): DraftProblems {
  const problems: DraftProblems = {};
  if (draft.title.trim() === "") problems.title = "请填写活动名称。";
  for (const [name, limit] of Object.entries(LIMITS) as [keyof typeof LIMITS, number][]) {
    const over = Array.from(draft[name]).length - limit;
    if (over > 0) problems[name] = `超过了 ${over} 个字，请删减。`;
  }
  if (draft.ends_at !== "" && draft.starts_at === "") problems.starts_at = "填了结束时间，也请填写开始时间。";
  if (draft.starts_at !== "" && draft.ends_at !== "" && draft.ends_at <= draft.starts_at) {
    problems.ends_at = "结束时间要晚于开始时间。";
  }
  if (draft.promise_days !== "" && !/^([1-9]|[1-5]\d|60)$/.test(draft.promise_days)) {
    problems.promise_days = "请填写 1 到 60 之间的整数，或者留空。";
  }
  if (draft.units.length === 0) problems.units = "请选择主办单位。";
  return problems;
}
