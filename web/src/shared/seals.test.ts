import { describe, expect, it, vi } from "vitest";
import type { Outcomes } from "./outcomes";
import { canonical, digestOf } from "./seals";

vi.stubGlobal("window", { crypto: globalThis.crypto });

/** Made by `feedback.seals`: the same content whole, shortened at its author's request, and in the old form. */
const WHOLE = JSON.parse(`{"numbers":{"received":2},"questions":[{"id":7,"text":"几点开门？","nickname":"王**","answer":"九点。","votes":3,"salts":{"words":"a1","reply":"a2"}}],"suggestions":[{"number":1,"text":"装灯\\n=1+1 \\u2028𠮷","nickname":"李**","decision":"adopted","reason":"","salts":{"words":"b1","reply":"b2"}}],"form":2,"sha256":"86cb63279a167aa46fd6e967598a7cde31f6999f70c04ad5fea66e87945f2e2f"}`) as Outcomes;
const SHORT = JSON.parse(`{"numbers":{"received":2},"questions":[{"id":7,"text":"几点开门？","nickname":"王**","answer":"九点。","votes":3,"salts":{"words":"a1","reply":"a2"}}],"suggestions":[{"number":1,"text":"（已按作者要求删除）","nickname":"","decision":"adopted","reason":"","salts":{"reply":"b2"},"removed":{"words":"2023-10-20T00:00:00Z"},"seals":{"words":"d6ecf302292c560add0343fc30b0ffc132c5effeb2c0e7530eee658bfa3f3d52"}}],"form":2}`) as Outcomes;
const OLD = JSON.parse(`{"numbers":{"received":2},"questions":[{"id":7,"text":"几点开门？","nickname":"王**","answer":"九点。","votes":3}],"suggestions":[{"number":1,"text":"装灯\\n=1+1 \\u2028𠮷","nickname":"李**","decision":"adopted","reason":""}],"sha256":"39ad018b8614a543a00df86f8d69974ca4c758e70756566995093169c9964cda"}`) as Outcomes;

describe("the digest of a version", () => {
  it("is written like the server's", () => {
    expect(canonical({ b: [1, null, "\u0001\u2028"], a: "中" })).toBe('{"a":"中","b":[1,null,"\\u0001\u2028"]}');
  });

  it("is the published one, whole or shortened", async () => {
    expect(await digestOf(WHOLE)).toBe(WHOLE.sha256);
    expect(await digestOf(SHORT)).toBe(WHOLE.sha256);
    expect(await digestOf(OLD)).toBe(OLD.sha256);
  });

  it("changes with any word", async () => {
    const [first] = WHOLE.suggestions;
    const other = { ...WHOLE, suggestions: [{ ...first, reason: "改了" }] } as Outcomes;
    expect(await digestOf(other)).not.toBe(WHOLE.sha256);
  });

  it("is computed without WebCrypto too", async () => {
    vi.stubGlobal("window", {});
    expect(await digestOf(WHOLE)).toBe(WHOLE.sha256);
    vi.stubGlobal("window", { crypto: globalThis.crypto });
  });
});
