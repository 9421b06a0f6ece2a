/**
 * Times in the words of the pages, always Beijing's: a citizen abroad reads the hour on the notice, not a converted one.
 * China keeps one offset the whole year, so it is added here and needs no time zone data of the browser.
 */

const OFFSET = 8 * 3600_000;
const DAY = 86_400_000;
const WEEKDAYS = "日一二三四五六";

interface Parts {
  year: number;
  month: number;
  date: number;
  weekday: string;
  hour: number;
  minute: number;
  /** Days since the epoch in Beijing: two times of one day have the same. */
  day: number;
}

function parts(at: number): Parts {
  const shifted = new Date(at + OFFSET);
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    date: shifted.getUTCDate(),
    weekday: WEEKDAYS.charAt(shifted.getUTCDay()),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    day: Math.floor((at + OFFSET) / DAY),
  };
}

const two = (value: number): string => String(value).padStart(2, "0");

function dayWords(at: Parts, now: Parts): string {
  const year = at.year === now.year ? "" : `${at.year}年`;
  return `${year}${at.month}月${at.date}日（周${at.weekday}）`;
}

const clockWords = (at: Parts): string => `${two(at.hour)}:${two(at.minute)}`;

/** 9月27日（周三）14:00, with the year where it is not this one. */
export function dayAndTime(iso: string, now: number = Date.now()): string {
  const at = parts(Date.parse(iso));
  return dayWords(at, parts(now)) + clockWords(at);
}

/** 9月27日（周三）14:00–16:00; both days where the end is on another one. */
export function span(start: string, end: string | null, now: number = Date.now()): string {
  if (end === null) return dayAndTime(start, now);
  const [from, to] = [parts(Date.parse(start)), parts(Date.parse(end))];
  const tail = from.day === to.day ? clockWords(to) : dayWords(to, from) + clockWords(to);
  return `${dayAndTime(start, now)}–${tail}`;
}

/** A plain date such as `2023-10-07`: 10月7日（周六）. */
export function plainDay(date: string, now: number = Date.now()): string {
  return dayWords(parts(Date.parse(`${date}T00:00:00+08:00`)), parts(now));
}

/** 14:05 for today, 9月27日 14:05 for another day. */
export function clock(iso: string, now: number = Date.now()): string {
  const [at, today] = [parts(Date.parse(iso)), parts(now)];
  return at.day === today.day ? clockWords(at) : `${at.month}月${at.date}日 ${clockWords(at)}`;
}

/** How far away something lies ahead: 还有 20 分钟, 明天, 还有 12 天. */
export function until(iso: string, now: number = Date.now()): string {
  const at = Date.parse(iso);
  const left = at - now;
  if (left <= 0) return "已到开始时间";
  const days = parts(at).day - parts(now).day;
  if (days > 2) return `还有 ${days} 天`;
  if (days === 2) return "后天";
  if (days === 1 && left > 12 * 3600_000) return "明天";
  const minutes = Math.ceil(left / 60_000);
  if (minutes < 60) return `还有 ${minutes} 分钟`;
  return `还有 ${Math.round(minutes / 60)} 小时`;
}

/** How far a date is from another, both plain: 今天, 还有 3 天, 已过 2 天. */
export function dayDistance(due: string, today: string): string {
  const days = Math.round((Date.parse(due) - Date.parse(today)) / DAY);
  if (days === 0) return "今天";
  if (days === 1) return "明天";
  return days > 0 ? `还有 ${days} 天` : `已过 ${-days} 天`;
}

/** 已播 1 小时 05 分. */
export function duration(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 60) return `${minutes} 分钟`;
  return `${Math.floor(minutes / 60)} 小时 ${two(minutes % 60)} 分`;
}

/** The value of a `datetime-local` field for a time, and back. */
export function toField(iso: string | null): string {
  if (iso === null) return "";
  const at = parts(Date.parse(iso));
  return `${at.year}-${two(at.month)}-${two(at.date)}T${two(at.hour)}:${two(at.minute)}`;
}

export function fromField(value: string): string | null {
  if (value === "") return null;
  const at = Date.parse(`${value.slice(0, 16)}:00+08:00`);
  return Number.isNaN(at) ? null : new Date(at).toISOString().replace(".000Z", "Z");
}
