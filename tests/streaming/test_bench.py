"""The benchmark's parts, for a moment each: that they run, and that their figures can be true."""

import pytest

from streaming.bench import floor
from streaming.bench.run import Run


@pytest.mark.parametrize("pace", [None, 100])
def test_the_floor_is_measured(pace: float | None) -> None:
    paced = floor.measure([1180, 160], viewers=20, seconds=0.1, rounds_a_second=pace)
    assert 0.1 < paced.protect < 100
    assert 0.1 < paced.send < 100


async def test_a_run_measures_a_relay() -> None:
    run = Run()
    try:
        await run.start()
        result = await run.measure(6, 0.5)
    finally:
        await run.close()
    assert result.viewers == 6
    assert 600 < result.packets < 2000
    assert result.arrived > 0.9
    assert 0 < result.median < result.p99
    assert result.join is not None
    assert 0 <= result.idle <= 1


async def test_a_burst_of_viewers_is_measured() -> None:
    run = Run()
    try:
        await run.start()
        burst = await run.burst(6, 0.3, later=2)
        await run.leave(8)
        crowd = await run.tell(count=True)
    finally:
        await run.close()
    assert burst.pictured == 6
    assert 0 < burst.median <= burst.p99 <= burst.worst
    assert crowd["viewers"] == 8
