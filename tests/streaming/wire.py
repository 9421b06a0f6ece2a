"""A bad network between a peer and the relay: it loses, delays and reorders datagrams in both directions."""

import asyncio
import random
from typing import Any

from streaming.addresses import own_addresses


class Wire(asyncio.DatagramProtocol):
    """Passes datagrams between one peer and the relay. Checks and handshakes pass unharmed, media and feedback do not.

    `loss` is the share that gets lost in each direction; the rest arrives after `delay` seconds, and up to `jitter`
    seconds later, so that later ones overtake.
    """

    def __init__(self, relay: int, *, loss: float, delay: float = 0.02, jitter: float = 0.03, seed: int = 5) -> None:
        self.passed = self.lost = 0
        self._relay = relay
        self._loss = loss
        self._delay = delay
        self._jitter = jitter
        self._random = random.Random(seed)
        self._peer: Any = None
        self._near: asyncio.DatagramTransport
        self._far: asyncio.DatagramTransport

    async def open(self) -> "Wire":
        """Open both ends."""
        loop = asyncio.get_running_loop()
        self._near, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("0.0.0.0", 0))
        self._far, _ = await loop.create_datagram_endpoint(
            lambda: _Far(self), local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", self._relay)
        )
        return self

    def close(self) -> None:
        """Close both ends."""
        self._near.close()
        self._far.close()

    def rewrite(self, answer: str) -> str:
        """The answer with this wire's address in place of the relay's."""
        host = own_addresses()[1]  # a peer of aiortc takes no loopback address
        port = self._near.get_extra_info("sockname")[1]
        lines = answer.split("\r\n")
        candidate = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host"
        return "\r\n".join(candidate if line.startswith("a=candidate") else line for line in lines)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._peer = addr
        self._pass(data, lambda: self._far.sendto(data))

    def answered(self, data: bytes) -> None:
        """A datagram from the relay."""
        self._pass(data, lambda: self._near.sendto(data, self._peer))

    def _pass(self, data: bytes, act: Any) -> None:
        if data[0] < 128:
            act()
        elif self._random.random() < self._loss:
            self.lost += 1
        else:
            self.passed += 1
            later = self._delay + self._random.random() * self._jitter
            asyncio.get_running_loop().call_later(later, self._arrive, act)

    def _arrive(self, act: Any) -> None:
        if not self._near.is_closing():
            act()


class _Far(asyncio.DatagramProtocol):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._wire.answered(data)
