import { describe, expect, it } from "vitest";
import type { EntryState } from "../shared/protocol";
import { fateWords } from "./useFates";
import type { OwnEntry } from "./useOutbox";

const own = (state: EntryState, kind: OwnEntry["kind"] = "question"): OwnEntry => ({ id: 1, receipt: "R", kind, text: "", at: 0, state });

describe("what an author is told", () => {
  it("is that one's words are public, once they waited for that", () => {
    expect(fateWords(own("pending"), "open", null)).toBe("您的提问已经公开");
    expect(fateWords(own("pending", "suggestion"), "shown", null)).toBe("您的建议已经公开");
    expect(fateWords(own("answered"), "open", null)).toBeNull();
  });

  it("is an answer, a merging, and why something is not shown", () => {
    expect(fateWords(own("open"), "answered", null)).toBe("您的提问有了回答");
    expect(fateWords(own("open"), "merged", null)).toContain("合并");
    expect(fateWords(own("shown", "comment"), "hidden", "与活动无关")).toBe("您的留言未展示，原因：与活动无关");
    expect(fateWords(own("pending"), "declined", null)).toBe("您的提问未公开");
  });

  it("is nothing of what one did oneself", () => {
    expect(fateWords(own("shown"), "withdrawn", null)).toBeNull();
  });
});
