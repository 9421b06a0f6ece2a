"""The hot loop: a run of packets to every viewer of a lane.

Each viewer has keys of its own, so the SSRC, the sequence numbers and the timestamps can be the same for all: they are
the broadcast's. Viewers who also agreed on the same payload type make up a lane, for which the headers are written
once. What is left for each packet and viewer is one `srtp_protect`, done in place in the buffer that `sendmmsg` reads.
In a lane of viewers who changed layers the numbers differ, and are written over those of the viewer before.

A run is a list of packets of one size, of which the last may be smaller: one message that the kernel cuts into
datagrams. Nothing is allocated for a packet: pointers into the buffer are made once for each stride.
"""

from __future__ import annotations

import errno
import select
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Any

from streaming import kernel
from streaming.dtls import RTP_TRAILER, protect
from streaming.kernel import MAX_MESSAGE, MAX_SEGMENTS, NAME_SIZE, ffi
from streaming.lane import Lane, Numbers
from streaming.packet import EXTENDED, HEADER, MAX_PACKET, NUMBERS, Packet, send_time

CHUNK = 32
"""Viewers in one system call."""
BUFFER = 256 * 1024
"""Bytes protected between two system calls: they should stay in the second-level cache."""
STRIDE_STEP = 64
"""Bytes to which the distance between two packets is rounded, so that there are few layouts."""
PATIENCE = 2
"""Milliseconds to wait for a full send buffer before its packets are dropped."""


Table = tuple[list[Any], list[list[tuple[Any, Any]]], list[Any], Any, Any]
"""Where each viewer begins, each viewer's packets and their lengths, all packets in a row, I/O vectors, messages."""


class _Layout:
    """Where packets lie in the buffer when they are `stride` bytes apart: their pointers and I/O vectors."""

    def __init__(self, buffer: Any, lengths: list[Any], names: Any, stride: int) -> None:
        self.stride = stride
        self._buffer = buffer
        self._lengths = lengths
        self._names = names
        self._tables: dict[int, Table] = {}

    def table(self, count: int) -> Table:
        """For messages of `count` packets."""
        table = self._tables.get(count)
        if table is None:
            table = self._tables[count] = self._make(count)
        return table

    def _make(self, count: int) -> Table:
        viewers = max(1, min(CHUNK, BUFFER // (count * self.stride)))
        pointers = [self._buffer + place * self.stride for place in range(viewers * count)]
        both = list(zip(pointers, self._lengths, strict=False))
        rows = [both[viewer * count : (viewer + 1) * count] for viewer in range(viewers)]
        vectors = ffi.new("struct iovec[]", viewers * count)
        messages = ffi.new("struct mmsghdr[]", viewers)
        for place, pointer in enumerate(pointers):
            vectors[place].iov_base = pointer
        for viewer in range(viewers):
            header = messages[viewer].msg_hdr
            header.msg_name = self._names + viewer * NAME_SIZE
            header.msg_iov = vectors + viewer * count
            header.msg_iovlen = count
        return pointers[::count], rows, pointers, vectors, messages


class Fanout:
    """Sends runs of packets from one socket. `drops` counts, by cause, datagrams that did not leave."""

    def __init__(self, sock: socket.socket, drops: Counter[str], *, plain: bool = False) -> None:
        self._socket = sock
        self._fd = sock.fileno()
        self._drops = drops
        self._library = None if plain else kernel.load()
        self.segmenting = self._library is not None and kernel.can_segment(sock)
        self._name_size = NAME_SIZE if sock.family == socket.AF_INET6 else 16
        self._control = kernel.segment_control()
        self._buffer = ffi.new("char[]", BUFFER + MAX_MESSAGE)
        self._view = ffi.buffer(self._buffer)
        self._lengths = ffi.new("int[]", CHUNK * MAX_SEGMENTS)
        self._length_pointers = [self._lengths + place for place in range(CHUNK * MAX_SEGMENTS)]
        self._names = ffi.new("char[]", CHUNK * NAME_SIZE)
        self._template = bytearray(MAX_MESSAGE + MAX_PACKET)
        self._template_pointer = ffi.from_buffer(self._template)
        self._sizes = ffi.new("int[]", MAX_SEGMENTS)
        self._layouts: dict[int, _Layout] = {}
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)
        self.packets = 0
        self.octets = 0
        self.system_calls = 0

    def send(self, packets: Sequence[Packet], lane: Lane) -> None:
        """Send the packets, in this order, to every viewer of the lane."""
        if not len(lane):
            return
        start = 0
        while start < len(packets):
            end = self._run(packets, start)
            self._send_run(packets, start, end, lane)
            start = end

    def _run(self, packets: Sequence[Packet], start: int) -> int:
        """The end of the longest run from `start`: equal sizes, then at most one that is smaller."""
        size = len(packets[start].payload)
        if not self.segmenting:
            return start + 1
        stride = size + EXTENDED.size + RTP_TRAILER + STRIDE_STEP
        limit = min(len(packets), start + min(MAX_SEGMENTS, MAX_MESSAGE // stride))
        end = start + 1
        while end < limit:
            other = len(packets[end].payload)
            if other > size:
                break
            end += 1
            if other < size:
                break
        return end

    def _write_template(self, packets: Sequence[Packet], start: int, end: int, lane: Lane, stride: int) -> int:
        template, sizes, extension = self._template, self._sizes, lane.extension
        head = lane.header_size
        position = octets = 0
        for slot in range(end - start):
            packet = packets[start + slot]
            payload = packet.payload
            second = lane.payload_type | 0x80 if packet.marker else lane.payload_type
            sequence = (packet.sequence + lane.offset) & 0xFFFF
            timestamp = (packet.timestamp + lane.shift) & 0xFFFFFFFF
            if extension:
                element = extension << 28 | 2 << 24 | send_time(packet.arrived)
                EXTENDED.pack_into(template, position, 0x90, second, sequence, timestamp, lane.ssrc, 0xBEDE, 1, element)
            else:
                HEADER.pack_into(template, position, 0x80, second, sequence, timestamp, lane.ssrc)
            template[position + head : position + head + len(payload)] = payload
            sizes[slot] = head + len(payload)
            octets += len(payload)
            position += stride
        return octets

    def _send_run(self, packets: Sequence[Packet], start: int, end: int, lane: Lane) -> None:
        count = end - start
        largest = len(packets[start].payload) + lane.header_size + RTP_TRAILER
        stride = -(-largest // STRIDE_STEP) * STRIDE_STEP
        layout = self._layouts.get(stride)
        if layout is None:
            layout = self._layouts[stride] = _Layout(self._buffer, self._length_pointers, self._names, stride)
        octets = self._write_template(packets, start, end, lane, stride)
        table = layout.table(count)
        viewers = len(lane)
        total = (count - 1) * stride + len(packets[end - 1].payload) + lane.header_size
        heads = [(slot * stride + 2, packets[start + slot]) for slot in range(count)] if lane.mixed else []
        self._protect_and_send(lane, count, total, stride, table, heads)
        if lane.streams:
            self._send_streams(lane, table[0][0], table[1][0], total, heads)
        lane.packets += count
        lane.octets += octets
        self.packets += count * viewers
        self.octets += octets * viewers

    def _renumber(self, heads: list[tuple[int, Packet]], numbers: Numbers) -> None:
        """Write one viewer's own numbers into the headers."""
        template, (offset, shift) = self._template, numbers
        for position, packet in heads:
            sequence, timestamp = (packet.sequence + offset) & 0xFFFF, (packet.timestamp + shift) & 0xFFFFFFFF
            NUMBERS.pack_into(template, position, sequence, timestamp)

    def _protect_and_send(
        self, lane: Lane, count: int, total: int, stride: int, table: Table, heads: list[tuple[int, Packet]]
    ) -> None:
        starts, rows, pointers, vectors, messages = table
        template, chunk = self._template_pointer, len(starts)
        sizes = ffi.buffer(self._sizes, 4 * count)[:]
        prepared = False
        for first in range(0, len(lane.contexts), chunk):
            contexts = lane.contexts[first : first + chunk]
            numbers = lane.numbers[first : first + chunk]
            viewers = len(contexts)
            for place, target in enumerate(starts[:viewers]):
                if heads:
                    self._renumber(heads, numbers[place])
                ffi.memmove(target, template, total)
            ffi.memmove(self._lengths, sizes * viewers, 4 * count * viewers)
            # The loop over all packets of all these viewers is `map`'s: the interpreter takes no step in it.
            each = contexts if count == 1 else [context for context in contexts for _ in range(count)]
            if sum(map(protect, each, pointers, self._length_pointers)):
                self._encrypt_again(contexts, numbers, starts, rows, total, count * stride, heads)
            # What protection adds is the same for everyone with the same profile; a lane has one.
            if not prepared:
                prepared = self._prepare(vectors, messages, count, min(chunk, len(lane.contexts)))
            ffi.memmove(self._names, lane.names + first * NAME_SIZE, viewers * NAME_SIZE)
            self._write(messages, viewers, count, lane, first, rows)

    def _send_streams(
        self, lane: Lane, target: Any, row: list[tuple[Any, Any]], total: int, heads: list[tuple[int, Packet]]
    ) -> None:
        """The same packets to those behind TCP, one by one: they are few, and each has a connection of its own."""
        for context, connection, numbers in lane.streams.values():
            self._renumber(heads, numbers)
            ffi.memmove(target, self._template_pointer, total)
            ffi.memmove(self._lengths, self._sizes, 4 * len(row))
            for packet, length in row:
                if protect(context, packet, length):
                    self._drops["protect"] += 1
                else:
                    connection.send(bytes(ffi.buffer(packet, length[0])))

    def _prepare(self, vectors: Any, messages: Any, count: int, viewers: int) -> bool:
        lengths = self._lengths[0:count]
        segmented = count > 1
        if segmented:
            self._control.value = lengths[0]
        for viewer in range(viewers):
            for slot in range(count):
                vectors[viewer * count + slot].iov_len = lengths[slot]
            header = messages[viewer].msg_hdr
            header.msg_namelen = self._name_size
            header.msg_control = self._control if segmented else ffi.NULL
            header.msg_controllen = 24 if segmented else 0
        return True

    def _encrypt_again(
        self,
        contexts: list[Any],
        numbers: list[Numbers],
        starts: list[Any],
        rows: Any,
        total: int,
        room: int,
        heads: list[tuple[int, Packet]],
    ) -> None:
        """One of the viewers could not be encrypted for: find it, and let nothing in clear text leave."""
        for place, (context, target, row) in enumerate(zip(contexts, starts, rows, strict=False)):
            if heads:
                self._renumber(heads, numbers[place])
            ffi.memmove(target, self._template_pointer, total)
            ffi.memmove(row[0][1], self._sizes, 4 * len(row))
            if any(protect(context, packet, length) for packet, length in row):
                ffi.memmove(target, bytes(room), room)
                self._drops["protect"] += len(row)

    def _write(self, messages: Any, count: int, segments: int, lane: Lane, first: int, rows: Any) -> None:
        if self._library is None:
            self._write_plainly(count, lane, first, rows)
            return
        done = 0
        waited = False
        while done < count:
            self.system_calls += 1
            sent = self._library.sendmmsg(self._fd, messages + done, count - done, socket.MSG_DONTWAIT)
            if sent > 0:
                done += sent
                continue
            code = ffi.errno
            if code in (errno.EAGAIN, errno.ENOBUFS) and not waited:
                waited = True
                self._poll.poll(PATIENCE)
                continue
            if code == errno.EINTR:
                continue
            if code in (errno.EAGAIN, errno.ENOBUFS):
                self._drops["send buffer full"] += (count - done) * segments
                return
            if segments > 1 and code in (errno.EINVAL, errno.EIO, errno.EMSGSIZE):
                # The way to this viewer takes no segments of this size (a smaller MTU, no checksum offload).
                self._write_segments(lane.addresses[first + done], rows[done])
            else:
                self._drops["unreachable"] += segments
            done += 1

    def _write_plainly(self, count: int, lane: Lane, first: int, rows: Any) -> None:
        for viewer in range(count):
            self._write_segments(lane.addresses[first + viewer], rows[viewer])

    def _write_segments(self, address: tuple[Any, ...], row: list[tuple[Any, Any]]) -> None:
        for packet, length in row:
            self.system_calls += 1
            try:
                self._socket.sendto(ffi.buffer(packet, length[0]), address)
            except BlockingIOError:
                self._drops["send buffer full"] += 1
            except OSError:
                self._drops["unreachable"] += 1
