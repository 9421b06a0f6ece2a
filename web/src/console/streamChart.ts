import type { StreamMoment } from "../shared/protocol";

/** One curve of the picture: its name, the newest value in words, its extremes, and where it runs. */
export interface Curve {
  name: string;
  now: string;
  range: string;
  path: string;
}

export const WIDTH = 300;
export const HEIGHT = 36;
const SPAN = 600;
/** Seconds without a moment after which the line breaks. */
const GAP = 8;

const rate = (bits: number): string =>
  bits >= 1_000_000 ? `${(bits / 1_000_000).toFixed(1)} 兆` : `${Math.round(bits / 1000)} 千`;

const CURVES: { name: string; index: 1 | 2 | 3 | 4; words: (value: number) => string; least: number }[] = [
  { name: "码率", index: 1, words: (value) => `${rate(value)}比特/秒`, least: 100_000 },
  { name: "帧率", index: 2, words: (value) => `${Math.round(value)} 帧/秒`, least: 10 },
  { name: "丢包", index: 3, words: (value) => `${value.toFixed(1)}%`, least: 1 },
  { name: "接收", index: 4, words: (value) => `${value} 路`, least: 4 },
];

/** The curves of the last ten minutes, the newest moment at the right edge; each from zero to its own highest value. */
export function curves(history: StreamMoment[]): Curve[] {
  const end = history.at(-1)?.[0] ?? 0;
  return CURVES.map(({ name, index, words, least }) => {
    const values = history.map((moment) => moment[index]).filter((value) => value !== null);
    const highest = Math.max(least, ...values);
    let path = "";
    let before: number | null = null;
    for (const moment of history) {
      const value = moment[index];
      const at = moment[0];
      if (value === null || at <= end - SPAN) {
        before = null;
        continue;
      }
      const x = WIDTH * (1 - (end - at) / SPAN);
      const y = HEIGHT - 1 - (HEIGHT - 2) * (value / highest);
      path += `${before === null || at - before > GAP ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      before = at;
    }
    const last = history.at(-1)?.[index] ?? null;
    return {
      name,
      now: last === null ? "无" : words(last),
      range: values.length === 0 ? "" : `最低 ${words(Math.min(...values))}，最高 ${words(Math.max(...values))}`,
      path,
    };
  });
}
