"""Relays, a clip, and an endpoint around the supervisor."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from streaming.clip import make_clip
from streaming.errors import RelayError
from streaming.publish import publish
from streaming.supervisor import PublisherChanged, RelayEvent, Supervisor
from tests.streaming.house import House
from tests.streaming.peers import Peer, offer


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A relay inside this process, for which a publisher on a busy machine is slow and not silent."""
    monkeypatch.setattr("streaming.publisher.QUIET_SECONDS", 30.0)
    house = await House().start()
    yield house
    await house.close()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of picture and sound."""
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    make_clip(path, seconds=2)
    return path


class Service:
    """A supervised relay with the thinnest WHIP endpoint in front of it."""

    def __init__(self) -> None:
        self.events: list[RelayEvent] = []
        self.supervisor = Supervisor(media_port=0, public_addresses=[], on_event=self.events.append)
        self.whip = ""
        self.viewers: list[Peer] = []
        self._publishing: asyncio.Task[None] | None = None

    async def publish(self, source: Path) -> "asyncio.Task[None]":
        """Start FFmpeg's muxer on a file that goes round; returns when its media arrive."""
        self._publishing = asyncio.create_task(publish(str(source), self.whip, "host", loop=True))
        await self.happened(PublisherChanged("k04", on_air=True))
        return self._publishing

    async def unpublish(self) -> None:
        """Stop it, if it runs."""
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.wait([self._publishing])

    async def watch(self) -> Peer:
        """A viewer that has its keys."""
        session = await self.supervisor.watch("k04", offer("recvonly"))
        viewer = await Peer().connect(session.sdp)
        viewer.session = session
        self.viewers.append(viewer)
        return viewer

    async def happened(self, event: RelayEvent, seconds: float = 15) -> None:
        """Wait for an event, and forget those before it."""
        async with asyncio.timeout(seconds):
            while event not in self.events:
                await asyncio.sleep(0.01)
        del self.events[: self.events.index(event) + 1]


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A relay in a process of its own."""
    service = Service()
    await service.supervisor.start()

    async def begin(request: web.Request) -> web.Response:
        try:
            session = await service.supervisor.publish(
                "k04", await request.text(), owner=request.headers["Authorization"]
            )
        except RelayError as error:
            return web.Response(status=400, text=str(error))
        return web.Response(
            status=201,
            text=session.sdp,
            content_type="application/sdp",
            headers={"Location": f"{request.path}/{session.id}"},
        )

    async def end(request: web.Request) -> web.Response:
        try:
            await service.supervisor.end(request.match_info["session"])
        except RelayError:
            return web.Response(status=404)
        return web.Response()

    app = web.Application()
    app.router.add_post("/whip", begin)
    app.router.add_delete("/whip/{session}", end)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    service.whip = f"http://{host}:{port}/whip"
    yield service
    await service.unpublish()
    for viewer in service.viewers:
        await viewer.vanish()
    await runner.cleanup()
    await service.supervisor.close()
