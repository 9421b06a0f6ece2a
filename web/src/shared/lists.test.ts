import { describe, expect, it } from "vitest";
import { merge, queueOrder, without } from "./lists";

const entry = (id: number, text = String(id)) => ({ id, text });

describe("merging what arrives into a list", () => {
  it("appends what is new", () => {
    expect(merge([entry(1)], [entry(2), entry(3)]).map((item) => item.id)).toEqual([1, 2, 3]);
  });

  it("takes an entry twice as one, the later word winning", () => {
    expect(merge([entry(1), entry(2)], [entry(2, "changed")])).toEqual([entry(1), entry(2, "changed")]);
  });

  it("sorts in what comes late", () => {
    expect(merge([entry(1), entry(5)], [entry(3), entry(2)]).map((item) => item.id)).toEqual([1, 2, 3, 5]);
  });

  it("keeps the newest when there are too many", () => {
    expect(merge([entry(1), entry(2)], [entry(3)], 2).map((item) => item.id)).toEqual([2, 3]);
  });

  it("gives back the same list when nothing came, so that nothing is drawn again", () => {
    const list = [entry(1)];
    expect(merge(list, [])).toBe(list);
  });

  it("does not touch the list it was given", () => {
    const list = Object.freeze([entry(1)]);
    merge(list, [entry(0), entry(2)]);
    expect(list).toHaveLength(1);
  });

  it("removes what is gone and bears what it never had", () => {
    expect(without([entry(1), entry(2)], [2, 9])).toEqual([entry(1)]);
  });
});

describe("the audience's queue", () => {
  const question = (id: number, votes: number, state = "open", on_screen = false, lifted: number | null = null) => ({
    id,
    votes,
    state,
    on_screen,
    lifted,
  });

  it("puts what is on screen first, then votes, then age; answered ones last", () => {
    const order = queueOrder([
      question(1, 9, "answered"),
      question(2, 1),
      question(3, 4),
      question(4, 0, "open", true),
      question(5, 4),
    ]);
    expect(order).toEqual([4, 3, 5, 2, 1]);
  });

  it("puts what the host put first before the votes, in that order", () => {
    const order = queueOrder([
      question(1, 9),
      question(2, 0, "open", false, 2),
      question(3, 3, "open", false, 1),
      question(4, 0, "open", true),
    ]);
    expect(order).toEqual([4, 3, 2, 1]);
  });
});
