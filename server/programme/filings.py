"""Filings (报备): when a change of an activity's time has to be filed, and the record it makes.

Source: 四、工作要求（一）, “如遇特殊情况可自行调整并同时向区政务服务局报备”. The filing is simultaneous and no
approval: the change stands as soon as it is filed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from server.programme.calendar import beijing_date
from server.programme.notices import moment_text, span_text
from server.programme.units import Unit

CLAUSE = "在2023年8--11月期间举办相关活动，如遇特殊情况可自行调整并同时向区政务服务局报备"


@dataclass(frozen=True, slots=True)
class Times:
    """When an activity is held; `None` where not set. Moments carry a time zone."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __str__(self) -> str:
        if not self.starts_at:
            return "时间未定"
        if self.ends_at and self.ends_at > self.starts_at:
            return span_text(self.starts_at, self.ends_at)
        return moment_text(self.starts_at)

    def days(self) -> tuple[date, ...]:
        """The first and last day in Beijing, as far as they are set."""
        return tuple(beijing_date(moment) for moment in (self.starts_at, self.ends_at) if moment)


@dataclass(frozen=True, slots=True)
class Period:
    """The plan's period, both days included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first.isoformat()}至{self.last.isoformat()}"


class Ground(StrEnum):
    """Why a change has to be filed."""

    OUT_OF_PERIOD = "out-of-period"
    OFF_PUBLISHED_TIME = "off-published-time"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Ground.OUT_OF_PERIOD: "活动不在方案规定的期间内举办",
    Ground.OFF_PUBLISHED_TIME: "活动时间与已公布的时间不同",
}


class FilingRefusedError(ValueError):
    """A filing cannot be made; the text says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Filing:
    """A record of a change filed, made at the same moment as the change.

    `own`: the filing unit is the one that receives filings; marked, for nobody else sees it otherwise.
    """

    grounds: tuple[Ground, ...]
    before: Times
    after: Times
    reason: str
    filed_at: datetime
    units: tuple[str, ...]
    own: bool

    @property
    def summary(self) -> str:
        """The filing in one sentence."""
        why = "；".join(ground.label for ground in self.grounds)
        own = "（本单位即为接受报备的单位）" if self.own else ""
        return f"活动时间由{self.before}调整为{self.after}。{why}。原因：{self.reason}{own}"


def grounds(before: Times, after: Times, published: Times | None, period: Period | None) -> tuple[Ground, ...]:
    """Why a change from `before` to `after` has to be filed; empty when it need not be.

    `published` is the time last announced to the public, `None` before any notice. `period` is the plan's, `None` for
    an activity of a unit outside the plan, which may choose its time. Setting the first date within the period needs no
    filing; a change that returns to the published time within the period does not either.
    """
    if before == after:
        return ()
    found = []
    if period and any(day not in period for day in after.days()):
        found.append(Ground.OUT_OF_PERIOD)
    if published and after != published:
        found.append(Ground.OFF_PUBLISHED_TIME)
    return tuple(found)


def file_change(
    before: Times,
    after: Times,
    *,
    published: Times | None,
    period: Period | None,
    reason: str,
    units: Sequence[Unit],
    at: datetime,
) -> Filing | None:
    """The filing that goes with a change, or `None` where none is needed.

    Raises `FilingRefusedError` when one is needed and the reason is empty, so that the change is not made either.
    """
    found = grounds(before, after, published, period)
    if not found:
        return None
    if not reason.strip():
        why = "；".join(ground.label for ground in found)
        raise FilingRefusedError(f"{why}，需同时报备，请填写调整原因")
    return Filing(
        grounds=found,
        before=before,
        after=after,
        reason=reason.strip(),
        filed_at=at,
        units=tuple(unit.id for unit in units),
        own=any(unit.receives_filings for unit in units),
    )
