import { Bell, OfferRefused, backoff, hangUp, negotiate, stateOf } from "./rtc";
import { playSegments } from "./segments";

/**
 * What a viewer is told. `absent`: nobody has published yet; `interrupted`: the session stands, no picture comes;
 * `unreachable`: several tries failed, and it goes on trying.
 */
export type WatchState = "connecting" | "playing" | "absent" | "interrupted" | "reconnecting" | "unreachable";

const TICK = 1_000;
const STALL = 2_500;
const DISCONNECTED_PATIENCE = 4_000;
const FIRST_PICTURE_PATIENCE = 10_000;
const NO_PICTURE_PATIENCE = 7_000;
/** A publisher who is back sends at once; a session that carries nothing by then belongs to a relay that is gone. */
const RETURN_PATIENCE = 2_000;
/** A lost session is opened anew at once, but not by a whole hall in the same instant. */
const MILL = 500;
const TRIES_BEFORE_FALLBACK = 3;
/** While nobody publishes, the news rings the bell; this is for a line that brings no news. */
const QUIET_PAUSE = 10_000;

interface Progress {
  bytes: number;
  frames: number;
  hasVideo: boolean;
}

async function progressOf(connection: RTCPeerConnection): Promise<Progress> {
  const progress: Progress = { bytes: 0, frames: 0, hasVideo: false };
  (await connection.getStats()).forEach((report: Record<string, unknown>) => {
    if (report["type"] !== "inbound-rtp") return;
    const bytes = Number(report["bytesReceived"] ?? 0);
    progress.bytes += bytes;
    if (report["kind"] !== "video") return;
    progress.frames += Number(report["framesDecoded"] ?? 0);
    progress.hasVideo ||= bytes > 0;
  });
  return progress;
}

/** Watches one activity in a `<video>`: joins, notices when the picture stops, and joins again until it is stopped. */
export class WhepViewer {
  private readonly bell = new Bell();
  private stopper: AbortController | null = null;
  /** What the service says about the publisher; null while it has not said anything. */
  private onAir: boolean | null = null;
  /** When the publisher came last. */
  private cameAt = 0;
  private everPlayed = false;
  /** Whether the picture is wanted; else only the sound is sent (省流量). */
  private picture = true;
  private address: string | null = null;
  /** Ends the playing of segments; null while it plays over WebRTC. */
  private segments: AbortController | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly slug: string,
    private readonly tell: (state: WatchState) => void,
  ) {}

  start(): void {
    if (this.stopper !== null) return;
    this.stopper = new AbortController();
    window.addEventListener("online", this.ring);
    document.addEventListener("visibilitychange", this.ring);
    // The first picture is told at once, not at the next tick.
    this.video.addEventListener("playing", this.ring);
    void this.run(this.stopper.signal);
  }

  stop(): void {
    this.stopper?.abort();
    this.stopper = null;
    window.removeEventListener("online", this.ring);
    document.removeEventListener("visibilitychange", this.ring);
    this.video.removeEventListener("playing", this.ring);
    this.video.srcObject = null;
    this.video.removeAttribute("src");
  }

  setOnAir(onAir: boolean | null): void {
    const came = onAir === true && this.onAir !== true;
    this.onAir = onAir;
    if (!came) return;
    this.cameAt = Date.now();
    this.bell.ring();
  }

  /** Asks for the sound alone, or for the picture again. */
  setPicture(picture: boolean): void {
    this.picture = picture;
    this.segments?.abort(); // they begin again, of the other kind
    if (this.address === null) return;
    const body = JSON.stringify({ on: picture });
    // A session that is lost meanwhile is opened anew with the wish in its address.
    void fetch(`${this.address}/picture`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body,
    }).catch(() => undefined);
  }

  private readonly ring = (): void => this.bell.ring();

  private async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    this.tell("connecting");
    while (!signal.aborted) {
      let pause: number;
      if (this.onAir === false) {
        this.tell(this.everPlayed ? "interrupted" : "absent");
        await this.bell.wait(QUIET_PAUSE, signal);
        if (signal.aborted) return;
      }
      try {
        if (typeof RTCPeerConnection === "undefined") {
          failures = TRIES_BEFORE_FALLBACK;
          throw new TypeError("no WebRTC");
        }
        const played = await this.session(signal);
        if (signal.aborted) return;
        failures = played ? 0 : failures + 1;
        this.tell("reconnecting");
        pause = played ? Math.random() * MILL : backoff(failures);
      } catch (error) {
        if (signal.aborted) return;
        const refused = error instanceof OfferRefused ? error : null;
        if (refused?.status === 409) {
          this.tell(this.everPlayed ? "interrupted" : "absent");
          pause = (refused.retryAfter ?? 5) * 1000;
        } else {
          // A relay that is full says so at once: the segments have room for everybody.
          failures = refused?.status === 503 ? TRIES_BEFORE_FALLBACK : failures + 1;
          this.tell(failures < TRIES_BEFORE_FALLBACK ? "reconnecting" : "unreachable");
          pause = Math.max((refused?.retryAfter ?? 0) * 1000, backoff(failures));
        }
      }
      if (failures >= TRIES_BEFORE_FALLBACK) {
        await this.playSegments(signal);
        if (signal.aborted) return;
        this.tell("reconnecting");
      }
      await this.bell.wait(pause, signal);
    }
  }

  private async playSegments(signal: AbortSignal): Promise<void> {
    let picture: boolean;
    do {
      picture = this.picture;
      const segments = (this.segments = new AbortController());
      const end = (): void => segments.abort();
      signal.addEventListener("abort", end);
      await playSegments(this.video, this.slug, picture, segments.signal, () => this.tell("playing"));
      signal.removeEventListener("abort", end);
      this.segments = null;
    } while (!signal.aborted && picture !== this.picture);
  }

  /** One session from the offer to its loss. Returns whether any picture or sound came through it. */
  private async session(signal: AbortSignal): Promise<boolean> {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    let session: string | null = null;
    const end = (): void => {
      connection.close();
      hangUp(session, null);
      session = this.address = null;
    };
    signal.addEventListener("abort", end);
    try {
      connection.addTransceiver("video", { direction: "recvonly" });
      connection.addTransceiver("audio", { direction: "recvonly" });
      const stream = new MediaStream();
      connection.ontrack = (event) => {
        stream.addTrack(event.track);
        // The last picture of the session before stays until here: frozen is calmer than black.
        if (this.video.srcObject !== stream) this.video.srcObject = stream;
        this.play();
      };
      const wish = this.picture ? "" : "?picture=off";
      session = await negotiate(connection, `/whep/${encodeURIComponent(this.slug)}${wish}`, null, signal);
      this.address = session;
      if (this.picture !== (wish === "")) this.setPicture(this.picture);
      return await this.untilLost(connection, signal);
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }

  private play(): void {
    // Muted playback may start by itself; where even that is refused, the button on the picture starts it.
    void this.video.play().catch(() => undefined);
  }

  private async untilLost(connection: RTCPeerConnection, signal: AbortSignal): Promise<boolean> {
    const since = Date.now();
    let [played, bytes, frames] = [false, 0, 0];
    let [lastBytes, lastFrames, lastConnected] = [since, since, since];
    while (!signal.aborted) {
      await this.bell.wait(TICK, signal);
      const state = stateOf(connection);
      if (signal.aborted || state === "failed" || state === "closed") return played;
      const now = Date.now();
      if (state !== "disconnected") lastConnected = now;
      if (now - lastConnected > DISCONNECTED_PATIENCE) return played;

      const progress = await progressOf(connection);
      if (progress.bytes > bytes) lastBytes = now;
      const shows = progress.hasVideo && this.picture ? progress.frames > frames : progress.bytes > bytes;
      if (shows) {
        lastFrames = now;
        played = true;
        this.everPlayed = true;
        this.tell("playing");
      }
      [bytes, frames] = [progress.bytes, progress.frames];

      const silence = now - lastBytes;
      // The publisher went away and the service said so: the session is good, and the picture comes back through it.
      if (this.onAir === false) {
        if (silence > STALL) this.tell("interrupted");
        continue;
      }
      if (silence > STALL && played) this.tell("reconnecting");
      const patience = played ? NO_PICTURE_PATIENCE : FIRST_PICTURE_PATIENCE;
      if (silence > patience) return played;
      if (this.cameAt > lastBytes && now - this.cameAt > RETURN_PATIENCE) return played;
      // Data comes and no picture: a browser that hides the page may stop decoding, so only a visible one counts.
      if (!document.hidden && now - lastFrames > 2 * patience) return played;
      if (document.hidden) lastFrames = now;
    }
    return played;
  }
}
