import { describe, expect, it } from "vitest";
import type { StreamMoment } from "../shared/protocol";
import { curves, HEIGHT, WIDTH } from "./streamChart";

const moments: StreamMoment[] = [
  [1000, 1_200_000, 25, null, 3],
  [1002, 600_000, 12.4, 0, 3],
  [1004, null, null, null, 3],
  [1006, 1_200_000, 25, 2.5, 4],
];

describe("the picture of the last ten minutes", () => {
  it("says each value in words, with its extremes", () => {
    const [bitrate, frames, loss, viewers] = curves(moments);
    expect(bitrate?.now).toBe("1.2 兆比特/秒");
    expect(bitrate?.range).toBe("最低 600 千比特/秒，最高 1.2 兆比特/秒");
    expect(frames?.range).toBe("最低 12 帧/秒，最高 25 帧/秒");
    expect(loss?.now).toBe("2.5%");
    expect(viewers?.now).toBe("4 路");
  });

  it("draws from zero to the highest value, the newest at the right edge, and breaks where nothing was sent", () => {
    const [bitrate] = curves(moments);
    expect(bitrate?.path.match(/M/g)).toHaveLength(2);
    expect(bitrate?.path.endsWith(`M${WIDTH}.0 1.0`)).toBe(true);
    expect(bitrate?.path).toContain(`${((HEIGHT - 2) / 2 + 1).toFixed(1)}`);
  });

  it("breaks at a gap in time, leaves out what is older, and bears an empty history", () => {
    const [, frames] = curves([[1, 1, 9, 0, 0], [500, 1, 9, 0, 0], [1000, 1, 9, 0, 0], [1002, 1, 9, 0, 0]]);
    expect(frames?.path.match(/[ML]/g)).toEqual(["M", "M", "L"]);
    expect(curves([]).map((curve) => curve.now)).toEqual(["无", "无", "无", "无"]);
  });
});
