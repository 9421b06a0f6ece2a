import type { Attachment, FilePurpose, Materials, Quote } from "../shared/desk";

/** The materials as they stand in the form. */
export interface MaterialsDraft {
  text: string;
  recording_url: string;
  /** Ids in the order in which they are shown. */
  files: number[];
  quotes: Quote[];
  /** The speakers agreed to be quoted; asked again for each version with quotes. */
  cleared: boolean;
  contact: string;
}

export type MaterialsProblems = Partial<Record<"text" | "recording_url" | "quotes" | "cleared" | "contact", string>>;

const LARGEST = 20 * 1024 * 1024;
const DOCUMENTS = { types: ".pdf,.ofd,.docx,.xlsx,.pptx", words: "PDF、OFD、docx、xlsx 或 pptx，不超过 20 MB。" };
export const ACCEPTED: Record<FilePurpose, { types: string; words: string }> = {
  plan: DOCUMENTS,
  emergency: DOCUMENTS,
  document: DOCUMENTS,
  picture: { types: "image/jpeg,image/png,image/webp", words: "JPG、PNG 或 WebP，不超过 20 MB。拍摄的时间、地点等信息会自动去掉。" },
};

/** What is wrong with a file before it is sent; the service looks at its content. */
export function fileProblem(file: { size: number }): string {
  if (file.size === 0) return "这个文件是空的。";
  return file.size > LARGEST ? `文件有 ${sizeWords(file.size)}，超过 20 MB，请压缩后再上传。` : "";
}

export function sizeWords(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** The form as it begins: what is published, else every file that may be. */
export function draftOf(published: Materials | null, files: readonly Attachment[]): MaterialsDraft {
  if (published === null) {
    const ids = files.filter((file) => file.purpose === "picture" || file.purpose === "document").map((file) => file.id);
    return { text: "", recording_url: "", files: ids, quotes: [], cleared: false, contact: "" };
  }
  return {
    text: published.text,
    recording_url: published.recording_url ?? "",
    files: [...published.pictures, ...published.documents].map((file) => file.id),
    quotes: published.quotes.map((quote) => ({ ...quote })),
    cleared: false,
    contact: published.contact,
  };
}

export function problemsOf(draft: MaterialsDraft): MaterialsProblems {
  const problems: MaterialsProblems = {};
  const over = Array.from(draft.text).length - 20_000;
  if (over > 0) problems.text = `超过了 ${over} 个字，请删减。`;
  else if (draft.text.trim() === "" && draft.files.length === 0 && draft.recording_url.trim() === "") {
    problems.text = "请填写文字，或者选择要公开的图片、文件、录像。";
  }
  if (draft.recording_url.trim() !== "" && !/^https?:\/\/[^\s/]+\S*$/i.test(draft.recording_url.trim())) {
    problems.recording_url = "请填写完整的网址，以 https:// 开头。";
  }
  if (draft.quotes.some((quote) => quote.text.trim() === "" || quote.by.trim() === "")) {
    problems.quotes = "请写明说了什么、谁说的，或者删去这一条。";
  }
  if (draft.quotes.length > 0 && !draft.cleared) problems.cleared = "请先征得本人同意，再勾选。";
  if (Array.from(draft.contact).length > 200) problems.contact = "不超过 200 个字。";
  return problems;
}
