import { afterEach, expect, test, vi } from "vitest";
import { api, ApiError } from "./api";
import { PIECE, resumeAt, sendFilm, type Film } from "./film";

const nothing: Film = {
  phase: "none",
  name: "",
  size: 0,
  seconds: 0,
  width: 0,
  height: 0,
  sound: false,
  planned: false,
  ends_activity: false,
  begins_at: null,
  began_at: null,
  second: null,
  problem: null,
  upload: null,
  largest: 8e9,
};
const SIZE = 3 * PIECE + 5;
const file = new File([new Uint8Array(SIZE)], "短片.mp4");

afterEach(() => vi.restoreAllMocks());

/** A service that keeps what it is sent, and breaks the line where it is told to. */
function service(before: number, breaks: number[]): number[] {
  let received = before;
  let announced = before > 0;
  const offsets: number[] = [];
  const view = (): Film =>
    received === SIZE
      ? { ...nothing, phase: "ready", name: file.name, size: SIZE }
      : { ...nothing, upload: announced ? { name: file.name, size: SIZE, received } : null };
  vi.spyOn(api, "film").mockImplementation(() => Promise.resolve(view()));
  vi.spyOn(api, "announceFilm").mockImplementation(() => {
    announced = true;
    received = 0;
    return Promise.resolve(view());
  });
  vi.spyOn(api, "sendFilm").mockImplementation((_slug, offset, piece) => {
    offsets.push(offset);
    if (offset !== received) return Promise.reject(new ApiError(409, "wrong_offset", ""));
    const broken = breaks.indexOf(offsets.length - 1) >= 0;
    received += broken ? Math.floor(piece.size / 2) : piece.size;
    return broken ? Promise.reject(new ApiError(0, "network", "")) : Promise.resolve(view());
  });
  return offsets;
}

test("a file goes in pieces", async () => {
  const offsets = service(0, []);
  const told: number[] = [];
  const film = await sendFilm("j02", file, (bytes) => told.push(bytes) > 0, 0);
  expect(film.phase).toBe("ready");
  expect(offsets).toEqual([0, PIECE, 2 * PIECE, 3 * PIECE]);
  expect(told).toEqual([0, PIECE, 2 * PIECE, 3 * PIECE, SIZE]);
});

test("it goes on where a line broke, and where an earlier visit ended", async () => {
  const offsets = service(1000, [1]);
  await sendFilm("j02", file, () => true, 0);
  expect(offsets).toEqual([1000, 1000 + PIECE, 1000 + PIECE + PIECE / 2, 1000 + 2 * PIECE + PIECE / 2]);
});

test("another file begins at its beginning", () => {
  const film = { ...nothing, upload: { name: "短片.mp4", size: 9, received: 4 } };
  expect(resumeAt(film, file)).toBe(0);
  expect(resumeAt(film, { name: "短片.mp4", size: 9 })).toBe(4);
});

test("a refusal ends it, and who wants to stop is heard", async () => {
  service(0, []);
  vi.spyOn(api, "sendFilm").mockRejectedValue(new ApiError(400, "bad_file", "不是影片"));
  await expect(sendFilm("j02", file, () => true, 0)).rejects.toThrow("不是影片");
  const offsets = service(0, []);
  expect((await sendFilm("j02", file, (bytes) => bytes === 0, 0)).phase).toBe("none");
  expect(offsets).toEqual([0]);
});
