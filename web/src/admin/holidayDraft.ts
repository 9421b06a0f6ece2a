import type { Holiday } from "../shared/desk";

/** One line of the State Council's notice as it stands in the form; `makeup` in words, such as `2027-02-14、2027-02-27`. */
export interface HolidayLine {
  name: string;
  first: string;
  last: string;
  makeup: string;
}

const NAMES = ["元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"];
const DAY = /^\d{4}-\d{1,2}-\d{1,2}$/;

export function linesOf(before: readonly Holiday[]): HolidayLine[] {
  if (before.length > 0) return before.map((item) => ({ ...item, makeup: item.makeup.join("、") }));
  return NAMES.map((name) => ({ name, first: "", last: "", makeup: "" }));
}

function days(words: string): string[] {
  return words.split(/[、，,；;\s]+/u).filter((part) => part !== "");
}

export function lineProblem(line: HolidayLine): string {
  if (line.name.trim() === "") return "请填写假期名称。";
  if (line.first === "" || line.last === "") return "请填写放假的第一天和最后一天。";
  if (line.last < line.first) return "最后一天早于第一天。";
  const wrong = days(line.makeup).find((day) => !DAY.test(day) || Number.isNaN(Date.parse(padded(day))));
  return wrong === undefined ? "" : `“${wrong}”不是日期，请写成 2027-02-14 这样。`;
}

function padded(day: string): string {
  return day.split("-").map((part) => part.padStart(2, "0")).join("-");
}

export function holidaysOf(lines: readonly HolidayLine[]): Holiday[] {
  return lines.map(({ name, first, last, makeup }) => ({ name: name.trim(), first, last, makeup: days(makeup).map(padded) }));
}

/** Years that are missing between those that are known, and the first after them. */
export function missingYears(known: readonly number[]): number[] {
  const [first, last] = [Math.min(...known), Math.max(...known)];
  if (known.length === 0) return [];
  return Array.from({ length: last - first + 2 }, (_, index) => first + index).filter((year) => !known.includes(year));
}

/** Years in words, neighbours as a run: 2004 年到 2026 年、2031 年. */
export function yearWords(years: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const year of [...years].sort((a, b) => a - b)) {
    const run = runs[runs.length - 1];
    if (run !== undefined && run[1] === year - 1) run[1] = year;
    else runs.push([year, year]);
  }
  return runs.map(([first, last]) => (first === last ? `${first} 年` : `${first} 年到 ${last} 年`)).join("、");
}
