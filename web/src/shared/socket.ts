import { io, type Socket } from "socket.io-client";
import { ref, type Ref } from "vue";

/** `refused`: the service does not let this connection in, and trying again would not help. */
export type Connection = "connecting" | "online" | "reconnecting" | "refused";

export interface Line {
  socket: Socket;
  connection: Ref<Connection>;
  /** The code with which the service refused this connection. */
  refusal: Ref<string>;
}

/** Refusals that pass: the service is coming back, or too many came at once. */
const PASSING: ReadonlySet<string> = new Set(["unavailable", "rate_limited"]);
const PAUSE = 5_000;

/** Opens a namespace. `auth` is asked anew at each reconnect, so that it can name the last entry that arrived. */
export function openLine(namespace: "/audience" | "/host", auth: () => Record<string, unknown>): Line {
  const connection = ref<Connection>("connecting");
  const refusal = ref("");
  const socket = io(namespace, {
    auth: (give) => give(auth()),
    // One round trip less than to begin with polling; where WebSocket is blocked, polling follows.
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    reconnectionDelay: 1_000,
    reconnectionDelayMax: 10_000,
  });
  socket.on("connect", () => {
    connection.value = "online";
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return;
    connection.value = "reconnecting";
    // The service ended it on purpose; Socket.IO leaves the next try to us, and the next answer may differ.
    if (reason === "io server disconnect") window.setTimeout(() => socket.connect(), PAUSE);
  });
  socket.on("connect_error", (error) => {
    // `active` is false when the namespace refused us, true when there was no line.
    if (socket.active) {
      connection.value = "reconnecting";
    } else if (PASSING.has(error.message)) {
      connection.value = "reconnecting";
      window.setTimeout(() => socket.connect(), PAUSE);
    } else {
      connection.value = "refused";
      refusal.value = error.message;
    }
  });
  return { socket, connection, refusal };
}
