"""What is read once for all who ask at the same time."""

import asyncio

import pytest

from server.memo import Memo


class Source:
    """Something that takes a moment to read, and may fail."""

    def __init__(self) -> None:
        self.value = 1
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = 0.0

    async def read(self, key: str) -> str:
        value = self.value
        await self.gate.wait()
        if self.fails:
            raise OSError("away")
        return f"{key}{value}"

    def memo(self, capacity: int = 10) -> Memo[str, str]:
        return Memo(self.read, lifetime=1.0, capacity=capacity, clock=lambda: self.now)


async def test_all_who_ask_meanwhile_share_one_look() -> None:
    source = Source()
    memo = source.memo()
    source.gate.clear()
    asking = [asyncio.create_task(memo.find("a")) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # who goes away does not end it for the others
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*asking[1:]) == ["a1"] * 49
    assert memo.reads == 1


async def test_it_is_read_anew_after_its_time_and_at_another_version() -> None:
    source = Source()
    memo = source.memo()
    assert await memo.find("a") == "a1"
    source.value = 2
    source.now = 0.9
    assert await memo.find("a") == "a1"
    assert await memo.find("a", version=1) == "a2"
    source.value, source.now = 3, 2.0
    assert await memo.find("a", version=1) == "a3"


async def test_forgetting_holds_for_a_look_that_is_under_way() -> None:
    source = Source()
    memo = source.memo()
    source.gate.clear()
    early = asyncio.create_task(memo.find("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.value = 2
    memo.forget("a")
    late = asyncio.create_task(memo.find("a"))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await early, await late) == ("a1", "a2")
    assert await memo.find("a") == "a2"  # the early look did not overwrite it


async def test_a_failure_is_told_to_all_who_wait_and_not_remembered() -> None:
    source = Source()
    memo = source.memo()
    source.fails = True
    found = await asyncio.gather(*(memo.find("a") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [OSError] * 3
    assert memo.reads == 1
    source.fails = False
    assert await memo.find("a") == "a1"


async def test_it_is_bounded_and_the_longest_unused_goes_first() -> None:
    source = Source()
    memo = source.memo(capacity=2)
    for key in ("a", "b", "a", "c"):
        await memo.find(key)
    reads = memo.reads
    await memo.find("a")
    assert memo.reads == reads
    await memo.find("b")
    assert memo.reads == reads + 1


async def test_closing_ends_a_look_that_hangs() -> None:
    source = Source()
    memo = source.memo()
    source.gate.clear()
    asking = asyncio.create_task(memo.find("a"))
    await asyncio.sleep(0)
    await memo.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
