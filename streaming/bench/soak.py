"""`minsheng bench soak`: ten minutes in which viewers come and go, and what the relay holds before and after.

The publisher stays; some two hundred viewers watch at a time, each for a minute or so, and every second of them leaves
without a word. At the end all leave, and what is left is read when the relay has noticed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

from streaming.bench.run import Run
from streaming.figures import RelayStats
from streaming.peer import SILENCE_SECONDS

Row = tuple[str, str, str]
SECONDS = float(os.environ.get("BENCH_SOAK_SECONDS", "600"))
WATCHING = 200
STAY_SECONDS = 60.0
ROUNDS = 3
"""Before the first reading: what an allocator keeps after its first rush is no leak."""


@dataclass(frozen=True, slots=True)
class Soak:
    """What was read. Memory in kB."""

    before: RelayStats
    during: list[int]
    after: RelayStats
    joined: int
    failed: int
    seconds: float


def rows() -> Iterator[Row]:
    """Memory, tasks and descriptors of the relay, before and after."""
    logging.getLogger("streaming").setLevel(logging.ERROR)
    soak = asyncio.run(measure(SECONDS))
    before, after = soak.before, soak.after
    yield (
        f"soak of {soak.seconds / 60:.0f} minutes, {WATCHING} viewers at a time",
        f"{soak.joined:,} joined, {soak.failed} of them could not",
        (
            f"{after.totals['packets sent'] - before.totals['packets sent']:,} packets sent, "
            f"dropped datagrams by cause: {_difference(before.drops, after.drops)}"
        ),
    )
    yield (
        "memory of the relay with nobody watching, before and after",
        f"{before.resident_kilobytes / 1024:.1f} and {after.resident_kilobytes / 1024:.1f} MB",
        (
            f"meanwhile {min(soak.during) / 1024:.1f} to {max(soak.during) / 1024:.1f} MB, "
            f"the first half {statistics.mean(soak.during[: len(soak.during) // 2]) / 1024:.1f}, "
            f"the second {statistics.mean(soak.during[len(soak.during) // 2 :]) / 1024:.1f} MB on average"
        ),
    )
    yield "tasks of its event loop", f"{before.tasks} and {after.tasks}", ""
    yield "its open files and sockets", f"{before.descriptors} and {after.descriptors}", ""


def _difference(before: dict[str, int], after: dict[str, int]) -> str:
    found = {cause: count - before.get(cause, 0) for cause, count in after.items()}
    return ", ".join(f"{cause} {count:,}" for cause, count in sorted(found.items()) if count) or "none"


async def measure(seconds: float, *, watching: int = WATCHING, stay: float = STAY_SECONDS) -> Soak:
    """Let viewers come and go for so long."""
    run = Run()
    joined = failed = 0
    during = []
    try:
        await run.start()
        for _ in range(ROUNDS):
            await run.join(watching)
            await run.leave(watching)
            await _until_alone(run)
        before, began = await run.supervisor.stats(), time.monotonic()
        await run.join(watching)
        joined += watching
        while time.monotonic() - began < seconds:
            turn = random.randint(1, 5)  # noqa: S311 - nothing secret
            await run.leave(turn)
            await run.join(turn, turn / (turn * stay / watching))
            joined += turn
            during.append((await run.supervisor.stats()).resident_kilobytes)
        failed = (await run.tell(count=True))["failed"]
        await run.leave(2 * watching)
        await _until_alone(run)
        return Soak(before, during, await run.supervisor.stats(), joined, failed, time.monotonic() - began)
    finally:
        await run.close()


async def _until_alone(run: Run) -> None:
    """Wait until the relay has noticed that everybody left."""
    async with asyncio.timeout(SILENCE_SECONDS + 30):
        while (await run.supervisor.stats()).activities["bench"].viewers:  # noqa: ASYNC110 - another process has them
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row), flush=True)
