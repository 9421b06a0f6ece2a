import type { PublicComment } from "../shared/protocol";

export type Density = "few" | "some" | "many";
export type Size = "small" | "medium" | "large";

export interface FlyingSettings {
  on: boolean;
  density: Density;
  size: Size;
}

/** One comment on its way across the picture. */
export interface Flight {
  id: number;
  text: string;
  lane: number;
}

/** The room that comments fly through, in pixels. */
export interface Sky {
  width: number;
  height: number;
  /** Size of the letters. */
  em: number;
}

/** Lanes at the most; where the picture is low there are fewer. */
export const LANES: Record<Density, number> = { few: 2, some: 4, many: 7 };
export const FLIGHT_MS = 9_000;
/** Height of a lane, in the size of its letters. */
export const LANE_EM = 1.7;
/** Between two comments of a lane, and around each, in the size of the letters. */
const GAP_EM = 1;
const LONGEST = 40;

/** Gives each comment a lane in which it meets no other; what finds none free stays in the list, where everything is. */
export class Lanes {
  /** When each lane takes its next comment, and when its last one is gone from the picture. */
  private readonly lanes: { free: number; gone: number }[] = [];

  /** Everything stood still for so long. */
  delay(milliseconds: number): void {
    for (const lane of this.lanes) {
      lane.free += milliseconds;
      lane.gone += milliseconds;
    }
  }

  take(comment: PublicComment, density: Density, now: number, sky: Sky): Flight | null {
    const text = shortened(comment.text);
    const width = widthOf(text) * sky.em + GAP_EM * sky.em;
    const many = Math.max(1, Math.min(LANES[density], Math.floor(sky.height / (LANE_EM * sky.em))));
    // All cross the picture in the same time: the longer are the faster, and must not run into the one before.
    const crossed = now + (FLIGHT_MS * sky.width) / (sky.width + width);
    for (let lane = 0; lane < many; lane += 1) {
      const { free, gone } = this.lanes[lane] ?? { free: 0, gone: 0 };
      if (free > now || gone > crossed) continue;
      this.lanes[lane] = { free: now + (FLIGHT_MS * width) / (sky.width + width), gone: now + FLIGHT_MS };
      return { id: comment.id, text, lane };
    }
    return null;
  }
}

/** How wide a text is, in the size of its letters: nearly. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += (character.codePointAt(0) ?? 0) < 0x2e80 ? 0.6 : 1;
  return width;
}

/** One line, and not too long a one; whole characters stay whole. */
export function shortened(text: string): string {
  const characters = Array.from(text.replace(/\s+/g, " "));
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : characters.join("");
}
