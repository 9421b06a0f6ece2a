import type { Deadline, DeskRow } from "../shared/desk";
import type { ActivityKind, ActivityState } from "../shared/protocol";
import { toField } from "../shared/time";

export interface BoardFilters {
  kind: ActivityKind | "";
  state: ActivityState | "";
  unit: string;
  /** Of the start, in Beijing; as a text, for it stands in a select. */
  year: string;
  /** Only what is late or due within a week. */
  urgent: boolean;
}

const DAY = 86_400_000;
const SOON = 7;

/** The year in which it begins, in Beijing; empty while it has no date. */
export const yearOf = (row: DeskRow): string => (row.starts_at === null ? "" : toField(row.starts_at).slice(0, 4));

/** Deadlines that could not be counted, since the holidays of their year are not known. */
export const isUncounted = (row: DeskRow): boolean => row.deadlines.some((deadline) => deadline.problem !== null);

/** Deadlines that still ask something of the unit. */
function open(row: DeskRow): Deadline[] {
  return row.deadlines.filter((deadline) => deadline.due !== null && !deadline.done);
}

export const isLate = (row: DeskRow): boolean => row.deadlines.some((deadline) => deadline.late);

export function isSoon(row: DeskRow, today: string): boolean {
  return open(row).some((deadline) => {
    const days = (Date.parse(deadline.due ?? "") - Date.parse(today)) / DAY;
    return days >= 0 && days <= SOON;
  });
}

/** The first moment at which something of this row is due: a deadline, else the activity itself. */
function due(row: DeskRow): string {
  const dates = open(row).map((deadline) => deadline.due ?? "");
  if (row.starts_at !== null && row.state !== "ended") dates.push(row.starts_at);
  return dates.sort()[0] ?? (row.state === "ended" ? "9999-1" : "9999-0");
}

/** In time order: what is on air, late, due next, without a date, over and done; among equals as the programme has it. */
export function boardOrder(rows: readonly DeskRow[]): DeskRow[] {
  const rank = (row: DeskRow): number => (row.state === "live" ? 0 : isLate(row) ? 1 : 2);
  return [...rows].sort((a, b) => rank(a) - rank(b) || due(a).localeCompare(due(b)));
}

export function boardFilter(rows: readonly DeskRow[], filters: BoardFilters, today: string): DeskRow[] {
  return rows.filter(
    (row) =>
      (filters.kind === "" || row.kind === filters.kind) &&
      (filters.state === "" || row.state === filters.state) &&
      (filters.year === "" || yearOf(row) === filters.year) &&
      (filters.unit === "" || row.units.some((unit) => unit.id === filters.unit)) &&
      (!filters.urgent || isLate(row) || isSoon(row, today)),
  );
}

export interface Glance {
  words: string;
  tone: "live" | "warn" | "soon" | "good" | "quiet";
}

/** What there is to know of an activity at a glance: the most pressing thing first. */
export function glance(row: DeskRow, today: string): Glance {
  if (row.state === "live") return { words: "直播中", tone: "live" };
  if (isLate(row)) return { words: "逾期", tone: "warn" };
  if (isUncounted(row)) return { words: "期限算不出", tone: "warn" };
  if (isSoon(row, today)) return { words: "7 天内到期", tone: "soon" };
  if (row.starts_at === null) return { words: "时间待定", tone: "quiet" };
  const next = open(row).map((deadline) => deadline.due ?? "").sort()[0];
  if (next !== undefined) return { words: `${Number(next.slice(5, 7))}月${Number(next.slice(8, 10))}日到期`, tone: "quiet" };
  return row.state === "ended" ? { words: "已办完", tone: "good" } : { words: "已公告", tone: "good" };
}
