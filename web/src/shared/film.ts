/** A recorded programme that is broadcast at its hour as if live, and how its file gets to the service. */

import { api, ApiError } from "./api";

export type FilmPhase =
  | "none"
  | "ready"
  | "planned"
  | "starting"
  | "playing"
  | "interrupted"
  | "finished"
  | "stopped"
  | "missed";

export interface Film {
  phase: FilmPhase;
  name: string;
  size: number;
  seconds: number;
  width: number;
  height: number;
  sound: boolean;
  planned: boolean;
  ends_activity: boolean;
  begins_at: string | null;
  began_at: string | null;
  second: number | null;
  problem: "taken" | "failed" | null;
  upload: { name: string; size: number; received: number } | null;
  largest: number;
}

/** Small enough for what proxies let through by default, large enough to be quick. */
export const PIECE = 8_000_000;
const TRIES = 6;
const PAUSE = 2_000;

/** Where an upload of this file may go on: at what is there already, if it is the same file. */
export function resumeAt(film: Film, file: { name: string; size: number }): number {
  const upload = film.upload;
  return upload !== null && upload.name === file.name && upload.size === file.size ? upload.received : 0;
}

/**
 * Send a file piece by piece, from where an earlier try ended. A line that breaks is waited for; what the service
 * refuses ends it. `told` hears how many bytes are there; it returns false to stop.
 */
export async function sendFilm(
  slug: string,
  file: File,
  told: (bytes: number) => boolean,
  pause: number = PAUSE,
): Promise<Film> {
  let film = await api.film(slug);
  let offset = resumeAt(film, file);
  if (offset === 0) film = await api.announceFilm(slug, file.name, file.size);
  let tries = 0;
  while (told(offset) && offset < file.size) {
    try {
      film = await api.sendFilm(slug, offset, file.slice(offset, offset + PIECE));
      offset = film.upload === null ? file.size : film.upload.received;
      tries = 0;
    } catch (error) {
      const passing =
        error instanceof ApiError &&
        (error.status === 0 || error.status === 408 || error.status >= 500 || error.code === "busy" || error.code === "wrong_offset");
      if (!passing || ++tries >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
      film = await api.film(slug).catch(() => film);
      // All of it may have come although its answer did not.
      offset = film.upload === null && film.name === file.name && film.size === file.size ? file.size : resumeAt(film, file);
    }
  }
  return film;
}
