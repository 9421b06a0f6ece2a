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

export const LANES: Record<Density, number> = { few: 2, some: 4, many: 7 };
export const FLIGHT_MS = 9_000;
/** A lane is free again when the comment before has left its beginning. */
const LANE_BUSY_MS = 3_500;
const LONGEST = 40;

/** Gives each comment a lane; what finds none free stays in the list, where everything is. */
export class Lanes {
  private readonly freeAt: number[] = [];

  take(comment: PublicComment, density: Density, now: number): Flight | null {
    for (let lane = 0; lane < LANES[density]; lane += 1) {
      if ((this.freeAt[lane] ?? 0) <= now) {
        this.freeAt[lane] = now + LANE_BUSY_MS;
        return { id: comment.id, text: shortened(comment.text), lane };
      }
    }
    return null;
  }
}

/** One line, and not too long a one; whole characters stay whole. */
export function shortened(text: string): string {
  const characters = Array.from(text.replace(/\s+/g, " "));
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : characters.join("");
}
