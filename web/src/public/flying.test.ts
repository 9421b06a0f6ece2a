import { describe, expect, it } from "vitest";
import { FLIGHT_MS, LANES, Lanes, shortened } from "./flying";

const comment = (id: number, text = `第${id}条`) => ({ id, text, nickname: "网友", at: "2023-09-27T06:00:00Z", proposed: false });
const SKY = { width: 800, height: 400, em: 18 };

describe("comments over the picture", () => {
  it("take a free lane each, and wait in the list where there is none", () => {
    const lanes = new Lanes();
    const flights = [1, 2, 3].map((id) => lanes.take(comment(id), "few", 0, SKY));
    expect(flights.map((flight) => flight?.lane)).toEqual([0, 1, undefined]);
    expect(LANES.few).toBe(2);
    expect(lanes.take(comment(4), "few", 4_000, SKY)?.lane).toBe(0);
  });

  it("leave out the lanes that a low picture has no room for", () => {
    const lanes = new Lanes();
    const low = { width: 390, height: 100, em: 28 };
    expect([1, 2, 3].map((id) => lanes.take(comment(id), "many", 0, low)?.lane)).toEqual([0, 1, undefined]);
    expect(new Lanes().take(comment(1), "many", 0, { ...low, height: 0 })?.lane).toBe(0);
  });

  it("never meet in a lane, however long the second", () => {
    const long = "长".repeat(40);
    for (const [first, second] of [["短", long], [long, "短"], [long, long]] as const) {
      for (let wait = 0; wait <= FLIGHT_MS; wait += 100) {
        const lanes = new Lanes();
        lanes.take(comment(1, first), "few", 0, { ...SKY, height: 20 });
        if (lanes.take(comment(2, second), "few", wait, { ...SKY, height: 20 }) === null) continue;
        for (let now = wait; now <= FLIGHT_MS; now += 50) {
          const begin = (text: string, since: number): number => SKY.width - ((SKY.width + text.length * SKY.em) * (now - since)) / FLIGHT_MS;
          expect(begin(second, wait)).toBeGreaterThanOrEqual(begin(first, 0) + first.length * SKY.em);
        }
      }
    }
  });

  it("are one line of whole characters", () => {
    expect(shortened("一\n二")).toBe("一 二");
    expect(shortened("😀".repeat(50))).toBe(`${"😀".repeat(40)}…`);
  });
});
