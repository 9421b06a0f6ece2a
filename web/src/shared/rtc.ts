/** What the viewer's and the publisher's side of WebRTC over HTTP have in common. */

export const SDP = "application/sdp";

/** The service said no to an offer. */
export class OfferRefused extends Error {
  readonly status: number;
  /** Seconds, where the answer named them. */
  readonly retryAfter: number | null;

  constructor(status: number, retryAfter: number | null) {
    super(`offer refused: ${status}`);
    this.name = "OfferRefused";
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The STUN and TURN servers in an answer's `Link` header (RFC 9725 section 4.6). */
export function iceServersOf(link: string | null): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  for (const [, url, rest] of (link ?? "").matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+=(?:"[^"]*"|[^",;\s]*))*)/g)) {
    const values: Record<string, string> = {};
    for (const [, name, quoted, bare] of (rest ?? "").matchAll(/([\w-]+)=(?:"([^"]*)"|([^",;\s]*))/g)) {
      if (name !== undefined) values[name] = quoted ?? bare ?? "";
    }
    if (url === undefined || values["rel"] !== "ice-server") continue;
    const { username, credential } = values;
    servers.push(username === undefined ? { urls: url } : { urls: url, username, credential: credential ?? "" });
  }
  return servers;
}

/**
 * Sends the offer and applies the answer; returns the address of the session, which is deleted at the end.
 * No candidates are gathered first: the relay has one open port and learns our address from the first check.
 */
export async function negotiate(
  connection: RTCPeerConnection,
  url: string,
  token: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  const description = await connection.createOffer();
  const headers: Record<string, string> = { "Content-Type": SDP };
  if (token !== null) headers["Authorization"] = `Bearer ${token}`;
  const response = await fetch(url, { method: "POST", headers, body: description.sdp ?? "", signal });
  if (response.status !== 201) {
    const after = Number(response.headers.get("Retry-After") ?? "");
    throw new OfferRefused(response.status, after > 0 ? after : null);
  }
  const location = response.headers.get("Location");
  const session = location === null ? null : new URL(location, response.url || window.location.href).href;
  const answer = await response.text();
  if (signal.aborted) {
    hangUp(session, token);
    throw new DOMException("aborted", "AbortError");
  }
  // The servers are known only now, and have to be set before the local description begins to gather.
  const iceServers = iceServersOf(response.headers.get("Link"));
  if (iceServers.length > 0) connection.setConfiguration({ ...connection.getConfiguration(), iceServers });
  await connection.setLocalDescription(description);
  await connection.setRemoteDescription({ type: "answer", sdp: answer });
  return session;
}

/** Tells the relay that nobody is there any more; `keepalive` lets it out while the page goes away. */
export function hangUp(session: string | null, token: string | null): void {
  if (session === null) return;
  const headers: Record<string, string> = token === null ? {} : { Authorization: `Bearer ${token}` };
  void fetch(session, { method: "DELETE", headers, keepalive: true }).catch(() => undefined);
}

/** `connectionState` where the browser has it, the ICE state in those that do not. */
export function stateOf(connection: RTCPeerConnection): string {
  return (connection.connectionState as string | undefined) ?? connection.iceConnectionState;
}

/** A wait that ends early when somebody rings or the owner stops. */
export class Bell {
  private ringing: (() => void) | null = null;

  ring(): void {
    this.ringing?.();
  }

  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        window.clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.ringing = null;
        resolve();
      };
      const timer = window.setTimeout(done, milliseconds);
      this.ringing = done;
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    });
  }
}

/** 1, 2, 4, 8, 15 s and up to half as much again, so that a hall full of viewers does not come back in one instant. */
export function backoff(failures: number): number {
  return Math.min(15_000, 1000 * 2 ** Math.max(0, failures - 1)) * (1 + Math.random() / 2);
}
