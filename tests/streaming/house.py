"""A relay in the test's own event loop: the real one, port and control socket included, with its insides in reach."""

import asyncio
import socket
from typing import Any, Literal

from streaming import sdp
from streaming.control import MAX_LINE, Client
from streaming.port import Port
from streaming.relay import Relay
from streaming.supervisor import Session
from tests.streaming.peers import Peer, Sender, offer


class House:
    """The relay, the service's end of its control socket, and the peers that a test let in."""

    def __init__(self, *, plain: bool = False, max_viewers: int = 1000) -> None:
        self.port = Port.bind(0, plain=plain)
        self.relay = Relay(self.port, ["127.0.0.1"], max_viewers=max_viewers)
        self.events: list[tuple[str, bool]] = []
        self.peers: list[Peer] = []
        self.client: Client
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> "House":
        """Start the relay; returns when it is ready."""
        ours, theirs = socket.socketpair()
        ready = asyncio.Event()

        def heard(message: dict[str, Any]) -> None:
            if message["event"] == "publisher":
                self.events.append((message["activity"], message["on_air"]))
            ready.set()

        self.client = Client(*await asyncio.open_connection(sock=ours, limit=MAX_LINE), heard)
        ends = await asyncio.open_connection(sock=theirs, limit=MAX_LINE)
        self._tasks = [asyncio.create_task(self.relay.run(*ends)), asyncio.create_task(self.client.run())]
        await ready.wait()
        return self

    async def close(self) -> None:
        """End the peers and the relay."""
        for peer in self.peers:
            await peer.vanish()
        self.client.close()
        await asyncio.wait_for(asyncio.gather(*self._tasks), 5)

    async def open(self, kind: Literal["publish", "watch"], text: str, **extra: Any) -> Session:
        """What the service does with the body of a POST."""
        sending = kind == "publish"
        parsed = sdp.parse_offer(text, sending=sending)
        extra = {"activity": "k04", **({"owner": "host"} if sending else {}), **extra}
        grant = sdp.Grant.from_json(await self.client.call(kind, offer=parsed.to_json(), **extra))
        return Session(grant.id, sdp.write_answer(parsed, grant, sending=sending), grant.ufrag, kind)

    async def publisher(self, *formats: int, owner: str = "host") -> Peer:
        """A publisher that has its keys and has sent nothing yet."""
        text = offer("sendonly", formats) if formats else offer("sendonly")
        return await self._connected(await self.open("publish", text, owner=owner), Peer())

    async def on_air(self, *formats: int) -> Sender:
        """A publisher whose first frame has arrived."""
        sender = Sender(await self.publisher(*formats))
        before = len(self.events)
        sender.frame(500, keyframe=True)
        await self.until(lambda: any(on_air for _, on_air in self.events[before:]))
        return sender

    async def viewer(self, *formats: int, peer: Peer | None = None, text: str | None = None) -> Peer:
        """A viewer that has its keys; `text` is its offer, where it is not the usual one."""
        text = text or (offer("recvonly", formats) if formats else offer("recvonly"))
        before = self.watching
        viewer = await self._connected(await self.open("watch", text), peer or Peer())
        await self.until(lambda: self.watching > before)
        return viewer

    @property
    def watching(self) -> int:
        """Viewers that receive."""
        return sum(len(broadcast.viewers) for broadcast in self.relay._broadcasts.values())

    async def _connected(self, session: Session, peer: Peer) -> Peer:
        peer.session = session
        self.peers.append(peer)
        return await peer.connect(session.sdp)

    async def until(self, condition: Any, seconds: float = 5) -> Any:
        """Wait until the condition gives something true, and return that."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                await asyncio.sleep(0.005)
        return found
