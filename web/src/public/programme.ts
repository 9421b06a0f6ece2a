import type { ActivityKind, Summary } from "../shared/protocol";

export interface Filters {
  kind: ActivityKind | "";
  unit: string;
}

export interface TopicGroup {
  topic: string;
  activities: Summary[];
}

export interface Programme {
  live: Summary[];
  /** Those with a date ahead, the nearest first. */
  soon: Summary[];
  /** Those whose date is not fixed yet, under their 专题. */
  undated: TopicGroup[];
  ended: Summary[];
}

const LECTURES = "政策公开讲";

export function filtered(activities: readonly Summary[], filters: Filters): Summary[] {
  return activities.filter(
    (activity) =>
      (filters.kind === "" || activity.kind === filters.kind) &&
      (filters.unit === "" || activity.units.some((unit) => unit.id === filters.unit)),
  );
}

/** Every unit that holds one of the activities, once, in the order of the programme. */
export function unitsOf(activities: readonly Summary[]): { id: string; name: string }[] {
  const names = new Map<string, string>();
  for (const activity of activities) for (const unit of activity.units) names.set(unit.id, unit.name);
  return [...names].map(([id, name]) => ({ id, name }));
}

function byTopic(activities: readonly Summary[]): TopicGroup[] {
  const groups = new Map<string, Summary[]>();
  for (const activity of activities) {
    const topic = activity.topic ?? (activity.kind === "lecture" ? LECTURES : "其他活动");
    groups.set(topic, [...(groups.get(topic) ?? []), activity]);
  }
  return [...groups].map(([topic, list]) => ({ topic, activities: list }));
}

const time = (iso: string | null): number => (iso === null ? 0 : Date.parse(iso));

export function arrange(activities: readonly Summary[]): Programme {
  const scheduled = activities.filter((activity) => activity.state === "scheduled");
  return {
    live: activities.filter((activity) => activity.state === "live"),
    soon: scheduled
      .filter((activity) => activity.starts_at !== null)
      .sort((a, b) => time(a.starts_at) - time(b.starts_at)),
    undated: byTopic(scheduled.filter((activity) => activity.starts_at === null)),
    ended: activities
      .filter((activity) => activity.state === "ended")
      .sort((a, b) => time(b.starts_at) - time(a.starts_at)),
  };
}
