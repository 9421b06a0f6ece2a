import { describe, expect, it } from "vitest";
import type { Act, Entry } from "../shared/protocol";
import { orderOf, tabOf } from "./queue";
import { inverse } from "./undo";

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
    corrected: null,
    utterance: null,
    reason: null,
    suggestion: null,
    votes: 0,
    on_screen: false,
    answer: null,
    flags: [],
    merged: 0,
    merged_into: null,
    proposed: false,
    similar: [],
    revision: 1,
    handled_by: null,
    handled_at: null,
    handover: null,
    labels: [],
    notes: [],
    lifted: null,
    ...over,
  };
}

describe("the queue", () => {
  it("sorts states into four tabs", () => {
    const states = ["pending", "open", "answered", "declined", "hidden", "merged", "withdrawn"] as const;
    expect(states.map((state) => tabOf(question(1, { state })))).toEqual([
      "pending",
      "open",
      "answered",
      "rest",
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

  it("takes first what a host put first, in that order", () => {
    const entries = [question(1, { votes: 9 }), question(2, { lifted: 2 }), question(3, { lifted: 1 }), question(4)];
    expect(orderOf("open")(entries)).toEqual([3, 2, 1, 4]);
    expect(orderOf("pending")(entries)).toEqual([3, 2, 1, 4]);
  });
});

/** The one act that takes it back. */
const back = (before: Entry, act: Act): Act | undefined => inverse(before, act)[0]?.act;

describe("undo", () => {
  it("turns an act round", () => {
    expect(back(question(1), { act: "hide", reason: "spam" })).toEqual({ act: "restore" });
    expect(back(question(1, { state: "hidden", reason: "abuse" }), { act: "restore" })).toEqual({ act: "hide", reason: "abuse" });
    expect(back(question(1), { act: "screen", on: true })).toEqual({ act: "screen", on: false });
    expect(back(question(1, { state: "hidden", reason: "abuse" }), { act: "hide", reason: "spam" })).toEqual({ act: "hide", reason: "abuse" });
  });

  it("takes what was merged apart, and puts it together again", () => {
    expect(back(question(1), { act: "merge", into: 2 })).toEqual({ act: "split" });
    expect(back(question(1, { state: "merged", merged_into: 2 }), { act: "split" })).toEqual({ act: "merge", into: 2 });
  });

  it("leaves it to the service where an approval, an answer or a refusal came from", () => {
    for (const state of ["pending", "open"] as const) {
      expect(back(question(1, { state }), { act: "decline", reason: "重复" })).toEqual({ act: "reopen" });
      expect(back(question(1, { state }), { act: "answer", mode: "live" })).toEqual({ act: "reopen" });
    }
    expect(back(question(1, { state: "pending" }), { act: "approve" })).toEqual({ act: "reopen" });
  });

  it("brings back the words that an act replaced", () => {
    const answer = { mode: "written", text: "周六上班", at: "2023-09-27T06:00:00Z" } as const;
    const answered = question(1, { state: "answered", answer });
    const words = { act: "answer", mode: "written", text: "周六上班" };
    expect(back(answered, { act: "answer", mode: "written", text: "周日上班" })).toEqual(words);
    expect(back(answered, { act: "reopen" })).toEqual(words);
    const declined = question(1, { state: "declined", reason: "重复" });
    expect(back(declined, { act: "approve" })).toEqual({ act: "decline", reason: "重复" });
    expect(back(declined, { act: "reopen" })).toEqual({ act: "decline", reason: "重复" });
  });

  it("puts on screen what was there, and gives a place back", () => {
    const [shown, next] = [question(1, { on_screen: true }), question(2)];
    expect(inverse(next, { act: "screen", on: true }, question(2, { on_screen: true }), [shown, next])).toEqual([
      { entry: 1, act: { act: "screen", on: true } },
    ]);
    const hidden = question(1, { state: "hidden", reason: "spam" });
    expect(inverse(shown, { act: "hide", reason: "spam" }, hidden)).toEqual([
      { entry: 1, act: { act: "restore" } },
      { entry: 1, act: { act: "screen", on: true } },
    ]);
    const order = [question(1, { lifted: 1 }), question(2, { lifted: 2 }), question(3, { lifted: 3 })];
    const first = order[0] ?? question(1);
    expect(inverse(first, { act: "answer", mode: "live" }, question(1, { state: "answered" }), order)).toEqual([
      { entry: 1, act: { act: "reopen" } },
      { entry: 1, act: { act: "lift", above: 2 } },
    ]);
    expect(inverse(first, { act: "lower" }, question(1), order)).toEqual([{ entry: 1, act: { act: "lift", above: 2 } }]);
    expect(inverse(question(4), { act: "lift", above: null }, question(4, { lifted: 4 }), order)).toEqual([
      { entry: 4, act: { act: "lower" } },
    ]);
  });

  it("takes a note away that was added, and brings back one that was taken away", () => {
    const noted = question(1, { notes: [{ id: 7, at: "2023-09-27T06:00:00Z", by: "王", text: "请后勤答" }] });
    expect(inverse(question(1), { act: "note", text: "请后勤答" }, noted)).toEqual([{ entry: 1, act: { act: "note", remove: 7 } }]);
    expect(inverse(noted, { act: "note", remove: 7 }, question(1))).toEqual([{ entry: 1, act: { act: "note", text: "请后勤答" } }]);
  });
});
