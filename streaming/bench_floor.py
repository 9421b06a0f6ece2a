"""What this machine needs at least for a packet to a viewer: `srtp_protect`, and its share of a `sendmmsg`."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from pylibsrtp import Policy, Session

from streaming import kernel
from streaming.dtls import RTP_TRAILER, protect
from streaming.kernel import NAME_SIZE, ffi
from streaming.packet import HEADER, HEADER_SIZE


@dataclass(frozen=True, slots=True)
class Floor:
    """Microseconds of CPU for a packet."""

    protect: float
    send: float

    @property
    def total(self) -> float:
        return self.protect + self.send


def measure(sizes: list[int], *, viewers: int = 300, seconds: float = 2.0) -> Floor:
    """Encrypt and send payloads of these sizes in bytes to so many sockets, each with keys of its own.

    One `sendmmsg` takes each packet to all viewers, as plain datagrams, straight from C buffers: no headers to rewrite,
    no lists to keep. Raises OSError where the C library has no `sendmmsg`.
    """
    library = kernel.load()
    if library is None:
        raise OSError("this machine has no sendmmsg")
    outgoing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(viewers)]
    sessions = []
    for receiver in receivers:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        policy = Policy(
            key=os.urandom(44), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM
        )
        sessions.append(Session(policy))
    run = _Run(library, outgoing, receivers, [session._srtp[0] for session in sessions])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for size in sizes:
            run.packet(size)
        run.drain(receivers)
    for sock in (outgoing, *receivers):
        sock.close()
    return Floor(run.protecting / run.packets * 1e6, run.sending / run.packets * 1e6)


class _Run:
    def __init__(self, library: Any, outgoing: socket.socket, receivers: list[socket.socket], contexts: Any) -> None:
        self.packets = 0
        self.protecting = self.sending = 0.0
        self._library, self._fd, self._contexts = library, outgoing.fileno(), contexts
        count = len(receivers)
        self._stride = 1500
        self._buffer = ffi.new("char[]", count * self._stride)
        self._slots = [self._buffer + place * self._stride for place in range(count)]
        self._length = ffi.new("int *")
        self._vectors = ffi.new("struct iovec[]", count)
        self._messages = ffi.new("struct mmsghdr[]", count)
        self._names = ffi.new("char[]", count * NAME_SIZE)
        self._template = bytearray(HEADER_SIZE + 1500)
        self._from = ffi.from_buffer(self._template)
        self._sequence = 0
        for place, receiver in enumerate(receivers):
            name = kernel.pack_name(receiver.getsockname(), socket.AF_INET)
            ffi.memmove(self._names + place * NAME_SIZE, name, NAME_SIZE)
            self._vectors[place].iov_base = self._slots[place]
            header = self._messages[place].msg_hdr
            header.msg_name, header.msg_namelen = self._names + place * NAME_SIZE, 16
            header.msg_iov, header.msg_iovlen = self._vectors + place, 1

    def packet(self, size: int) -> None:
        """One packet to everyone."""
        self._sequence += 1
        HEADER.pack_into(self._template, 0, 0x80, 96, self._sequence & 0xFFFF, 9000, 7)
        total = HEADER_SIZE + size
        for slot in self._slots:
            ffi.memmove(slot, self._from, total)
        length = self._length
        began = time.thread_time()
        for context, slot in zip(self._contexts, self._slots, strict=True):
            length[0] = total
            protect(context, slot, length)
        between = time.thread_time()
        for vector in self._vectors:
            vector.iov_len = total + RTP_TRAILER
        prepared = time.thread_time()
        done, count = 0, len(self._slots)
        while done < count:
            sent = self._library.sendmmsg(self._fd, self._messages + done, count - done, 0)
            done += max(1, sent)
        self.protecting += between - began
        self.sending += time.thread_time() - prepared
        self.packets += count

    @staticmethod
    def drain(receivers: list[socket.socket]) -> None:
        """Empty the sockets, so that none is full; not part of the figures."""
        view = memoryview(bytearray(2048))
        for receiver in receivers:
            try:
                while True:
                    receiver.recv_into(view)
            except BlockingIOError:
                pass
