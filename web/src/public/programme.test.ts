import { describe, expect, it } from "vitest";
import type { Summary } from "../shared/protocol";
import { arrange, filtered, unitsOf } from "./programme";

function activity(slug: string, over: Partial<Summary> = {}): Summary {
  return {
    slug,
    kind: "open-day",
    number: 1,
    topic: "优化营商环境",
    title: slug,
    units: [{ id: "u1", name: "采育镇" }],
    form: null,
    starts_at: null,
    ends_at: null,
    place: "",
    state: "scheduled",
    on_air: false,
    outcomes_version: 0,
    ...over,
  };
}

describe("the programme", () => {
  it("puts each activity into one group, the nearest date first", () => {
    const { live, soon, undated, ended } = arrange([
      activity("later", { starts_at: "2023-10-10T06:00:00Z" }),
      activity("sooner", { starts_at: "2023-09-27T06:00:00Z" }),
      activity("now", { state: "live" }),
      activity("over", { state: "ended" }),
      activity("k05"),
      activity("j01", { kind: "lecture", topic: null }),
    ]);
    expect(live.map((item) => item.slug)).toEqual(["now"]);
    expect(soon.map((item) => item.slug)).toEqual(["sooner", "later"]);
    expect(undated.map((group) => group.topic)).toEqual(["优化营商环境", "政策公开讲"]);
    expect(ended.map((item) => item.slug)).toEqual(["over"]);
  });

  it("filters by kind and by unit, also where several hold one", () => {
    const both = activity("both", { units: [{ id: "u1", name: "采育镇" }, { id: "u2", name: "财政局" }] });
    const lecture = activity("j02", { kind: "lecture", units: [{ id: "u2", name: "财政局" }] });
    expect(filtered([both, lecture], { kind: "", unit: "u2" })).toHaveLength(2);
    expect(filtered([both, lecture], { kind: "lecture", unit: "" })).toEqual([lecture]);
    expect(unitsOf([both, lecture]).map((unit) => unit.name)).toEqual(["采育镇", "财政局"]);
  });
});
