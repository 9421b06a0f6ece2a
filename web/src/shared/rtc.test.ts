import { describe, expect, it } from "vitest";
import { iceServersOf } from "./rtc";

describe("the servers in a Link header", () => {
  it("reads STUN and TURN, each with what it needs", () => {
    const link =
      '<stun:stun.example.cn:3478>; rel="ice-server", <turn:turn.example.cn?transport=udp>; rel="ice-server"; ' +
      'username="1695800000:minsheng"; credential="a+b/c="; credential-type="password"';
    expect(iceServersOf(link)).toEqual([
      { urls: "stun:stun.example.cn:3478" },
      { urls: "turn:turn.example.cn?transport=udp", username: "1695800000:minsheng", credential: "a+b/c=" },
    ]);
  });

  it("passes over other links, and nothing at all", () => {
    expect(iceServersOf('<https://example.cn/sse>; rel="urn:ietf:params:whep:ext:x"')).toEqual([]);
    expect(iceServersOf('<stun:a.example>; rel=ice-server')).toEqual([{ urls: "stun:a.example" }]);
    expect(iceServersOf("nonsense;;; rel")).toEqual([]);
    expect(iceServersOf(null)).toEqual([]);
  });
});
