"""Thousands of requests of one address wait for each other, and nobody else waits for them."""

import asyncio

import pytest

from server.errors import RateLimited
from server.http import turns as module
from server.http.turns import AT_ONCE, Turns


async def test_an_address_waits_for_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    turns, served, go_on = Turns(), list[str](), asyncio.Event()

    async def ask(address: str, name: str) -> None:
        async with turns.turn(address):
            served.append(name)
            await go_on.wait()

    flood = [asyncio.create_task(ask("a", f"a{number}")) for number in range(AT_ONCE + 10)]
    await asyncio.sleep(0)
    assert len(served) == AT_ONCE
    with pytest.raises(RateLimited):
        await ask("a", "one too many")
    other = asyncio.create_task(ask("b", "b"))
    await asyncio.sleep(0)
    assert served[-1] == "b"
    # Who leaves while he waits, or in the moment he is called, takes no place away.
    flood[AT_ONCE].cancel()
    await asyncio.sleep(0)
    go_on.set()
    flood[AT_ONCE + 1].cancel()
    await asyncio.gather(*flood, other, return_exceptions=True)
    assert served[AT_ONCE + 1 :] == [f"a{number}" for number in range(AT_ONCE + 2, AT_ONCE + 10)]
    assert turns.refused == 1
    assert turns._lines == {}


async def test_a_place_is_not_lost_with_whoever_leaves_as_he_is_called() -> None:
    turns = Turns()
    places = [turns.turn("a") for _ in range(AT_ONCE)]
    for place in places:
        await place.__aenter__()

    async def ask() -> None:
        async with turns.turn("a"):
            pass

    called, following = asyncio.create_task(ask()), asyncio.create_task(ask())
    await asyncio.sleep(0)
    await places[0].__aexit__(None, None, None)
    called.cancel()
    await asyncio.gather(called, following, return_exceptions=True)
    assert called.cancelled()
    assert following.exception() is None
    for place in places[1:]:
        await place.__aexit__(None, None, None)
    assert turns._lines == {}
