"""Viewers and publishers come and go: at the end there is as little as at the beginning."""

import asyncio
import gc
import os

import pytest

from streaming import peer
from streaming.publisher import Publisher
from streaming.viewer import Viewer
from tests.streaming.house import House
from tests.streaming.peers import Sender, offer


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


async def gone(house: House, session: str) -> None:
    await house.until(lambda: session not in house.relay._sessions)


async def test_who_left_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = await house.on_air()
    before = len(house.port._by_ufrag), len(house.port._by_address)
    viewers_before, publishers_before = alive(Viewer), alive(Publisher)
    tasks, descriptors = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))

    async def keep_sending() -> None:
        while True:
            sender.frame(100)
            await asyncio.sleep(0.1)

    sending = asyncio.create_task(keep_sending())
    for turn in range(3):
        viewers = [await house.viewer() for _ in range(6)]
        sender.frame(900, 200, keyframe=turn == 2)
        for number, viewer in enumerate(viewers):
            assert viewer.session is not None
            if number % 3 == 0:
                await viewer.close()
            elif number % 3 == 1:
                await house.client.call("end", session=viewer.session.id)
                await viewer.vanish()
            else:
                await viewer.vanish()
        # One that asks and never comes, and one whose credentials were renewed.
        monkeypatch.setattr(peer, "CONNECT_SECONDS", 0.2)
        late = await house.open("watch", offer("recvonly"))
        await house.client.call("patch", session=late.id, credentials=["new0", "n" * 22], if_match="*")
        await gone(house, late.id)
        monkeypatch.undo()
        before_it, sender = sender, Sender(await house.publisher())
        await before_it.peer.vanish()
        sender.frame(100, keyframe=True)
    house.peers = [sender.peer]
    monkeypatch.setattr(peer, "SILENCE_SECONDS", 0.8)

    await house.until(lambda: house.watching == 0 and not house.relay._closing)
    sending.cancel()
    await asyncio.wait([sending])
    assert (len(house.port._by_ufrag), len(house.port._by_address)) == before
    assert len(house.relay._sessions) == 1
    assert not any(
        len(lane) for track in house.relay._broadcasts["k04"].tracks.values() for lane in track._lanes.values()
    )
    del viewers, viewer, late, sending, before_it
    assert (alive(Viewer), alive(Publisher)) == (viewers_before, publishers_before)
    assert len(asyncio.all_tasks()) <= tasks
    assert len(os.listdir("/proc/self/fd")) <= descriptors
