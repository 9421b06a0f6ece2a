import type { NoticeDraft, NoticeField } from "../shared/desk";

export const NOTICE_LIMITS = { label: 20, text: 5000, fields: 10, reason: 500 } as const;

/** The notice as it will be printed: what the service composed, with the unit's own fields as they stand in the form. */
export function preview(draft: NoticeDraft, free: readonly NoticeField[]): NoticeField[] {
  const before = new Set(draft.free.map((field) => field.label));
  const composed = draft.fields.filter((field) => !before.has(field.label));
  return [...composed, ...free.filter((field) => field.text.trim() !== "")];
}

/** What is wrong with each of the unit's own fields; empty words where nothing is. */
export function fieldProblems(free: readonly NoticeField[]): string[] {
  return free.map(({ label, text }, index) => {
    const name = label.trim();
    if (name === "" || text.trim() === "") return "名称和内容都要填写，不需要就删去。";
    if (Array.from(name).length > NOTICE_LIMITS.label) return `名称最多 ${NOTICE_LIMITS.label} 个字。`;
    if (Array.from(text).length > NOTICE_LIMITS.text) return `内容最多 ${NOTICE_LIMITS.text} 个字。`;
    return free.findIndex((other) => other.label.trim() === name) < index ? "名称与上面的重复了。" : "";
  });
}

/** Whether there is anything to publish: the first notice, or something that differs from the last one. */
export function differs(draft: NoticeDraft, free: readonly NoticeField[]): boolean {
  if (draft.version === 0 || draft.changes.length > 0) return true;
  const plain = (fields: readonly NoticeField[]): string =>
    JSON.stringify(fields.map(({ label, text }) => [label.trim(), text.trim()]));
  return plain(draft.free) !== plain(free);
}
