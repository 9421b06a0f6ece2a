"""The packets that are taken from clients: less than Socket.IO has.

python-socketio lets a client send the events that it raises itself, so that a stranger could call `connect` with an
environment of his own making, or `disconnect` again and again. And it gathers as many attachments of a binary event as
its head announces, up to ten thousand million: the memory of a service for a few bytes. Nobody here sends bytes.
"""

from typing import Any

from socketio import packet
from socketio.base_server import BaseServer


class TextPacket(packet.Packet):  # type: ignore[misc]  # python-socketio carries no types
    """A packet of text alone."""

    uses_binary_events = False

    def decode(self, encoded_packet: Any) -> int:
        """Take in what came. Raises ValueError for what is no packet of this protocol."""
        attachments = super().decode(encoded_packet)
        if attachments or self.packet_type in (packet.BINARY_EVENT, packet.BINARY_ACK):
            raise ValueError("nothing binary is taken")
        if self.packet_type == packet.EVENT:
            name = self.data[0] if isinstance(self.data, list) and self.data else None
            if not isinstance(name, str) or name in BaseServer.reserved_events:
                raise ValueError("no event of a client")
        return 0
