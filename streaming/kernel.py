"""`sendmmsg` and UDP segmentation, called through cffi in ABI mode: no compiler is needed on the machine.

One call hands many messages to the kernel (sendmmsg(2)); with `UDP_SEGMENT` one message becomes several datagrams of
one size, the last of which may be smaller (udp(7), Linux 4.18). Both are what makes a packet to a viewer cheap.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from cffi import FFI

SOL_UDP = 17
UDP_SEGMENT = 103
MAX_SEGMENTS = 64
"""Datagrams in one message (`UDP_MAX_SEGMENTS` of the kernels that introduced it)."""
MAX_MESSAGE = 65000
"""Bytes in one message: a UDP datagram's limit with room for headers."""

ffi = FFI()
ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; uint32_t msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen; int msg_flags;
    };
    struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
    struct cmsg_u16 { size_t cmsg_len; int cmsg_level; int cmsg_type; uint16_t value; uint8_t padding[6]; };
    int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
    """
)


def load() -> Any:
    """The C library, or None where it has no `sendmmsg`."""
    try:
        library: Any = ffi.dlopen(None)
        _ = library.sendmmsg
    except (OSError, AttributeError):
        return None
    return library


def can_segment(sock: socket.socket) -> bool:
    """Whether the kernel knows UDP_SEGMENT: it then reads back as 0, no size of its own."""
    try:
        return sock.getsockopt(SOL_UDP, UDP_SEGMENT) == 0
    except OSError:
        return False


SEGMENT_CONTROL_SIZE = 24
"""CMSG_SPACE(2) on a 64-bit machine."""


def segment_control() -> Any:
    """A control message that asks for segmentation; set `.value` to the size of a segment in bytes."""
    control: Any = ffi.new("struct cmsg_u16 *")
    control.cmsg_len = 18  # CMSG_LEN(2) on a 64-bit machine
    control.cmsg_level = SOL_UDP
    control.cmsg_type = UDP_SEGMENT
    return control


NAME_SIZE = 28
"""Bytes of a `struct sockaddr_in6`, the larger of the two."""


def pack_name(address: tuple[Any, ...], family: int) -> bytes:
    """A socket address as the kernel wants it, filled up to NAME_SIZE."""
    if family == socket.AF_INET6:
        host, port, flow, scope = address
        packed = struct.pack("=H", family) + struct.pack("!HI", port, flow)
        packed += socket.inet_pton(family, host.partition("%")[0]) + struct.pack("=I", scope)
        return packed
    host, port = address
    packed = struct.pack("=H", family) + struct.pack("!H", port) + socket.inet_pton(family, host)
    return packed.ljust(NAME_SIZE, b"\0")
