"""Where packets lie in the buffer that `sendmmsg` reads: pointers, I/O vectors and messages, made once for a size."""

from __future__ import annotations

from typing import Any

from streaming import kernel
from streaming.kernel import NAME_SIZE, ffi

CHUNK = 32
"""Viewers in one system call."""
BUFFER = 256 * 1024
"""Bytes protected between two system calls: they should stay in the second-level cache."""


class Memory:
    """The C memory of one fan-out, which all tables point into."""

    def __init__(self, name_size: int) -> None:
        self.name_size = name_size
        self.buffer = ffi.new("char[]", BUFFER + kernel.MAX_MESSAGE)
        self.lengths = ffi.new("int[]", CHUNK * kernel.MAX_SEGMENTS)
        """Of each packet in the buffer; encryption makes them longer."""
        self.length_pointers = [self.lengths + place for place in range(CHUNK * kernel.MAX_SEGMENTS)]
        self.names = ffi.new("char[]", CHUNK * NAME_SIZE)
        """Socket addresses of the viewers of one system call."""


class Table:
    """`viewers` messages of `count` packets that are `stride` bytes apart."""

    def __init__(self, memory: Memory, stride: int, count: int) -> None:
        self.span = count * stride
        """Bytes from one viewer to the next."""
        self.viewers = max(1, min(CHUNK, BUFFER // self.span))
        self.packets = [memory.buffer + place * stride for place in range(self.viewers * count)]
        """All packets in a row, viewer by viewer."""
        self.starts = self.packets[::count]
        both = list(zip(self.packets, memory.length_pointers, strict=False))
        self.rows = [both[place : place + count] for place in range(0, len(both), count)]
        """Each viewer's packets, with where their lengths stand."""
        self.messages = ffi.new("struct mmsghdr[]", self.viewers)
        self._count = count
        self._vectors = ffi.new("struct iovec[]", len(self.packets))
        self._control = kernel.segment_control()
        self._lengths = [0] * count
        for place, packet in enumerate(self.packets):
            self._vectors[place].iov_base = packet
        for viewer in range(self.viewers):
            header = self.messages[viewer].msg_hdr
            header.msg_name = memory.names + viewer * NAME_SIZE
            header.msg_namelen = memory.name_size
            header.msg_iov = self._vectors + viewer * count
            header.msg_iovlen = count
            if count > 1:
                header.msg_control = self._control
                header.msg_controllen = kernel.SEGMENT_CONTROL_SIZE

    def prepare(self, lengths: list[int]) -> None:
        """Let each viewer's packets have these lengths in bytes: most runs are like the one before in most of them."""
        vectors, count = self._vectors, self._count
        for slot, length in enumerate(lengths):
            if self._lengths[slot] != length:
                for place in range(slot, len(self.packets), count):
                    vectors[place].iov_len = length
        self._lengths = lengths
        self._control.value = lengths[0]

    def fill(self, template: Any, size: int, viewers: int) -> None:
        """Copy `size` bytes to the first `viewers`: to the first one, then twice as many with each copy."""
        starts, span = self.starts, self.span
        ffi.memmove(starts[0], template, size)
        done = 1
        while done < viewers:
            more = min(done, viewers - done)
            ffi.memmove(starts[done], starts[0], more * span)
            done += more
