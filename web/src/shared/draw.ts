/** A published draw computed again in the browser, from the published texts alone: docs/registration.md. */

import type { DrawRecord, Selection } from "./places";

export interface DrawStep {
  what: string;
  ok: boolean;
  /** What was compared, for who wants to see it. */
  detail: string;
}

type Draw = Pick<Selection, "commitment" | "roster" | "roster_sha256" | "record" | "notices">;

const METHOD = "minsheng-draw-1";
const COMMITMENT = "种子承诺值（SHA-256）";
const SOURCE = "公共随机值来源";

/** Browsers compute only on pages that came over https, or from this machine. */
export const canCompute = (): boolean => (globalThis.crypto as Crypto | undefined)?.subtle !== undefined;

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const hex = (buffer: ArrayBuffer): string => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const digest = async (text: string): Promise<ArrayBuffer> => crypto.subtle.digest("SHA-256", bytes(text));

export const sha256 = async (text: string): Promise<string> => hex(await digest(text));

/** The tickets as they have to come out, in the order of the record. */
async function compute(record: DrawRecord, roster: string): Promise<DrawRecord["tickets"]> {
  const raw = await digest(`${METHOD}\n${record.seed}\n${record.public_value}`);
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const places = new Map<string, number>();
  const drawn = new Map<string, { number: string; ticket: string }[]>();
  for (const line of roster.split("\n").filter(Boolean)) {
    const [kind = "", category = "", value = ""] = line.split("\t");
    if (kind === "名额") places.set(category, Number(value));
    else {
      const ticket = hex(await crypto.subtle.sign("HMAC", key, bytes(value)));
      drawn.set(category, [...(drawn.get(category) ?? []), { number: value, ticket }]);
    }
  }
  return [...drawn].flatMap(([category, entries]) =>
    entries
      .sort((one, other) => (one.ticket < other.ticket ? -1 : one.ticket > other.ticket ? 1 : one.number < other.number ? -1 : 1))
      .map((entry, index) => ({ ...entry, category, rank: index + 1, selected: index < (places.get(category) ?? 0) })),
  );
}

const line = (ticket: DrawRecord["tickets"][number]): string =>
  [ticket.category, ticket.number, ticket.ticket, ticket.rank, ticket.selected].join("\t");

/** The steps of the check, each right or wrong. The draw has been made: `roster` and `record` are there. */
export async function checkDraw(draw: Draw): Promise<DrawStep[]> {
  const { record, roster } = draw;
  if (record === null || roster === null) return [];
  const told = (label: string): string[] =>
    draw.notices.flatMap((notice) => notice.fields.filter(([name]) => name === label).map(([, text]) => text));
  const commitment = await sha256(record.seed);
  const list = await sha256(roster);
  const again = await compute(record, roster);
  const published = new Set(record.tickets.map(line));
  const wrong = again.filter((ticket) => !published.has(line(ticket)));
  const promised = told(SOURCE)[0] ?? "";
  return [
    { what: "抽取方法是公告写明的那一种", ok: record.method === METHOD, detail: record.method },
    {
      what: "种子没有换过：它的摘要就是报名开始前公告里的承诺值",
      ok: told(COMMITMENT).length > 0 && [...told(COMMITMENT), draw.commitment].every((text) => text === commitment),
      detail: commitment,
    },
    {
      what: promised === "" ? "公告没有约定公共随机值，抽取也没有用" : "用了公告约定的公共随机值",
      ok: record.public_source === promised && (promised === "") === (record.public_value === ""),
      detail: promised === "" ? "" : `${record.public_source}：${record.public_value}`,
    },
    {
      what: "名单没有改过：摘要与截止时公布的一致",
      ok: list === draw.roster_sha256 && list === record.roster_sha256,
      detail: list,
    },
    {
      what: "每个编号的签号、名次和结果，重新计算都一样",
      ok: wrong.length === 0 && again.length === record.tickets.length,
      detail: wrong.length === 0 ? `${again.length} 个编号` : `不一致的编号：${wrong.map((ticket) => ticket.number).join("、")}`,
    },
  ];
}
