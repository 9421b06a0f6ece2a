import { describe, expect, test } from "vitest";
import type { Attachment, Materials } from "../shared/desk";
import { draftOf, fileProblem, problemsOf, sizeWords } from "./materialsDraft";

const file = (id: number, purpose: Attachment["purpose"]): Attachment => ({
  id,
  purpose,
  name: "x",
  media_type: "image/jpeg",
  size: 1,
  sha256: "",
  alt: "",
  uploaded_at: "2023-10-10T06:00:00Z",
  uploaded_by: null,
  published: false,
});

describe("the materials' form", () => {
  test("offers what may be published and never the plans", () => {
    const files = [file(1, "plan"), file(2, "picture"), file(3, "emergency"), file(4, "document")];
    expect(draftOf(null, files).files).toEqual([2, 4]);
  });

  test("begins with what is published, and asks for consent again", () => {
    const published = { text: "t", recording_url: null, pictures: [file(7, "picture")], documents: [], quotes: [{ text: "a", by: "b" }], contact: "" } as unknown as Materials;
    const draft = draftOf(published, []);
    expect(draft).toMatchObject({ text: "t", recording_url: "", files: [7], cleared: false });
    expect(problemsOf(draft)).toEqual({ cleared: "请先征得本人同意，再勾选。" });
  });

  test("says what is wrong at its field", () => {
    const empty = draftOf(null, []);
    expect(problemsOf(empty).text).toContain("请填写文字");
    expect(problemsOf({ ...empty, recording_url: "javascript:alert(1)" }).recording_url).toContain("https://");
    expect(problemsOf({ ...empty, recording_url: "https://a.example.cn/1" })).toEqual({});
    expect(problemsOf({ ...empty, text: "字".repeat(20_001) }).text).toBe("超过了 1 个字，请删减。");
    expect(problemsOf({ ...empty, text: "t", quotes: [{ text: "a", by: " " }], cleared: true }).quotes).toContain("谁说的");
  });

  test("measures files before they are sent", () => {
    expect(fileProblem({ size: 0 })).toContain("空");
    expect(fileProblem({ size: 20 * 1024 * 1024 })).toBe("");
    expect(fileProblem({ size: 20 * 1024 * 1024 + 1 })).toContain("20.0 MB");
    expect(sizeWords(10)).toBe("1 KB");
  });
});
