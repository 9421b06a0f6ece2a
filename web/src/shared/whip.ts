import { Bell, OfferRefused, backoff, hangUp, negotiate, stateOf } from "./rtc";

/** `taken`: somebody with another key is publishing; `denied`: the key is no longer good. */
export type PublishState = "connecting" | "live" | "reconnecting" | "taken" | "denied" | "stopped";

const VIDEO_BITRATE = 1_800_000;
const AUDIO_BITRATE = 64_000;
/** From this height on three layers are sent, so that a slow phone has one that it can receive. */
const LAYERED_HEIGHT = 720;
const LAYERS: RTCRtpEncodingParameters[] = [
  { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "h", maxBitrate: VIDEO_BITRATE },
];

/** How a track is sent: a picture that is large enough in three layers (RFC 8853). */
export function encodingsOf(kind: string, height: number | undefined): RTCRtpEncodingParameters[] {
  if (kind !== "video") return [{ maxBitrate: AUDIO_BITRATE }];
  return (height ?? 0) >= LAYERED_HEIGHT ? LAYERS.map((layer) => ({ ...layer })) : [{ maxBitrate: VIDEO_BITRATE }];
}

const DISCONNECTED_PATIENCE = 4_000;

/** H.264 first (every browser, HLS and MP4 take it without transcoding), constrained baseline before the rest; then VP8. */
function preferred(): RTCRtpCodec[] {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const rank = (codec: RTCRtpCodec): number => {
    const type = codec.mimeType.toLowerCase();
    const line = codec.sdpFmtpLine ?? "";
    if (type === "video/h264") {
      if (!line.includes("packetization-mode=1")) return 2;
      return line.includes("profile-level-id=42e0") ? 0 : line.includes("profile-level-id=4200") ? 1 : 2;
    }
    if (type === "video/vp8") return 3;
    return type === "video/rtx" ? 4 : 9;
  };
  return codecs.filter((codec) => rank(codec) < 9).sort((a, b) => rank(a) - rank(b));
}

/** Publishes one stream to an activity until it is stopped; takes its place again after a lost line. */
export class WhipPublisher {
  private readonly bell = new Bell();
  private readonly stopper = new AbortController();

  constructor(
    private readonly slug: string,
    private readonly token: string,
    private readonly stream: MediaStream,
    private readonly tell: (state: PublishState) => void,
  ) {}

  start(): void {
    window.addEventListener("online", this.ring);
    void this.run();
  }

  stop(): void {
    window.removeEventListener("online", this.ring);
    this.stopper.abort();
  }

  private readonly ring = (): void => this.bell.ring();

  private async run(): Promise<void> {
    const { signal } = this.stopper;
    let failures = 0;
    this.tell("connecting");
    while (!signal.aborted) {
      try {
        const wasLive = await this.session(signal);
        failures = wasLive ? 1 : failures + 1;
      } catch (error) {
        if (error instanceof OfferRefused && [401, 403, 404, 409].includes(error.status)) {
          this.stop();
          this.tell(error.status === 409 ? "taken" : "denied");
          return;
        }
        failures += 1;
      }
      if (signal.aborted) break;
      this.tell("reconnecting");
      await this.bell.wait(backoff(failures), signal);
    }
    this.tell("stopped");
  }

  private async session(signal: AbortSignal): Promise<boolean> {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    let session: string | null = null;
    try {
      for (const track of this.stream.getTracks()) this.send(connection, track);
      session = await negotiate(connection, `/whip/${encodeURIComponent(this.slug)}`, this.token, signal);
      return await this.untilLost(connection, signal);
    } finally {
      connection.close();
      hangUp(session, this.token);
    }
  }

  private send(connection: RTCPeerConnection, track: MediaStreamTrack): void {
    const video = track.kind === "video";
    const transceiver = connection.addTransceiver(track, {
      direction: "sendonly",
      streams: [this.stream],
      sendEncodings: encodingsOf(track.kind, track.getSettings().height),
    });
    // `setCodecPreferences` is missing in older Firefox; the service then takes what is offered first.
    if (video && "setCodecPreferences" in transceiver) transceiver.setCodecPreferences(preferred());
  }

  private async untilLost(connection: RTCPeerConnection, signal: AbortSignal): Promise<boolean> {
    let live = false;
    const begun = Date.now();
    let lastGood = begun;
    while (!signal.aborted) {
      await this.bell.wait(500, signal);
      const state = stateOf(connection);
      const now = Date.now();
      if (signal.aborted || state === "failed" || state === "closed") return live;
      if (state === "connected" || state === "completed") {
        live = true;
        lastGood = now;
        this.tell("live");
      } else if (state === "disconnected") {
        this.tell("reconnecting");
      }
      if (now - lastGood > (live ? DISCONNECTED_PATIENCE : 10_000)) return live;
    }
    return live;
  }
}
