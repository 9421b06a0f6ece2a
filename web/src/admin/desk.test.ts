import { describe, expect, it } from "vitest";
import type { DeskRow } from "../shared/desk";
import type { Activity } from "../shared/protocol";
import { changesOf, draftOf, problemsOf } from "./activityDraft";
import { boardFilter, boardOrder, glance, isUncounted, yearOf } from "./board";

const ACTIVITY: Activity = {
  slug: "k01",
  kind: "open-day",
  number: 1,
  topic: null,
  title: "政务服务体验",
  units: [{ id: "u1", name: "采育镇" }],
  form: "online",
  starts_at: "2023-09-27T06:00:00Z",
  ends_at: "2023-09-27T08:00:00Z",
  place: "",
  state: "scheduled",
  on_air: false,
  outcomes_version: 0,
  summary: "",
  flow: "",
  participation: "",
  live_started_at: null,
  live_ended_at: null,
  watching: 0,
  notice_version: 0,
  materials_version: 0,
  leader: "",
  attended: "",
  moderation: "after",
  promise_days: null,
  slow_seconds: 0,
  challenge: "auto",
  identity: "guest",
};

function row(slug: string, over: Partial<DeskRow>): DeskRow {
  const counts = { comments: 0, questions: 0, suggestions: 0, undecided: 0, removals: 0, removal_due: null };
  return { ...ACTIVITY, slug, deadlines: [], counts, ...over };
}

const notice = (due: string, late = false, done = false) => {
  return { kind: "notice" as const, due, late, done, done_on: null, problem: null };
};

describe("an activity at a glance", () => {
  const seen = (over: Partial<DeskRow>): string => glance(row("one", over), "2023-09-20").words;

  it("says the most pressing thing", () => {
    expect(seen({ state: "live", deadlines: [notice("2023-09-15", true)] })).toBe("直播中");
    expect(seen({ deadlines: [notice("2023-09-15", true), notice("2023-09-22")] })).toBe("逾期");
    expect(seen({ deadlines: [{ ...notice(""), due: null, problem: "2027年的节假日安排未知" }] })).toBe("期限算不出");
    expect(seen({ deadlines: [notice("2023-09-22")] })).toBe("7 天内到期");
    expect(seen({ deadlines: [notice("2023-10-09")] })).toBe("10月9日到期");
    expect(seen({ starts_at: null })).toBe("时间待定");
    expect(seen({ deadlines: [notice("2023-09-01", false, true)] })).toBe("已公告");
    expect(seen({ state: "ended", deadlines: [notice("2023-09-01", false, true)] })).toBe("已办完");
  });
});

describe("the board's years", () => {
  const rows = [
    row("beijing", { starts_at: "2026-12-31T16:30:00Z" }),
    row("before", { starts_at: "2026-12-31T15:30:00Z" }),
    row("undated", { starts_at: null }),
  ];
  const filters = { kind: "", state: "", unit: "", urgent: false } as const;

  it("are those of Beijing", () => {
    expect(rows.map(yearOf)).toEqual(["2027", "2026", ""]);
    expect(boardFilter(rows, { ...filters, year: "2027" }, "2026-11-28").map((item) => item.slug)).toEqual(["beijing"]);
    expect(boardFilter(rows, { ...filters, year: "" }, "2026-11-28")).toHaveLength(3);
  });

  it("say where a deadline could not be counted", () => {
    const unknown = { ...notice("2027-01-05"), due: null, problem: "2027年的节假日安排未知" };
    expect([row("a", { deadlines: [unknown] }), row("b", { deadlines: [notice("2026-12-01")] })].map(isUncounted)).toEqual([true, false]);
  });
});

describe("the board", () => {
  const rows = [
    row("undated", { starts_at: null }),
    row("next", { deadlines: [notice("2023-09-22")] }),
    row("late", { deadlines: [notice("2023-09-15", true)] }),
    row("ended", { state: "ended" }),
    row("live", { state: "live" }),
    row("announced", { deadlines: [notice("2023-09-01", false, true)] }),
  ];

  it("begins with what is on air and late, then goes in time order", () => {
    expect(boardOrder(rows).map((item) => item.slug)).toEqual(["live", "late", "next", "announced", "undated", "ended"]);
  });

  it("finds what is urgent", () => {
    const filters = { kind: "" as const, state: "" as const, unit: "", year: "", urgent: true };
    expect(boardFilter(rows, filters, "2023-09-18").map((item) => item.slug)).toEqual(["next", "late"]);
  });
});

describe("the form of an activity", () => {
  it("sends nothing when nothing changed", () => {
    expect(changesOf(draftOf(ACTIVITY), ACTIVITY)).toEqual({});
  });

  it("sends what changed, in the words of the protocol", () => {
    const draft = { ...draftOf(ACTIVITY), form: "" as const, ends_at: "", place: " 政务大厅 ", starts_at: "2023-09-28T09:30" };
    expect(changesOf(draft, ACTIVITY)).toEqual({
      form: null,
      ends_at: null,
      place: "政务大厅",
      starts_at: "2023-09-28T01:30:00Z",
    });
  });

  it("sends the units only where others hold it now", () => {
    const several = { ...ACTIVITY, units: [{ id: "u1", name: "采育镇" }, { id: "u2", name: "榆垡镇" }] };
    expect(changesOf({ ...draftOf(several), units: ["u2", "u1"] }, several)).toEqual({});
    expect(changesOf({ ...draftOf(several), units: ["u2"] }, several)).toEqual({ units: ["u2"] });
    expect(problemsOf({ ...draftOf(several), units: [] }).units).toBeTruthy();
  });

  it("says at the field what is wrong", () => {
    const draft = { ...draftOf(ACTIVITY), title: " ", ends_at: "2023-09-27T13:00", place: "长".repeat(201) };
    expect(Object.keys(problemsOf(draft)).sort()).toEqual(["ends_at", "place", "title"]);
  });
});
