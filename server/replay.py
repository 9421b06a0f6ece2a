"""Where entries lie in a recording: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from server.store.recordings import recording_second
from streaming.playlist import Span


@dataclass(frozen=True, slots=True)
class Mark:
    """A public entry as far as the replay shows it."""

    id: int
    kind: str
    nickname: str
    text: str
    at: datetime
    answered_at: datetime | None
    answer: str | None


def timeline(marks: Iterable[Mark], spans: Sequence[Span]) -> list[tuple[Mark, float, float | None]]:
    """The entries with the second at which each came and, where it was answered on air, that second; in order.

    Who wrote before the first picture stands at the beginning, who wrote after the last one at the end: everything
    that is public is in the replay. An answer given later has no second.
    """
    if not spans:
        return []
    end = spans[-1].begins + spans[-1].seconds
    placed = []
    for mark in marks:
        second = recording_second(spans, mark.at)
        if second is None:
            second = 0.0 if mark.at.timestamp() < spans[0].at else end
        placed.append((mark, second, recording_second(spans, mark.answered_at)))
    return sorted(placed, key=lambda item: (item[1], item[0].id))
