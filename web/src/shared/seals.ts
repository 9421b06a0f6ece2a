import type { Outcomes, Sealed } from "./outcomes";

/**
 * The digest of a published version, computed here from what was served: docs/outcomes.md. A part is the author's words
 * or what the unit wrote about them; the digest covers its seal, so that it outlives the deletion of the words.
 */
const PARTS = {
  questions: { words: ["text", "nickname"], reply: ["answer"] },
  suggestions: { words: ["text", "nickname"], reply: ["reason", "updates"] },
} as const;
const COVERED = ["form", "note", "deleted", "numbers", "questions", "suggestions"];
const ASIDE = new Set(["salts", "seals", "removed"]);

type Item = Sealed & Record<string, unknown>;

/** JSON with sorted keys and without spaces. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = value as Record<string, unknown>;
  const names = Object.keys(fields).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(fields[name])}`).join(",")}}`;
}

/** By WebCrypto; on pages that came over plain HTTP, where that is missing, by a library. */
async function sha256(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  // The types promise it everywhere; browsers keep it for safe origins.
  const subtle = (window.crypto as Partial<Crypto> | undefined)?.subtle;
  let digest: Uint8Array;
  if (subtle !== undefined) digest = new Uint8Array(await subtle.digest("SHA-256", bytes));
  else digest = (await import("@noble/hashes/sha2.js")).sha256(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function covered(item: Item, parts: Record<string, readonly string[]>): Promise<Record<string, unknown>> {
  const rest: Record<string, unknown> = {};
  const inside = new Set(Object.values(parts).flat());
  for (const [name, value] of Object.entries(item)) if (!ASIDE.has(name) && !inside.has(name)) rest[name] = value;
  const seals: Record<string, string> = { ...item.seals };
  for (const [part, names] of Object.entries(parts)) {
    if (seals[part] !== undefined) continue;
    const fields: Record<string, unknown> = {};
    for (const name of names) if (name in item) fields[name] = item[name];
    seals[part] = await sha256(canonical([item.salts?.[part] ?? "", fields]));
  }
  return { ...rest, seals };
}

/** The SHA-256 of a whole version, in hexadecimal digits. */
export async function digestOf(outcomes: Outcomes): Promise<string> {
  const served = outcomes as unknown as Record<string, unknown>;
  const content: Record<string, unknown> = {};
  for (const name of COVERED) if (name in served) content[name] = served[name];
  if (outcomes.form === 2) {
    for (const [section, parts] of Object.entries(PARTS)) {
      const items = content[section] as Item[];
      content[section] = await Promise.all(items.map((item) => covered(item, parts)));
    }
  }
  return sha256(canonical(content));
}
