import { describe, expect, it } from "vitest";
import type { Entry } from "../shared/protocol";
import { orderOf, tabOf } from "./queue";
import { inverse } from "./useActs";

function question(id: number, over: Partial<Entry> = {}): Entry {
  return {
    id,
    kind: "question",
    text: "",
    nickname: "",
    at: "2023-09-27T06:00:00Z",
    state: "open",
    score: null,
    label: null,
    utterance: null,
    reason: null,
    suggestion: null,
    votes: 0,
    on_screen: false,
    answer: null,
    flags: [],
    ...over,
  };
}

describe("the queue", () => {
  it("sorts states into four tabs", () => {
    const states = ["pending", "open", "answered", "declined", "hidden", "withdrawn"] as const;
    expect(states.map((state) => tabOf(question(1, { state })))).toEqual([
      "pending",
      "open",
      "answered",
      "rest",
      "rest",
      "rest",
    ]);
  });

  it("lets the longest waiting be judged first and the most wanted be answered first", () => {
    const entries = [question(1, { votes: 1 }), question(2, { votes: 5 }), question(3, { on_screen: true })];
    expect(orderOf("pending")(entries)).toEqual([1, 2, 3]);
    expect(orderOf("open")(entries)).toEqual([3, 2, 1]);
    expect(orderOf("answered")(entries)).toEqual([3, 2, 1]);
  });
});

describe("undo", () => {
  it("turns an act round", () => {
    expect(inverse(question(1), { act: "hide", reason: "spam" })).toEqual({ act: "restore" });
    expect(inverse(question(1, { state: "hidden", reason: "abuse" }), { act: "restore" })).toEqual({ act: "hide", reason: "abuse" });
    expect(inverse(question(1), { act: "screen", on: true })).toEqual({ act: "screen", on: false });
    expect(inverse(question(1), { act: "decline", reason: "重复" })).toEqual({ act: "approve" });
  });

  it("never makes public by undoing what was not public before", () => {
    expect(inverse(question(1, { state: "pending" }), { act: "decline", reason: "重复" })).toBeNull();
  });
});
