import { describe, expect, it } from "vitest";
import { clock, dayAndTime, dayDistance, duration, fromField, plainDay, span, toField, until } from "./time";

const at = (iso: string): number => Date.parse(iso);
const NOW = at("2023-09-24T02:00:00Z"); // Sunday, 10:00 in Beijing

describe("times are Beijing's, whatever the browser's clock is set to", () => {
  it("names day, weekday and hour", () => {
    expect(dayAndTime("2023-09-27T06:00:00Z", NOW)).toBe("9月27日（周三）14:00");
  });

  it("crosses the date line of UTC", () => {
    expect(dayAndTime("2023-09-26T16:30:00Z", NOW)).toBe("9月27日（周三）00:30");
  });

  it("names the year where it is another one", () => {
    expect(dayAndTime("2024-01-02T01:05:00Z", NOW)).toBe("2024年1月2日（周二）09:05");
  });

  it("says the end as an hour on the same day and as a day on another", () => {
    expect(span("2023-09-27T06:00:00Z", "2023-09-27T08:00:00Z", NOW)).toBe("9月27日（周三）14:00–16:00");
    expect(span("2023-09-27T06:00:00Z", "2023-09-28T08:00:00Z", NOW)).toBe("9月27日（周三）14:00–9月28日（周四）16:00");
    expect(span("2023-09-27T06:00:00Z", null, NOW)).toBe("9月27日（周三）14:00");
  });

  it("reads plain days", () => {
    expect(plainDay("2023-10-07", NOW)).toBe("10月7日（周六）");
  });

  it("shows the hour alone for today", () => {
    expect(clock("2023-09-24T06:05:00Z", NOW)).toBe("14:05");
    expect(clock("2023-09-23T06:05:00Z", NOW)).toBe("9月23日 14:05");
  });
});

describe("how far away", () => {
  it.each([
    ["2023-09-24T02:20:00Z", "还有 20 分钟"],
    ["2023-09-24T05:10:00Z", "还有 3 小时"],
    ["2023-09-25T06:00:00Z", "明天"],
    ["2023-09-26T01:00:00Z", "后天"],
    ["2023-09-27T06:00:00Z", "还有 3 天"],
    ["2023-09-24T01:59:00Z", "已到开始时间"],
  ])("%s is %s", (iso, words) => {
    expect(until(iso, NOW)).toBe(words);
  });

  it("counts hours across midnight when it is near", () => {
    expect(until("2023-09-24T17:00:00Z", at("2023-09-24T14:00:00Z"))).toBe("还有 3 小时");
  });

  it("counts plain days both ways", () => {
    expect(dayDistance("2023-10-07", "2023-10-07")).toBe("今天");
    expect(dayDistance("2023-10-08", "2023-10-07")).toBe("明天");
    expect(dayDistance("2023-10-10", "2023-10-07")).toBe("还有 3 天");
    expect(dayDistance("2023-10-05", "2023-10-07")).toBe("已过 2 天");
  });

  it("says how long", () => {
    expect(duration(59_000)).toBe("0 分钟");
    expect(duration(65 * 60_000)).toBe("1 小时 05 分");
  });
});

describe("the fields of a form", () => {
  it("go there and back", () => {
    expect(toField("2023-09-27T06:00:00Z")).toBe("2023-09-27T14:00");
    expect(fromField("2023-09-27T14:00")).toBe("2023-09-27T06:00:00Z");
  });

  it("may be empty", () => {
    expect(toField(null)).toBe("");
    expect(fromField("")).toBeNull();
  });
});
