import { describe, expect, it } from "vitest";
import { spokenWords } from "./useReading";

const said = (...texts: string[]) =>
  texts.map((text, index) => ({ id: index + 1, text, nickname: index === 0 ? "" : "小李", at: "2023-09-27T06:00:00Z", proposed: false }));

describe("what a screen reader is told", () => {
  it("is how many came, or their words where one wants to hear them", () => {
    expect(spokenWords([], true)).toBe("");
    expect(spokenWords(said("好", "很好"), false)).toBe("新增 2 条留言");
    expect(spokenWords(said("好", "很好"), true)).toBe("网友：好。小李：很好");
  });

  it("is the newest alone where many came at once", () => {
    expect(spokenWords(said("一", "二", "三", "四"), true)).toBe("新增 4 条留言，最新一条，小李：四");
  });
});
