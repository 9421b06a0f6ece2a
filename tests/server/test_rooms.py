"""The room's own way to each socket, and the names of the libraries that it leans on."""

import asyncio
import json
import secrets

import aiohttp
import engineio
import socketio

from server.realtime.limits import DEVICE_SPEECH
from server.realtime.rooms import LONGEST_BACKLOG, DirectWebSocket, RoomManager, text_frame, use_direct_sockets
from tests.citizen import citizen, speech
from tests.service import ServiceProcess, Staff


def test_the_libraries_still_have_the_names() -> None:
    server = socketio.AsyncServer(async_mode="aiohttp", client_manager=RoomManager())
    use_direct_sockets(server)
    assert server.eio._async["websocket"] is DirectWebSocket
    assert engineio.async_drivers.aiohttp._async["websocket"] is not DirectWebSocket  # others keep theirs
    assert isinstance(server.eio.sockets, dict)
    assert callable(server._send_eio_packet)
    engine_socket = engineio.async_socket.AsyncSocket(server.eio, "sid")
    assert engine_socket.upgrading is False
    assert engine_socket.queue.empty()
    assert engine_socket._websocket_handler.__self__ is engine_socket


def test_frames_of_every_length() -> None:
    for length, head in ((0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)):
        frame = text_frame(b"x" * length)
        assert frame[0] == 0x81
        assert len(frame) == head + length
    assert int.from_bytes(text_frame(b"x" * 70_000)[2:10], "big") == 70_000


async def test_a_phone_that_polls_gets_what_the_others_get(service: ServiceProcess, admin: Staff) -> None:
    if (await admin.done("GET", "/api/v1/activities/k12"))["state"] != "live":
        await admin.done("POST", "/api/v1/activities/k12/state", {"state": "live"})
    polling = socketio.AsyncClient(handle_sigint=False)
    received: list[dict[str, object]] = []
    polling.on("comments", received.extend, namespace="/audience")
    auth = {"activity": "k12", "device": secrets.token_urlsafe(16)}
    await polling.connect(service.url, auth=auth, namespaces=["/audience"], transports=["polling"])
    author = await citizen(service.url, "k12").connect()
    posted = await author.call("comment", speech("大家都看得到"))
    async with asyncio.timeout(10):
        while not any(item["id"] == posted["id"] for item in received):
            await asyncio.sleep(0.05)
    await author.close()
    await polling.eio.disconnect(abort=True)  # a poll that waits would take 20 s to end by itself
    await polling.eio.wait()


class Line(asyncio.Transport):
    """A phone's line: what was written to it, and how much of that waits."""

    def __init__(self, waiting: int) -> None:
        super().__init__()
        self.waiting = waiting
        self.written: list[bytes] = []
        self.cut = False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.cut

    def abort(self) -> None:
        self.cut = True


async def test_a_line_with_too_much_waiting_is_cut_and_counted() -> None:
    manager = RoomManager()
    server = socketio.AsyncServer(async_mode="aiohttp", client_manager=manager, namespaces=["/audience"])
    lines = [Line(0), Line(LONGEST_BACKLOG + 1), Line(LONGEST_BACKLOG)]
    for number, line in enumerate(lines):
        engine_socket = engineio.async_socket.AsyncSocket(server.eio, f"engine{number}")
        engine_socket.transport_of_room = line
        server.eio.sockets[f"engine{number}"] = engine_socket
        sid = await manager.connect(f"engine{number}", "/audience")
        await manager.enter_room(sid, "/audience", "room")
    await manager.emit("comments", [{"text": "长"}], "/audience", room="room")
    assert [line.cut for line in lines] == [False, True, False]
    assert [len(line.written) for line in lines] == [1, 0, 1]
    assert manager.slow == 1


async def test_a_phone_that_does_not_read_holds_up_nobody(service: ServiceProcess, admin: Staff) -> None:
    await admin.done("POST", "/api/v1/activities/j02/state", {"state": "live"})
    authors = [await citizen(service.url, "j02").connect() for _ in range(20)]
    async with aiohttp.ClientSession(service.url, read_bufsize=1024) as session:
        deaf = await session.ws_connect("/socket.io/?EIO=4&transport=websocket")
        await deaf.receive_str()
        auth = json.dumps({"activity": "j02", "device": secrets.token_urlsafe(16)})
        await deaf.send_str(f"40/audience,{auth}")
        while not (await deaf.receive_str(timeout=10)).startswith("40/audience"):
            pass
        assert deaf._response.connection is not None
        assert deaf._response.connection.transport is not None
        deaf._response.connection.transport.pause_reading()  # a phone in a tunnel
        text = "长" * 1000
        rounds = int(DEVICE_SPEECH.burst)
        for _ in range(rounds):
            await asyncio.gather(*(author.call("comment", speech(text)) for author in authors))
        assert (await authors[0].call("resume", {"last": 0}))["ok"]
        deaf._response.close()  # it would not read the answer to a goodbye either
    for author in authors:
        await author.close()
