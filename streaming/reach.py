"""Whether what is advertised can be reached from here: a connectivity check to each address, over UDP and over TCP.

A check that comes back proves the address, the port and the firewall of this machine. One that does not may also mean a
router that does not lead its own public address back inside (no hairpin), so it is told and stops nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from aioice import stun

from streaming.ice import Address

TRIES = 3
PATIENCE = 0.5
"""Seconds for one check."""


@dataclass(frozen=True, slots=True)
class Reach:
    """One way to the relay, and whether an answer came back."""

    transport: str
    address: str
    port: int
    reached: bool


class Probe:
    """What the relay registers for checks from the service: credentials of which nothing else comes."""

    def __init__(self, password: str) -> None:
        self.addresses: list[Address] = []
        self._password = password

    def password_of(self, ufrag: str) -> str:
        return self._password

    def checked(self, address: Address, nominated: bool) -> None:
        """Being answered is all that it is for."""

    def holds(self, address: Address) -> bool:
        return False

    def dtls_received(self, data: bytes, address: Address) -> None:
        """Of no use."""

    rtp_received = rtcp_received = lambda self, size, now: None


def _request(ufrag: str, password: str) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:probe"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
    message.add_message_integrity(password.encode())
    return bytes(message)


async def check(addresses: Sequence[str], port: int, ufrag: str, password: str) -> list[Reach]:
    """Try each address over UDP and TCP, all at once."""
    ways = [(transport, address) for address in addresses for transport in ("UDP", "TCP")]
    tries = (_udp if transport == "UDP" else _tcp for transport, _ in ways)
    request = _request(ufrag, password)
    reached = await asyncio.gather(
        *(attempt(address, port, request) for attempt, (_, address) in zip(tries, ways, strict=True))
    )
    return [Reach(transport, address, port, ok) for (transport, address), ok in zip(ways, reached, strict=True)]


async def _udp(address: str, port: int, request: bytes) -> bool:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, (address, port))
            for _ in range(TRIES):
                await loop.sock_sendall(sock, request)
                try:
                    async with asyncio.timeout(PATIENCE):
                        return _is_answer(await loop.sock_recv(sock, 2048), request)
                except TimeoutError:
                    continue
    except OSError:
        pass
    return False


async def _tcp(address: str, port: int, request: bytes) -> bool:
    try:
        async with asyncio.timeout(TRIES * PATIENCE):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(len(request).to_bytes(2, "big") + request)
                size = int.from_bytes(await reader.readexactly(2), "big")
                return _is_answer(await reader.readexactly(size), request)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


def _is_answer(data: bytes, request: bytes) -> bool:
    return data[:2] == b"\x01\x01" and data[4:20] == request[4:20]


def sentences(found: Sequence[Reach], *, configured: bool) -> list[str]:
    """What an operator should know; nothing where all is well and somebody outside can come."""
    told = []
    failed = [way for way in found if not way.reached]
    if failed:
        ways = ", ".join(f"{way.transport} {way.address} port {way.port}" for way in failed)
        told.append(
            f"Media cannot be reached from this machine itself at: {ways}. Let it through the firewall and, behind "
            "NAT, forward the same number. If the router only refuses to lead its own address back inside, all is well."
        )
    if found and all(_is_private(way.address) for way in found):
        how = "It is what MINSHENG_PUBLIC_ADDRESS names." if configured else "Set MINSHENG_PUBLIC_ADDRESS."
        told.append(f"Only private addresses are advertised for media: nobody on the internet can watch. {how}")
    return told


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
