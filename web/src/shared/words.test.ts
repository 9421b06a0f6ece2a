import { describe, expect, it } from "vitest";
import { nickWords } from "./words";

describe("a name", () => {
  it("is shown as it was written", () => {
    expect(nickWords("𠮷👩‍🚀")).toBe("𠮷👩‍🚀");
    expect(nickWords("")).toBe("网友");
  });

  it("turns the direction of nothing but itself", () => {
    expect(nickWords("\u202e朱某")).toBe("\u2068\u202e朱某\u2069");
  });
});
