"""A camera that speaks RTSP (RFC 2326): one picture, H.264, interleaved in the control connection."""

import asyncio
import contextlib
import itertools
from struct import pack

from tests.hls.test_packaging import fragments, units_of

PAYLOAD_TYPE, CLOCK, LARGEST = 96, 90_000, 1_200
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
    f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK}\r\n"
    f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1\r\na=control:track1\r\n"
)


class Camera:
    """Sends its pictures (second, access unit) round and round, to each client from the first one on."""

    def __init__(self, pictures: list[tuple[float, bytes]]) -> None:
        self._pictures = pictures
        self._clients: set[asyncio.Task[None]] = set()
        self.requests: list[str] = []
        self.url = ""
        self._server: asyncio.Server

    async def start(self) -> "Camera":
        """Listen."""
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.url = f"rtsp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/stream1"
        return self

    async def cut(self) -> None:
        """Drop every client, as a camera does that loses its power."""
        for task in list(self._clients):
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def close(self) -> None:
        """Hang up, and listen no longer."""
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        playing: asyncio.Task[None] | None = None
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                # What a player reports (RTCP) comes interleaved as well: `$`, channel, length.
                while head[:1] == b"$":
                    head = head[4 + int.from_bytes(head[2:4]) :]
                lines = head.decode().split("\r\n")
                method = lines[0].split(" ")[0]
                self.requests.append(method)
                headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
                status, extra, body = self._answer(method, headers)
                extra += f"CSeq: {headers['cseq']}\r\nContent-Length: {len(body)}\r\n"
                writer.write(f"RTSP/1.0 {status}\r\n{extra}\r\n{body}".encode())
                if method == "PLAY":
                    playing = asyncio.create_task(self._play(writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if playing is not None:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
            self._clients.discard(task)
            writer.transport.abort()

    def _answer(self, method: str, headers: dict[str, str]) -> tuple[str, str, str]:
        match method:
            case "OPTIONS":
                return "200 OK", "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""
            case "DESCRIBE":
                return "200 OK", f"Content-Type: application/sdp\r\nContent-Base: {self.url}/\r\n", SDP
            case "SETUP" if "TCP" in headers["transport"]:
                return "200 OK", "Session: 7\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", ""
            case "SETUP":
                return "461 Unsupported Transport", "", ""
            case "PLAY":
                return "200 OK", "Session: 7\r\nRange: npt=0-\r\n", ""
            case _:
                return "200 OK", "Session: 7\r\n", ""

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        numbers, length = itertools.count(), self._pictures[-1][0] + 0.04
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with contextlib.suppress(ConnectionError):
            for turn in itertools.count():
                for at, data in self._pictures:
                    await asyncio.sleep(begun + turn * length + at - loop.time())
                    units = units_of(data)
                    payloads = [p for u in units for p in (fragments(u, LARGEST - 100) if len(u) > LARGEST else [u])]
                    stamp = round((turn * length + at) * CLOCK) & 0xFFFFFFFF
                    for place, payload in enumerate(payloads):
                        kind = PAYLOAD_TYPE | 0x80 * (place == len(payloads) - 1)
                        packet = pack("!BBHII", 0x80, kind, next(numbers) & 0xFFFF, stamp, 0x77) + payload
                        writer.write(b"$\x00" + len(packet).to_bytes(2) + packet)
                    await writer.drain()
