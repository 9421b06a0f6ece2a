import { describe, expect, it } from "vitest";
import { LANES, Lanes, shortened } from "./flying";

const comment = (id: number) => ({ id, text: `第${id}条`, nickname: "网友", at: "2023-09-27T06:00:00Z", proposed: false });

describe("comments over the picture", () => {
  it("take a free lane each, and wait in the list where there is none", () => {
    const lanes = new Lanes();
    const flights = [1, 2, 3].map((id) => lanes.take(comment(id), "few", 0));
    expect(flights.map((flight) => flight?.lane)).toEqual([0, 1, undefined]);
    expect(LANES.few).toBe(2);
    expect(lanes.take(comment(4), "few", 4_000)?.lane).toBe(0);
  });

  it("are one line of whole characters", () => {
    expect(shortened("一\n二")).toBe("一 二");
    expect(shortened("😀".repeat(50))).toBe(`${"😀".repeat(40)}…`);
  });
});
