"""Media over TCP, for networks that block UDP: framing, limits, and a viewer that changes from one to the other."""

import asyncio
import socket

import pytest

from streaming import tcp
from streaming.errors import RelayError
from streaming.lane import Lane
from streaming.port import Port
from tests.streaming.house import House
from tests.streaming.peers import OPUS, Peer, Sender, offer, value


class _Framed(asyncio.DatagramTransport):
    """A TCP connection in a datagram transport's clothes (RFC 4571): what a `Peer` needs of one."""

    def __init__(self, peer: Peer, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self._peer = peer
        self.writer = writer

    def sendto(self, data: bytes, addr: object = None) -> None:  # type: ignore[override]
        self.writer.write(len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        self.writer.close()

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Hand on frames until the other side hangs up."""
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                self._peer.datagram_received(await reader.readexactly(size), None)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._peer.closed = True
            self._peer._news.set()


class StreamPeer(Peer):
    """A peer behind a network that lets no UDP through."""

    async def open(self, port: int) -> "StreamPeer":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        framed = _Framed(self, writer)
        self.transport = framed
        self.reading = asyncio.create_task(framed.read(reader))
        return self

    async def vanish(self) -> None:
        await super().vanish()
        self.reading.cancel()
        await asyncio.wait([self.reading])


def test_the_candidates_name_the_port_over_tcp_after_udp(house: House) -> None:
    lines = house.relay._candidates()
    assert [line.split()[2] for line in lines] == ["udp", "tcp"]
    assert lines[1].endswith("typ host tcptype passive")
    assert lines[0].split()[5] == lines[1].split()[5]
    assert int(lines[0].split()[3]) > int(lines[1].split()[3])


async def test_publisher_and_viewer_over_tcp_alone(house: House) -> None:
    session = await house.open("publish", offer("sendonly"), owner="host")
    publisher = StreamPeer()
    house.peers.append(publisher)
    await publisher.connect(session.sdp)
    sender = Sender(publisher)
    sender.frame(500, keyframe=True)
    await house.until(lambda: house.events[-1:] == [("k04", True)])

    viewer = StreamPeer()
    await house.viewer(peer=viewer)
    udp = await house.viewer()
    await viewer.until(lambda: len(viewer.rtp) == 2)
    sound = Sender(publisher, OPUS, 0x2222)
    for _ in range(30):
        sender.frame(1180, 1180, 300)
        sound.frame(160)
    await viewer.until(lambda: viewer.payloads() == sender.sent)
    await viewer.until(lambda: viewer.payloads(OPUS) == sound.sent)
    await udp.until(lambda: udp.payloads() == sender.sent)
    # Both ways pass feedback too, and the end of a session is the end of its connection.
    assert viewer.checks[0].attributes["XOR-MAPPED-ADDRESS"] == viewer.transport.writer.get_extra_info("sockname")  # type: ignore[attr-defined]
    assert session.id in house.relay._sessions
    await house.client.call("end_activity", activity="k04")
    await asyncio.wait_for(viewer.reading, 5)
    await house.until(lambda: len(house.port.listener) == 0)


async def test_a_viewer_changes_to_tcp_and_back(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    await viewer.until(lambda: len(viewer.rtp) == 2)
    assert viewer.session is not None
    ufrag, password = value(viewer.session.sdp, "ice-ufrag"), value(viewer.session.sdp, "ice-pwd")
    over_udp = viewer.transport

    reader, writer = await asyncio.open_connection("127.0.0.1", house.port.number)
    framed = _Framed(viewer, writer)
    reading = asyncio.create_task(framed.read(reader))
    viewer.transport = framed
    viewer.check(ufrag, password)
    await viewer.until(lambda: len(viewer.checks) == 2)
    over_udp.close()
    frame = sender.frame(800, 400)
    await viewer.until(lambda: viewer.payloads()[-2:] == frame)

    await viewer.open(house.port.number)
    viewer.check(ufrag, password)
    await viewer.until(lambda: len(viewer.checks) == 3)
    framed.close()
    await asyncio.wait_for(reading, 5)
    await house.until(lambda: len(house.port.listener) == 0)
    frame = sender.frame(700)
    await viewer.until(lambda: viewer.payloads()[-1:] == frame)
    viewer.closed = False


async def test_the_handshake_is_answered_where_it_came_from(house: House) -> None:
    """Checks over both ways, and the peer goes on by the second one without a nomination."""
    await house.on_air()
    session = await house.open("watch", offer("recvonly"))
    ufrag, password = value(session.sdp, "ice-ufrag"), value(session.sdp, "ice-pwd")
    first = await Peer().open(house.port.number)
    first.check(ufrag, password)
    await first.until(lambda: first.checks)
    viewer = StreamPeer()
    house.peers += [viewer]
    viewer.nominating = False
    await viewer.connect(session.sdp)
    await viewer.until(viewer.payloads)
    first.transport.close()


async def test_frames_may_come_in_pieces(house: House) -> None:
    await house.on_air()
    session = await house.open("watch", offer("recvonly"))
    peer = Peer()
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port.number)
    peer.transport = _Framed(peer, writer)
    request = peer.check(value(session.sdp, "ice-ufrag"), value(session.sdp, "ice-pwd"))
    again = bytes(request)
    for byte in len(again).to_bytes(2, "big") + again:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    for _ in range(2):
        size = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), 5), "big")
        assert (await reader.readexactly(size))[:2] == b"\x01\x01"
    writer.close()


@pytest.mark.parametrize(
    ("data", "cause"), [(b"\xff\xff", "tcp: frame too long"), (b"GET / HTTP/1.1\r\n\r\n", "tcp: frame too long")]
)
async def test_who_speaks_another_protocol_is_hung_up_on(house: House, data: bytes, cause: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port.number)
    writer.write(data)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    assert house.port.drops[cause] == 1
    writer.close()


async def test_who_shows_no_password_is_hung_up_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(tcp, "MAX_STRANGERS", 2)
    streams = [await asyncio.open_connection("127.0.0.1", house.port.number) for _ in range(3)]
    streams[0][1].write(b"\x00\x02hi")
    for reader, writer in streams:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()
    drops = house.port.drops
    assert (drops["tcp: too many connections"], drops["tcp: no check in time"], drops["unknown sender"]) == (1, 2, 1)
    assert len(house.port.listener) == 0


async def test_a_viewer_that_does_not_read_costs_a_bounded_queue(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer(peer=StreamPeer())
    quick = await house.viewer()
    await viewer.until(lambda: len(viewer.rtp) == 2)
    viewer.transport.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(60):
        sender.frame(*[1180] * 60)
        await quick.until(lambda: len(quick.payloads()) >= len(sender.sent))
    await house.until(lambda: house.port.drops["tcp: too slow"] > 0)
    (connection,) = house.port.listener._connections
    assert connection._transport is not None
    assert connection._transport.get_write_buffer_size() <= tcp.MAX_QUEUE
    viewer.transport.writer.transport.resume_reading()  # type: ignore[attr-defined]
    await house.until(lambda: connection._transport.get_write_buffer_size() == 0)
    frame = sender.frame(600)
    await viewer.until(lambda: viewer.payloads()[-1:] == frame)


def test_a_number_that_is_taken_over_tcp_is_told() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as taken:
        taken.bind(("::", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(RelayError, match=f"TCP port {number} cannot be used"):
            Port.bind(number)


def test_a_lane_counts_both_and_forgets_both() -> None:
    lane = Lane(ssrc=9, payload_type=96, offset=0)
    address = tcp.StreamAddress("192.0.2.1", 9, object())  # type: ignore[arg-type]
    lane.add("one", None, address, b"")
    lane.add("two", None, ("192.0.2.2", 9), bytes(28))
    assert (len(lane), len(lane.contexts)) == (2, 1)
    lane.move("one", ("192.0.2.1", 10), bytes(28))
    assert (len(lane), len(lane.contexts)) == (2, 2)
    lane.move("two", address, b"")
    assert lane.addresses == [("192.0.2.1", 10)]
    lane.move("stranger", address, b"")
    for member in ("one", "two"):
        lane.discard(member)
    assert len(lane) == 0
