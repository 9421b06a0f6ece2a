import { describe, expect, it } from "vitest";
import type { NoticeDraft } from "../shared/desk";
import { holidaysOf, lineProblem, linesOf, missingYears, yearWords } from "./holidayDraft";
import { differs, fieldProblems, preview } from "./noticeDraft";

const DRAFT: NoticeDraft = {
  title: "政务服务体验",
  fields: [
    { label: "活动时间", text: "9月27日" },
    { label: "联系电话", text: "010" },
  ],
  free: [{ label: "联系电话", text: "010" }],
  missing: [],
  due: "2023-09-22",
  on_time: true,
  objections: [],
  changes: [],
  version: 1,
  versions: [],
};

describe("the notice's form", () => {
  it("shows the unit's own fields as they stand in the form", () => {
    const free = [{ label: "报名办法", text: "电话报名" }, { label: "空的", text: " " }];
    expect(preview(DRAFT, free).map((field) => field.label)).toEqual(["活动时间", "报名办法"]);
  });

  it("says at the field what is wrong", () => {
    const fine = { label: "电话", text: "010" };
    const found = fieldProblems([fine, { label: " 电话 ", text: "011" }, { label: "", text: "x" }, { label: "长".repeat(21), text: "x" }]);
    expect(found.map((words) => words !== "")).toEqual([false, true, true, true]);
  });

  it("offers a correction only where something differs", () => {
    expect(differs(DRAFT, DRAFT.free)).toBe(false);
    expect(differs(DRAFT, [{ label: "联系电话 ", text: "010" }])).toBe(false);
    expect(differs(DRAFT, [])).toBe(true);
    expect(differs({ ...DRAFT, version: 0 }, DRAFT.free)).toBe(true);
    expect(differs({ ...DRAFT, changes: [{ label: "地点", before: "a", after: "b" }] }, DRAFT.free)).toBe(true);
  });
});

describe("the holidays' form", () => {
  it("begins with the seven holidays, or with what was entered", () => {
    expect(linesOf([]).map((line) => line.name)).toHaveLength(7);
    const entered = [{ name: "春节", first: "2027-02-05", last: "2027-02-11", makeup: ["2027-02-14"] }];
    expect(holidaysOf(linesOf(entered))).toEqual(entered);
  });

  it("reads dates as people separate them", () => {
    const line = { name: " 春节 ", first: "2027-02-05", last: "2027-02-11", makeup: "2027-2-14，2027-02-27 2027-02-28" };
    expect(lineProblem(line)).toBe("");
    expect(holidaysOf([line])[0]?.makeup).toEqual(["2027-02-14", "2027-02-27", "2027-02-28"]);
  });

  it("says what is wrong with a line", () => {
    const line = { name: "春节", first: "2027-02-05", last: "2027-02-11", makeup: "" };
    expect(lineProblem({ ...line, last: "2027-02-01" })).toContain("早于");
    expect(lineProblem({ ...line, makeup: "下周六" })).toContain("下周六");
    expect(lineProblem({ ...line, first: "" })).not.toBe("");
  });
});

describe("the years whose holidays are known", () => {
  it("may have a gap, and each missing one can be entered", () => {
    expect(missingYears([2025, 2026])).toEqual([2027]);
    expect(missingYears([2026, 2031, 2025])).toEqual([2027, 2028, 2029, 2030, 2032]);
    expect(missingYears([])).toEqual([]);
  });

  it("are said as runs", () => {
    expect(yearWords([2004, 2005, 2006, 2031])).toBe("2004 年到 2006 年、2031 年");
    expect(yearWords([2027])).toBe("2027 年");
  });
});
