import { describe, expect, it } from "vitest";
import type { Scan } from "../shared/places";
import { Door } from "./door";

const scan = (ticket: string): Scan => ({ ticket, at: "2023-10-10T01:00:00Z" });

function open(kept: Scan[], line: { up: boolean }) {
  const sent: string[][] = [];
  let stored = kept;
  let present = 0;
  const door = new Door(
    { load: () => stored, save: (scans) => (stored = [...scans]) },
    {
      send(scans) {
        if (!line.up) return Promise.reject(new Error("offline"));
        sent.push(scans.map((item) => item.ticket));
        present += scans.length;
        return Promise.resolve({ results: [], present });
      },
      changed: () => undefined,
      told: () => undefined,
    },
  );
  return { door, sent, stored: () => stored.map((item) => item.ticket) };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("the door", () => {
  it("sends at once where there is a line", async () => {
    const { door, sent, stored } = open([], { up: true });
    door.add(scan("a"));
    await settle();
    expect(sent).toEqual([["a"]]);
    expect(stored()).toEqual([]);
  });

  it("keeps what was scanned without a line, once each, and sends it later", async () => {
    const line = { up: false };
    const { door, sent, stored } = open([scan("before")], line);
    door.add(scan("a"));
    door.add(scan("a"));
    await settle();
    expect(stored()).toEqual(["before", "a"]);
    line.up = true;
    await door.flush();
    expect(sent).toEqual([["before", "a"]]);
    expect(stored()).toEqual([]);
  });
});
