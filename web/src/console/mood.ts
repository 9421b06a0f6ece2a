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
