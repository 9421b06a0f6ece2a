import type { ReplayMark } from "./recording";

const two = (value: number): string => String(value).padStart(2, "0");

/** A second of a recording as players write it: 1:05, 1:02:03. */
export function position(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** How many of the marks, which are in order, have come by that second. */
export function reached(marks: readonly ReplayMark[], second: number): number {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const mark = marks[middle];
    if (mark !== undefined && mark.at <= second) low = middle + 1;
    else high = middle;
  }
  return low;
}
