"""Those who receive the same packets: one track, one payload type, one way of counting."""

from __future__ import annotations

from typing import Any

from streaming.kernel import NAME_SIZE, ffi
from streaming.packet import EXTENDED, HEADER_SIZE
from streaming.tcp import Connection, StreamAddress

Numbers = tuple[int, int]
"""What is added to a track's sequence numbers and timestamps for one viewer."""
UNCHANGED: Numbers = (0, 0)
KEPT_COUNT = 8
"""Packets of the longest run whose rows are kept: 300 bytes a viewer for all of them."""


class Lane:
    """Viewers of one track with one payload type and one offset of the sequence numbers.

    In a `mixed` lane each has numbers of its own. `extension` is the identifier of the header extension that says when
    a packet was sent (`abs-send-time`), 0 for none.
    """

    def __init__(
        self,
        *,
        ssrc: int,
        payload_type: int,
        offset: int = 0,
        shift: int = 0,
        extension: int = 0,
        mixed: bool = False,
    ) -> None:
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.offset = offset
        self.shift = shift
        self.extension = extension
        self.header_size = EXTENDED.size if extension else HEADER_SIZE
        self.mixed = mixed
        self.numbers: list[Numbers] = []
        self.contexts: list[Any] = []
        self.addresses: list[tuple[Any, ...]] = []
        self.streams: dict[object, tuple[Any, Connection, Numbers]] = {}
        """Members that are reached over TCP: their contexts, connections and numbers."""
        self.packets = 0
        self.octets = 0
        self._members: list[object] = []
        self._rows: dict[tuple[int, int], list[list[Any]]] = {}
        self._places: dict[object, int] = {}
        self._names = bytearray()
        self.names = ffi.from_buffer(self._names)

    def __len__(self) -> int:
        return len(self.contexts) + len(self.streams)

    def add(
        self, member: object, context: Any, address: tuple[Any, ...], name: bytes, numbers: Numbers = UNCHANGED
    ) -> None:
        """Let `member` receive what is sent from now on; `context` is its outgoing SRTP context."""
        if isinstance(address, StreamAddress):
            self.streams[member] = (context, address.connection, numbers)
            return
        self._rows.clear()
        self._places[member] = len(self.contexts)
        self._members.append(member)
        self.contexts.append(context)
        self.addresses.append(address)
        self.numbers.append(numbers)
        self._rename(len(self.contexts) - 1, name)

    def discard(self, member: object) -> None:
        """Stop sending to `member`, if it is here. The last one takes its place, so that it costs the same for all."""
        self.streams.pop(member, None)
        place = self._places.pop(member, None)
        if place is None:
            return
        self._rows.clear()
        last = len(self.contexts) - 1
        if place != last:
            self._members[place] = self._members[last]
            self._places[self._members[place]] = place
            self.contexts[place] = self.contexts[last]
            self.addresses[place] = self.addresses[last]
            self.numbers[place] = self.numbers[last]
            self._rename(place, bytes(self._names[last * NAME_SIZE : (last + 1) * NAME_SIZE]))
        del self._members[last], self.contexts[last], self.addresses[last], self.numbers[last]

    def move(self, member: object, address: tuple[Any, ...], name: bytes) -> None:
        """Send to another address from now on."""
        place = self._places.get(member)
        if place is not None and not isinstance(address, StreamAddress):
            self.addresses[place] = address
            self._rename(place, name)
        elif place is not None or member in self.streams:
            if place is not None:
                context, numbers = self.contexts[place], self.numbers[place]
            else:
                context, _, numbers = self.streams[member]
            self.discard(member)
            self.add(member, context, address, name, numbers)

    def rows(self, viewers: int, count: int) -> list[list[Any]]:
        """The contexts of so many viewers at a time, each as often as it has packets to be encrypted.

        Those of short runs are kept until somebody comes or goes.
        """
        rows = self._rows.get((viewers, count))
        if rows is None:
            each = self.contexts if count == 1 else [context for context in self.contexts for _ in range(count)]
            step = viewers * count
            rows = [each[place : place + step] for place in range(0, len(each), step)]
            if count <= KEPT_COUNT:
                self._rows[viewers, count] = rows
        return rows

    def _rename(self, place: int, name: bytes) -> None:
        if (place + 1) * NAME_SIZE > len(self._names):
            # A bytearray that C code points into cannot grow: make a larger one, twice the size each time.
            self._names = self._names.ljust(max(8 * NAME_SIZE, 2 * len(self._names)), b"\0")
            self.names = ffi.from_buffer(self._names)
        self._names[place * NAME_SIZE : (place + 1) * NAME_SIZE] = name
