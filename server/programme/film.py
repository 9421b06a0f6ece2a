"""A recorded programme that is broadcast at its hour as if live: what should happen at a moment. Pure.

As if live means: the film runs by the clock from its first second on. Whoever opens the page late is late, and a
service that was away in the middle goes on at the second that it would have reached.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """What stands on the console."""

    NONE = "none"
    """There is no film."""
    READY = "ready"
    """There is one, and nothing is planned."""
    PLANNED = "planned"
    """It begins at the activity's hour."""
    STARTING = "starting"
    """Its hour has come, and it is not on air yet."""
    PLAYING = "playing"
    INTERRUPTED = "interrupted"
    """It began and is off the air for the moment; it goes on by itself."""
    FINISHED = "finished"
    STOPPED = "stopped"
    """A host stopped it, or ended the activity."""
    MISSED = "missed"
    """The service was away, or the line was taken, for longer than the film takes."""


@dataclass(frozen=True, slots=True)
class Showing:
    """The facts: the film's length, when it is to begin, began (its first second was on air), and ended and how."""

    seconds: float
    begins_at: datetime | None
    began_at: datetime | None
    outcome: Phase | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """Play the film from its first second."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """The film runs: it should be at this second."""

    second: float


@dataclass(frozen=True, slots=True)
class Over:
    """The film is over."""

    outcome: Phase


def due(showing: Showing, activity_state: str, now: datetime) -> Begin | GoOn | Over | None:
    """What should happen now; None: nothing.

    A film that nobody saw a second of begins with its first one, be it late: as late as it is long.
    """
    if showing.outcome is not None:
        return None
    if showing.began_at is not None:
        second = (now - showing.began_at).total_seconds()
        if second >= showing.seconds:
            return Over(Phase.FINISHED)
        return Over(Phase.STOPPED) if activity_state == "ended" else GoOn(max(0.0, second))
    if showing.begins_at is None or activity_state == "ended" or now < showing.begins_at:
        return None
    late = now - showing.begins_at
    return Over(Phase.MISSED) if late >= timedelta(seconds=showing.seconds) else Begin()


def phase(showing: Showing, *, on_air: bool, now: datetime) -> Phase:
    """The film's phase, where `on_air` says whether it is being sent."""
    if showing.outcome is not None:
        return showing.outcome
    if showing.began_at is not None:
        return Phase.PLAYING if on_air else Phase.INTERRUPTED
    if showing.begins_at is None:
        return Phase.READY
    return Phase.PLANNED if now < showing.begins_at else Phase.STARTING
