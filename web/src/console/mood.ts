import type { MoodPicture, MoodPoint, SentimentLabel } from "../shared/protocol";

/** Which entries are asked for. */
export interface Behind {
  title: string;
  since: string | null;
  until: string | null;
  sentiment: SentimentLabel | null;
  q: string | null;
}

export interface Bar {
  point: MoodPoint;
  x: number;
  width: number;
  /** Heights in the picture's units: positive above the line, negative below it, what is uncertain as a mark at the foot. */
  up: number;
  down: number;
  n: number;
}

/** A few points stay narrow bars at the left: what a bar says is its height. */
const FEWEST = 12;

/** The bars of a picture `width` wide whose halves are `half` high. */
export function bars(picture: MoodPicture, width: number, half: number): Bar[] {
  const most = Math.max(1, ...picture.points.flatMap((point) => [point.counts.positive, point.counts.negative]));
  const step = width / Math.max(FEWEST, picture.points.length);
  return picture.points.map((point, index) => ({
    point,
    x: index * step,
    width: step,
    up: (point.counts.positive / most) * half,
    down: (point.counts.negative / most) * half,
    n: point.counts.positive + point.counts.negative + point.counts.uncertain,
  }));
}

/** Half the width of the 95 % interval of a share (Wilson), in [0, 0.5]; 0.5 of nothing. The server counts in the same way. */
export function margin(part: number, whole: number): number {
  if (whole === 0) return 0.5;
  const share = part / whole;
  const z = 1.96;
  return (z / (1 + (z * z) / whole)) * Math.sqrt((share * (1 - share)) / whole + (z * z) / (4 * whole * whole));
}

/** “50% ± 32”: a share and its error, in per cent and percentage points. */
export function share(part: number, whole: number): string {
  return whole === 0 ? "—" : `${Math.round((part / whole) * 100)}% ± ${Math.ceil(margin(part, whole) * 100)}`;
}
