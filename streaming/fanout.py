"""The hot loop: a run of packets to every viewer of a lane.

Each viewer has keys of its own, so the SSRC, the sequence numbers and the timestamps can be the same for all: they are
the broadcast's. Viewers who also agreed on the same payload type make up a lane, for which the headers are written
once. What is left for each packet and viewer is one `srtp_protect`, done in place in the buffer that `sendmmsg` reads.
In a lane of viewers who changed layers the numbers differ, and are written over those of the viewer before.

A run is a list of packets of one size, of which the last may be smaller: one message that the kernel cuts into
datagrams. Nothing is allocated for a packet: pointers into the buffer (`layout.py`) are made once for each size.
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
from streaming.layout import Memory, Table
from streaming.packet import EXTENDED, HEADER, MAX_PACKET, NUMBERS, Packet, send_time

STRIDE_STEP = 64
"""Bytes to which the distance between two packets is rounded, so that there are few layouts."""
MAX_TABLES = 256
"""Tables that are kept, of some 50 kB each: frames are of a few sizes, but nobody promises that."""
PATIENCE = 2
"""Milliseconds to wait for a full send buffer before its packets are dropped."""


class Fanout:
    """Sends runs of packets from one socket. `drops` counts, by cause, datagrams that did not leave."""

    def __init__(self, sock: socket.socket, drops: Counter[str], *, plain: bool = False) -> None:
        self._socket = sock
        self._fd = sock.fileno()
        self._drops = drops
        self._library = None if plain else kernel.load()
        self.segmenting = self._library is not None and kernel.can_segment(sock)
        self._memory = Memory(NAME_SIZE if sock.family == socket.AF_INET6 else 16)
        self._tables: dict[tuple[int, int], Table] = {}
        """By stride and number of packets."""
        self._template = bytearray(MAX_MESSAGE + MAX_PACKET)
        self._template_pointer = ffi.from_buffer(self._template)
        self._sizes = ffi.new("int[]", MAX_SEGMENTS)
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
        table = self._tables.get((stride, count))
        if table is None:
            if len(self._tables) >= MAX_TABLES:
                self._tables.clear()
            table = self._tables[stride, count] = Table(self._memory, stride, count)
        octets = self._write_template(packets, start, end, lane, stride)
        viewers = len(lane)
        total = (count - 1) * stride + len(packets[end - 1].payload) + lane.header_size
        heads = [(slot * stride + 2, packets[start + slot]) for slot in range(count)] if lane.mixed else []
        self._protect_and_send(lane, count, total, table, heads)
        if lane.streams:
            self._send_streams(lane, table.rows[0], total, heads)
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
        self, lane: Lane, count: int, total: int, table: Table, heads: list[tuple[int, Packet]]
    ) -> None:
        memory, chunk = self._memory, table.viewers
        sizes = ffi.buffer(self._sizes, 4 * count)[:]
        first = 0
        for contexts in lane.rows(chunk, count):
            viewers = len(contexts) // count
            if heads:
                for target, numbers in zip(table.starts, lane.numbers[first : first + viewers], strict=False):
                    self._renumber(heads, numbers)
                    ffi.memmove(target, self._template_pointer, total)
            else:
                table.fill(self._template_pointer, total, viewers)
            ffi.memmove(memory.lengths, sizes * viewers, len(sizes) * viewers)
            # The loop over all packets of all these viewers is `map`'s: the interpreter takes no step in it.
            failed = sum(map(protect, contexts, table.packets, memory.length_pointers))
            if failed:
                self._encrypt_again(lane, first, viewers, total, table, heads)
            if not first:
                # What protection adds is the same for everyone with the same profile; a lane has one.
                lengths = list(memory.lengths[0 : viewers * count if failed else count])
                table.prepare([max(lengths[slot::count]) for slot in range(count)] if failed else lengths)
            ffi.memmove(memory.names, lane.names + first * NAME_SIZE, viewers * NAME_SIZE)
            self._write(table, viewers, count, lane, first)
            first += viewers

    def _send_streams(
        self, lane: Lane, row: list[tuple[Any, Any]], total: int, heads: list[tuple[int, Packet]]
    ) -> None:
        """The same packets to those behind TCP, one by one: they are few, and each has a connection of its own."""
        for context, connection, numbers in lane.streams.values():
            self._renumber(heads, numbers)
            ffi.memmove(row[0][0], self._template_pointer, total)
            ffi.memmove(self._memory.lengths, self._sizes, 4 * len(row))
            for packet, length in row:
                if protect(context, packet, length):
                    self._drops["protect"] += 1
                else:
                    connection.send(bytes(ffi.buffer(packet, length[0])))

    def _encrypt_again(
        self, lane: Lane, first: int, viewers: int, total: int, table: Table, heads: list[tuple[int, Packet]]
    ) -> None:
        """One of the viewers could not be encrypted for: find it, and let nothing in clear text leave."""
        for place, row in enumerate(table.rows[:viewers]):
            context = lane.contexts[first + place]
            if heads:
                self._renumber(heads, lane.numbers[first + place])
            target = row[0][0]
            ffi.memmove(target, self._template_pointer, total)
            ffi.memmove(row[0][1], self._sizes, 4 * len(row))
            if any(protect(context, packet, length) for packet, length in row):
                ffi.memmove(target, bytes(table.span), table.span)
                self._drops["protect"] += len(row)

    def _write(self, table: Table, count: int, segments: int, lane: Lane, first: int) -> None:
        messages, rows = table.messages, table.rows
        if self._library is None:
            for viewer in range(count):
                self._write_segments(lane.addresses[first + viewer], rows[viewer])
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

    def _write_segments(self, address: tuple[Any, ...], row: list[tuple[Any, Any]]) -> None:
        for packet, length in row:
            self.system_calls += 1
            try:
                self._socket.sendto(ffi.buffer(packet, length[0]), address)
            except BlockingIOError:
                self._drops["send buffer full"] += 1
            except OSError:
                self._drops["unreachable"] += 1
