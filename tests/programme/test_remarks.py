"""Times that look wrong: over already, or at the same time as another activity of the unit."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from server.programme.filings import Times
from server.programme.remarks import overlap, remarks

NOON = datetime(2023, 10, 10, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
times = st.builds(
    lambda start, length: Times(NOON + start * HOUR, NOON + (start + length) * HOUR if length else None),
    st.integers(0, 12),
    st.integers(0, 6),
)


def test_one_that_begins_as_another_ends_does_not_overlap() -> None:
    morning, noon = Times(NOON - HOUR, NOON), Times(NOON, NOON + HOUR)
    assert not overlap(morning, noon)
    assert overlap(Times(NOON - HOUR, NOON + HOUR), noon)
    assert not overlap(Times(), noon)


@given(times, times)
def test_overlap_is_what_a_list_of_minutes_says(one: Times, other: Times) -> None:
    def minutes(item: Times) -> set[datetime]:
        assert item.starts_at is not None
        length = int(((item.ends_at or item.starts_at) - item.starts_at) / HOUR * 2)
        return {item.starts_at, *(item.starts_at + HOUR / 2 * step for step in range(length))}

    assert overlap(one, other) == bool(minutes(one) & minutes(other)) == overlap(other, one)


def test_only_what_has_not_begun_can_be_forgotten() -> None:
    held = Times(NOON, NOON + HOUR)
    later = NOON + 2 * HOUR
    assert len(remarks(held, later, scheduled=True, others=[])) == 1
    assert remarks(held, later, scheduled=False, others=[]) == ()
    assert remarks(held, NOON, scheduled=True, others=[]) == ()
    assert remarks(Times(), later, scheduled=True, others=[("别的", held)]) == ()
