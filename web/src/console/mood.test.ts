import { describe, expect, it } from "vitest";
import type { MoodPicture } from "../shared/protocol";
import { bars, margin, share } from "./mood";

function picture(counts: [number, number, number][]): MoodPicture {
  const points = counts.map(([positive, negative, uncertain], index) => ({
    at: `2023-09-27T06:0${index}:00Z`,
    counts: { positive, negative, uncertain, unscored: 9 },
    topics: [],
  }));
  return {
    minutes: 1,
    n: 0,
    scored: 0,
    corrected: 0,
    counts: { positive: 0, negative: 0, uncertain: 0, unscored: 0 },
    margins: {},
    points,
    topics: [],
    truncated: false,
    note: "",
  };
}

describe("a share", () => {
  it("stands with the error of counting", () => {
    expect(margin(50, 100)).toBeCloseTo(0.0961, 3);
    expect([share(3, 6), share(0, 6), share(0, 0)]).toEqual(["50% ± 32", "0% ± 20", "—"]);
  });
});

describe("the picture of mood", () => {
  it("scales both sides alike and keeps few bars narrow", () => {
    const [first, second] = bars(picture([[4, 1, 2], [0, 8, 0]]), 120, 40);
    expect([first?.up, first?.down, first?.n, first?.x]).toEqual([20, 5, 7, 0]);
    expect([second?.up, second?.down, second?.n, second?.x]).toEqual([0, 40, 8, 10]);
  });

  it("draws nothing of nothing, and no bar where nobody felt anything", () => {
    expect(bars(picture([]), 100, 40)).toEqual([]);
    expect(bars(picture([[0, 0, 3]]), 100, 40)[0]).toMatchObject({ up: 0, down: 0, n: 3 });
  });
});
