"""What looks wrong about an activity's time without being forbidden: sentences for whoever entered it."""

from collections.abc import Iterable
from datetime import datetime

from server.programme.filings import Times


def remarks(times: Times, now: datetime, *, scheduled: bool, others: Iterable[tuple[str, Times]]) -> tuple[str, ...]:
    """Sentences about the time of an activity, none when all is well.

    `scheduled`: it has not begun. `others`: the further activities of its units, by title.
    """
    if times.starts_at is None:
        return ()
    found = []
    if scheduled and (times.ends_at or times.starts_at) < now:
        found.append(f"活动时间（{times}）已经过去，活动还没有开始直播；如果写错了，请更正")
    found += [f"与本单位的“{title}”（{other}）时间重叠" for title, other in others if overlap(times, other)]
    return tuple(found)


def overlap(one: Times, other: Times) -> bool:
    """Whether two times share a moment; one that ends as the other begins does not."""
    if one.starts_at is None or other.starts_at is None:
        return False
    if one.starts_at == other.starts_at:
        return True
    if one.starts_at < other.starts_at:
        return one.ends_at is not None and other.starts_at < one.ends_at
    return other.ends_at is not None and one.starts_at < other.ends_at
