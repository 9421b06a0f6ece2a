import { describe, expect, it } from "vitest";
import { fitting } from "./useFit";

describe("letters for a distance", () => {
  it("are as large as the whole text allows", () => {
    expect(fitting(10, 1200, 400, 60)).toBe(60);
    for (const length of [30, 100, 333, 1_000]) {
      const size = fitting(length, 1200, 400, 60);
      expect(Math.ceil(length / Math.floor(1200 / size)) * size * 1.45).toBeLessThanOrEqual(400);
      expect(size).toBeGreaterThan(12);
    }
    expect(fitting(0, 1200, 400, 60)).toBe(60);
    expect(fitting(10, 0, 0, 60)).toBe(60);
  });
});
