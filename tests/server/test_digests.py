"""A large digest is made by a process of its own: the same bytes, and the event loop goes on meanwhile."""

import asyncio

import pytest

from feedback.bench.digest import large_digest
from feedback.digest import FORMATS, render
from server import digests


@pytest.mark.parametrize("form", FORMATS)
async def test_a_process_gives_the_same_bytes(form: str) -> None:
    digest = large_digest(2_000, 200)
    assert await digests.write_apart(digest, form) == render(digest, form)


async def test_who_goes_away_leaves_no_process_behind() -> None:
    making = asyncio.create_task(digests.write_apart(large_digest(3_000, 300), "docx"))
    await asyncio.sleep(0.1)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
