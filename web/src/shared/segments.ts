import type HlsPlayer from "hls.js";

/** After so long the direct way is tried again: the network may be another one by now. */
const TRY_AGAIN = 5 * 60_000;
const MEDIA_TYPE = "application/vnd.apple.mpegurl";

/** The same broadcast in segments over HTTP (HLS), for where WebRTC does not come through; some seconds behind. */
export function segmentsUrl(slug: string): string {
  return `/hls/${encodeURIComponent(slug)}/index.m3u8`;
}

/** The playlist that is there: the sound alone where that is wanted (省流量), else the whole; null where none is. */
async function playlistOf(slug: string, picture: boolean, signal: AbortSignal): Promise<string | null> {
  const whole = segmentsUrl(slug);
  const alone = `/hls/${encodeURIComponent(slug)}/sound/index.m3u8`;
  for (const url of picture ? [whole] : [alone, whole]) {
    try {
      if ((await fetch(url, { signal })).ok) return url;
    } catch {
      return null;
    }
  }
  return null;
}

/** Plays the segments; returns when they end, when `signal` says so, or when it is time to try the direct way again. */
export async function playSegments(
  video: HTMLVideoElement,
  slug: string,
  picture: boolean,
  signal: AbortSignal,
  onPlaying: () => void,
): Promise<void> {
  const url = await playlistOf(slug, picture, signal);
  if (url === null) return;
  let player: HlsPlayer | null = null;
  let broken: (() => void) | null = null;
  video.srcObject = null;
  // iPhones have no MediaSource and play it themselves. Chromium claims to, and gives up on a young playlist.
  if (video.canPlayType(MEDIA_TYPE) !== "" && !("MediaSource" in window)) {
    video.src = url;
  } else {
    // Only who needs it loads it.
    const { default: Hls } = await import("hls.js");
    if (!Hls.isSupported() || signal.aborted) return;
    player = new Hls({ liveSyncDurationCount: 2, maxBufferLength: 20, backBufferLength: 10 });
    player.on(Hls.Events.ERROR, (_, { fatal }) => {
      if (fatal) broken?.();
    });
    player.loadSource(url);
    player.attachMedia(video);
  }
  await new Promise<void>((resolve) => {
    broken = resolve;
    video.addEventListener("playing", onPlaying);
    for (const name of ["error", "ended"]) video.addEventListener(name, () => resolve(), { once: true });
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (typeof RTCPeerConnection !== "undefined") setTimeout(resolve, TRY_AGAIN);
    // Muted playback may start by itself; where even that is refused, the button on the picture starts it.
    video.play().catch(() => undefined);
  });
  video.removeEventListener("playing", onPlaying);
  player?.destroy();
  video.removeAttribute("src");
}
