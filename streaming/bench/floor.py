"""What this machine needs at least for a packet to a viewer: `srtp_protect`, and its share of a `sendmmsg`.

It is measured twice. In a tight loop nothing leaves the caches, and nobody waits for what is sent. At the pace of a
broadcast, to sockets that another process reads meanwhile, the same calls cost what they cost a relay: caches that
others used in between, and the kernel's waking of who reads. `python -m streaming.bench.floor COUNT` is that process.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
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


def measure(
    sizes: Sequence[int], *, viewers: int = 300, seconds: float = 2.0, rounds_a_second: float | None = None
) -> Floor:
    """Encrypt and send payloads of these sizes in bytes, round by round, to so many sockets, each with its own keys.

    One `sendmmsg` takes each packet to all viewers, as plain datagrams, straight from C buffers: no headers to rewrite,
    no lists to keep. With `rounds_a_second` the rounds are paced and another process reads; else they follow each
    other and are read in between, which does not count. Raises OSError where the C library has no `sendmmsg`.
    """
    library = kernel.load()
    if library is None:
        raise OSError("this machine has no sendmmsg")
    with contextlib.ExitStack() as stack:
        outgoing = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        receivers = [] if rounds_a_second else [stack.enter_context(_receiver()) for _ in range(viewers)]
        ports = stack.enter_context(_readers(viewers)) if rounds_a_second else [r.getsockname()[1] for r in receivers]
        sessions = [Session(_policy()) for _ in range(viewers)]
        run = _Run(library, outgoing, ports, [session._srtp[0] for session in sessions])
        view = memoryview(bytearray(2048))
        began, rounds = time.monotonic(), 0
        while time.monotonic() < began + seconds:
            for size in sizes:
                run.packet(size)
            rounds += 1
            _drain(receivers, view)
            if rounds_a_second:
                time.sleep(max(0.0, began + rounds / rounds_a_second - time.monotonic()))
    return Floor(run.protecting / run.packets * 1e6, run.sending / run.packets * 1e6)


def _policy() -> Policy:
    profile = Policy.SRTP_PROFILE_AEAD_AES_256_GCM
    return Policy(key=os.urandom(44), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)


def _receiver() -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setblocking(False)
    return receiver


@contextlib.contextmanager
def _readers(count: int) -> Iterator[list[int]]:
    """Ports of so many sockets that another process reads as long as the context lasts."""
    command = [sys.executable, "-m", "streaming.bench.floor", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - this file
        if process.stdin is None or process.stdout is None:
            raise OSError("the readers have no pipes")
        yield [int(port) for port in process.stdout.readline().split()]
        process.stdin.close()


def main(count: int) -> None:
    """Read whatever comes until standard input ends."""
    selector = selectors.DefaultSelector()
    receivers = [_receiver() for _ in range(count)]
    for receiver in receivers:
        selector.register(receiver, selectors.EVENT_READ, [receiver])
    selector.register(sys.stdin, selectors.EVENT_READ, [])
    print(*(receiver.getsockname()[1] for receiver in receivers), flush=True)
    view = memoryview(bytearray(2048))
    while True:
        for key, _ in selector.select():
            if not key.data:
                return
            _drain(key.data, view)


class _Run:
    def __init__(self, library: Any, outgoing: socket.socket, ports: list[int], contexts: Any) -> None:
        self.packets = 0
        self.protecting = self.sending = 0.0
        self._library, self._fd, self._contexts = library, outgoing.fileno(), contexts
        count = len(ports)
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
        for place, port in enumerate(ports):
            name = kernel.pack_name(("127.0.0.1", port), socket.AF_INET)
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


def _drain(receivers: Sequence[socket.socket], view: memoryview) -> None:
    """Empty the sockets."""
    for receiver in receivers:
        with contextlib.suppress(BlockingIOError):
            while True:
                receiver.recv_into(view)


if __name__ == "__main__":
    main(int(sys.argv[1]))
