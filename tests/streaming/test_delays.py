"""Delays in steps, added up over processes."""

import asyncio

import pytest

from streaming.delays import BOUNDS, Delays
from tests.streaming.house import House


def test_each_delay_is_in_its_step() -> None:
    delays = Delays()
    for seconds in (0.0, 0.001, 0.0011, 0.02, 7.0):
        delays.add(seconds)
    assert delays.counts == [2, 1, 0, 0, 1, 0, 0, 0, 0, 1]
    assert len(delays.counts) == len(BOUNDS) + 1
    both = Delays()
    both.include(delays.as_dict())
    both.include(delays.as_dict())
    assert both.counts == [2 * count for count in delays.counts]
    assert both.seconds == pytest.approx(14.0442)


async def test_a_frame_counts_when_it_has_gone_out(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    before = sum(house.relay.delays.counts)
    for _ in range(10):
        sender.frame(1180, 1180, 300)
        await asyncio.sleep(0.01)
    sender.peer.send(sender.packet(b"\x41" + bytes(50), marker=False))  # its end never comes
    await viewer.until(lambda: viewer.payloads()[-1:] == [b"\x41" + bytes(50)])
    await house.until(lambda: sum(house.relay.delays.counts) >= before + 11)  # a frame in pieces counts for each
    assert not house.relay._broadcasts["k04"]._arrived
