import type { Deadline, DeskRow } from "../shared/desk";
import type { ActivityKind, ActivityState } from "../shared/protocol";

export interface BoardFilters {
  kind: ActivityKind | "";
  state: ActivityState | "";
  unit: string;
  /** Only what is late or due within a week. */
  urgent: boolean;
}

const DAY = 86_400_000;
const SOON = 7;

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
      (filters.unit === "" || row.units.some((unit) => unit.id === filters.unit)) &&
      (!filters.urgent || isLate(row) || isSoon(row, today)),
  );
}
