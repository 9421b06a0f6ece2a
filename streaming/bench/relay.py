"""`python -m streaming.bench.relay`: what the relay costs here, next to what it is compared with, in one run.

The publisher and the viewers do real ICE checks and DTLS handshakes over the loopback interface; the viewers are in
another process than the relay, as they would be. It takes about three minutes, and wants a machine that does nothing
else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from streaming.bench import browser, floor, janus, reencode
from streaming.bench.floor import Floor
from streaming.bench.run import FRAME, PICTURES, SOUND, Burst, Result, Run

VIEWERS = (10, 100, 300, 600, 1000)
EACH_VIEWERS = 300
PLAIN_VIEWERS = 100
BURST_VIEWERS = 500
BURST_SECONDS = 10.0
SECONDS = 6.0
"""Of each measurement."""

Row = tuple[str, str, str]


def rows() -> Iterator[Row]:
    """What was measured, the figure with its unit, and what it is compared with; each as soon as it is there."""
    logging.getLogger("streaming").setLevel(logging.ERROR)
    sizes = [*FRAME, SOUND, SOUND]
    tight = floor.measure(sizes, viewers=EACH_VIEWERS)
    paced = floor.measure(sizes, viewers=EACH_VIEWERS, rounds_a_second=PICTURES, seconds=2 * SECONDS)
    yield (
        f"srtp_protect and sendmmsg alone, {EACH_VIEWERS} viewers: CPU per packet",
        f"{paced.protect:.2f} + {paced.send:.2f} = {paced.total:.2f} µs",
        (
            "the floor of this machine: the same sizes at the same pace, read by another process; nothing segmented, "
            f"nothing else done. In a tight loop that nobody waits for {tight.protect:.2f} + {tight.send:.2f} µs"
        ),
    )
    with asyncio.Runner() as runner:
        run = Run()
        try:
            runner.run(run.start())
            for viewers in VIEWERS:
                yield from _relay_rows(runner.run(run.measure(viewers, SECONDS)), paced)
        finally:
            runner.run(run.close())
        yield from _burst_rows(runner.run(_burst()))
        each = runner.run(_once(Run(each=True), EACH_VIEWERS))
        yield (
            f"relay, {each.viewers} viewers that read datagram by datagram: CPU per packet",
            f"{each.cpu:.2f} µs",
            f"{each.cpu / paced.total:.2f} × the floor: on loopback the relay then pays for the cutting as well",
        )
        plain = runner.run(_once(Run(["--plain"], each=True), PLAIN_VIEWERS))
        yield (
            f"relay with one sendto a packet, {plain.viewers} viewers: CPU per packet",
            f"{plain.cpu:.2f} µs",
            f"{plain.cpu / paced.total:.2f} × the floor: what segments and sendmmsg save",
        )
        yield _reencode_row(runner)
        yield from runner.run(janus.rows(SECONDS))
        yield from runner.run(browser.rows())


async def _once(run: Run, viewers: int) -> Result:
    try:
        await run.start()
        return await run.measure(viewers, SECONDS)
    finally:
        await run.close()


async def _burst() -> Burst:
    run = Run()
    try:
        await run.start()
        return await run.burst(BURST_VIEWERS, BURST_SECONDS)
    finally:
        await run.close()


def _relay_rows(result: Result, floor: Floor) -> Iterator[Row]:
    who = f"relay, {result.viewers} viewers"
    yield (
        f"{who}: CPU per packet sent",
        f"{result.cpu:.2f} µs",
        f"{result.cpu / floor.total:.2f} × the floor; what a packet costs on its way in is shared by all viewers",
    )
    yield (
        f"{who}: one core in use",
        f"{result.core:.0%} at {result.packets:,.0f} packets/s",
        (
            f"{result.dropped} dropped by the relay, {result.arrived:.1%} arrived; the viewers' process took "
            f"{result.crowd:.0%} of a core, {result.idle:.0%} of the machine was idle"
        ),
    )
    yield (
        f"{who}: delay from publisher to viewer",
        f"p50 {result.median:.1f} ms, p99 {result.p99:.1f} ms",
        "aim: p99 under 20 ms; up to 2 ms are the wait for the rest of a frame",
    )
    if result.join is not None:
        yield (
            f"{who}: join, from request to first packet",
            f"{result.join:.1f} ms (median)",
            "aim: under 50 ms",
        )
    if result.viewers == VIEWERS[-1]:
        yield f"{who}: memory per viewer", f"{result.kilobytes:.0f} kB", "aim: under 100 kB"


def _burst_rows(burst: Burst) -> Iterator[Row]:
    who = f"relay, {burst.viewers} viewers within {BURST_SECONDS:.0f} s"
    yield f"{who}: with a picture", f"{burst.pictured} of {burst.viewers}", f"joined in {_words(burst.join)}"
    yield (
        f"{who}: delay of those already watching",
        f"p50 {burst.median:.1f} ms, p99 {burst.p99:.1f} ms, at most {burst.worst:.0f} ms",
        "aim: under 100 ms",
    )
    yield f"join while {burst.viewers} watch", _words(burst.later), "aim: under 50 ms"


def _words(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:.1f} ms (median)"


def _reencode_row(runner: asyncio.Runner) -> Row:
    what = f"aiortc as in its examples (MediaRelay, addTrack), {reencode.VIEWERS} viewers: CPU per packet"
    try:
        cost = runner.run(reencode.measure(SECONDS))
    except (RuntimeError, OSError, TimeoutError) as error:
        return what, "–", f"could not be measured here: {error}"
    return what, f"{cost:,.0f} µs", "decodes once and encodes for each viewer, where the relay forwards"


if __name__ == "__main__":
    for row in rows():
        print(" | ".join(row), flush=True)
