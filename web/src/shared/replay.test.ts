import { describe, expect, it } from "vitest";
import type { ReplayMark } from "./recording";
import { position, reached } from "./replay";

const mark = (at: number): ReplayMark => ({ id: at, kind: "comment", nickname: "", text: "", at, answered: null, answer: null });

describe("a recording's seconds", () => {
  it("are written as players write them", () => {
    expect([0, 5.9, 65, 3723, -1].map(position)).toEqual(["0:00", "0:05", "1:05", "1:02:03", "0:00"]);
  });

  it("say which marks have come", () => {
    const marks = [0, 2, 2, 7].map(mark);
    expect([-1, 0, 1.9, 2, 6, 7, 99].map((second) => reached(marks, second))).toEqual([0, 1, 1, 3, 3, 4, 4]);
    expect(reached([], 5)).toBe(0);
  });
});
