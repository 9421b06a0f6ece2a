"""Chinese working days: which days count, and why.

The State Council moves working days every year (调休): a Saturday may be worked and a Friday not. The years that
`chinese_calendar` knows come from it; a coordinator can enter further years, or correct one, as a `YearTable`. A day
past both is an `UnknownYearError`, never a guess from Monday to Friday.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from typing import Any, Self

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China keeps one time and, in all the years counted here, no summer time."""

WEEKDAYS = "一二三四五六日"

_FIXED = {"元旦": (1, 1), "劳动节": (5, 1), "国庆节": (10, 1)}
_MOVING = ("春节", "清明", "端午", "中秋")
_LONGEST = timedelta(days=30)


def _arranging_year(day: date) -> int:
    """The year whose notice arranges the day: nothing but the next 元旦 moves days of December."""
    return day.year + (day.month == 12)


def beijing_date(moment: datetime) -> date:
    """The date in Beijing at a moment in time; a deadline counts in these. Raises `ValueError` for a naive moment."""
    if moment.tzinfo is None:
        raise ValueError("the moment has no time zone")
    return moment.astimezone(BEIJING).date()


def beijing_today() -> date:
    """Today in Beijing, wherever the server stands."""
    return beijing_date(datetime.now(UTC))


def _years_text(years: Iterable[int]) -> str:
    """Years as runs: `2004年至2026年、2030年`."""
    runs: list[list[int]] = []
    for year in sorted(years):
        if runs and runs[-1][1] == year - 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return "、".join(f"{first}年" if first == last else f"{first}年至{last}年" for first, last in runs)


def date_text(day: date) -> str:
    """A date with its weekday, as shown to people: `2023-10-07（周六）`."""
    return f"{day.isoformat()}（周{WEEKDAYS[day.weekday()]}）"


class UnknownYearError(LookupError):
    """The holidays of a year are in neither table. `str()` is a sentence for a person; `year` is the year."""

    def __init__(self, year: int, known: Iterable[int]) -> None:
        super().__init__(
            f"{year}年的节假日安排未知（已知：{_years_text(known)}），无法推算工作日；"
            f"请统筹人员先录入国务院办公厅公布的{year}年放假和调休安排。"
        )
        self.year = year


class BadYearTableError(ValueError):
    """A year's holidays as entered cannot be right. `problems` are sentences for the person who entered them."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("；".join(self.problems))


class DayKind(StrEnum):
    """Why a day counts or does not."""

    WORKDAY = "workday"
    MAKEUP = "makeup"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar. `name` is the holiday's, for a holiday and for the day worked in its place."""

    date: date
    kind: DayKind
    name: str | None = None

    @property
    def working(self) -> bool:
        return self.kind in (DayKind.WORKDAY, DayKind.MAKEUP)

    @property
    def why(self) -> str:
        """The reason in Chinese: `工作日`, `调休上班（国庆节）`, `周末`, `节假日（国庆节）`."""
        name = f"（{self.name}）" if self.name else ""
        match self.kind:
            case DayKind.WORKDAY:
                return "工作日"
            case DayKind.MAKEUP:
                return f"调休上班{name}"
            case DayKind.WEEKEND:
                return "周末"
            case DayKind.HOLIDAY:
                return f"节假日{name}"

    def __str__(self) -> str:
        note = "，调休上班" if self.kind is DayKind.MAKEUP else ""
        return f"{self.date.isoformat()}（周{WEEKDAYS[self.date.weekday()]}{note}）"


@dataclass(frozen=True, slots=True)
class CountedDay:
    """A day passed while counting. `number` is 1 for the first working day counted, and `None` where none counts."""

    day: Day
    number: int | None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One line of the State Council's yearly notice: a holiday from `first` to `last`, and the weekend days worked."""

    name: str
    first: date
    last: date
    makeup: tuple[date, ...] = ()

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class YearTable:
    """The holidays of one year as a coordinator enters them from the notice 国务院办公厅关于部分节假日安排的通知.

    Raises `BadYearTableError` for a table that cannot be that year's: a half-entered one would count 春节 as working
    days. Its days lie in `year` or in the December before it, where the days around 元旦 may fall.
    """

    year: int
    arrangements: tuple[Arrangement, ...]

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise BadYearTableError(problems)

    def _problems(self) -> Iterable[str]:
        seen: dict[date, str] = {}
        for arrangement in self.arrangements:
            if not arrangement.name.strip():
                yield f"{arrangement.first}起的假期没有名称"
            if not timedelta(0) <= arrangement.last - arrangement.first <= _LONGEST:
                yield f"{arrangement.name}：从{arrangement.first}到{arrangement.last}不像一次假期"
                continue
            for day in (*arrangement.days, *arrangement.makeup):
                if day.year != self.year and (day.year, day.month) != (self.year - 1, 12):
                    yield f"{arrangement.name}：{day}不属于{self.year}年的安排"
                if day in seen:
                    yield f"{day}重复出现（{seen[day]}、{arrangement.name}）"
                seen[day] = arrangement.name
            for day in arrangement.makeup:
                if day.weekday() < 5:
                    yield f"{arrangement.name}：调休上班日{day}不是周末"
        holidays = {day for day in seen if not any(day in arrangement.makeup for arrangement in self.arrangements)}
        for name, (month, day_of_month) in _FIXED.items():
            if date(self.year, month, day_of_month) not in holidays:
                yield f"缺少{name}（{self.year}-{month:02}-{day_of_month:02}）"
        for name in _MOVING:
            if not any(name in arrangement.name for arrangement in self.arrangements):
                yield f"缺少{name}假期"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `{"year", "holidays": [{"name", "first", "last", "makeup": [date…]}…]}` with ISO dates.

        Raises `BadYearTableError`, also for data of another shape.
        """
        try:
            arrangements = tuple(
                Arrangement(
                    str(item["name"]),
                    date.fromisoformat(item["first"]),
                    date.fromisoformat(item["last"]),
                    tuple(date.fromisoformat(day) for day in item.get("makeup", ())),
                )
                for item in data["holidays"]
            )
            year = int(data["year"])
            date(year, 1, 1)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadYearTableError([f"放假安排的格式不对：{error}"]) from error
        return cls(year, arrangements)

    def as_dict(self) -> dict[str, Any]:
        """The same form that `from_dict` reads."""
        return {
            "year": self.year,
            "holidays": [
                {
                    "name": arrangement.name,
                    "first": arrangement.first.isoformat(),
                    "last": arrangement.last.isoformat(),
                    "makeup": [day.isoformat() for day in arrangement.makeup],
                }
                for arrangement in self.arrangements
            ],
        }


@dataclass(frozen=True, slots=True)
class _Table:
    """Named exceptions to Monday–Friday, over whole years."""

    years: frozenset[int]
    holidays: Mapping[date, str]
    makeup: Mapping[date, str]


@cache
def _library() -> _Table:
    """The table of `chinese_calendar`, with the holidays' Chinese names."""
    from chinese_calendar import constants

    def chinese(table: Mapping[date, str]) -> dict[date, str]:
        return {day: constants.Holiday(name).chinese for day, name in table.items()}

    years = range(min(constants.holidays).year, max(constants.holidays).year + 1)
    return _Table(frozenset(years), chinese(constants.holidays), chinese(constants.workdays))


class WorkingCalendar:
    """The days of all known years. A `YearTable` given here goes before the library's table for its year."""

    def __init__(self, extra: Iterable[YearTable] = ()) -> None:
        library = _library()
        tables = {table.year: table for table in extra}
        self.years = library.years | tables.keys()
        """The years whose arrangement is known."""
        self._holidays = {day: name for day, name in library.holidays.items() if _arranging_year(day) not in tables}
        self._makeup = {day: name for day, name in library.makeup.items() if _arranging_year(day) not in tables}
        for year in sorted(tables):
            for arrangement in tables[year].arrangements:
                for day in arrangement.days:
                    self._holidays[day] = arrangement.name
                    self._makeup.pop(day, None)
                for day in arrangement.makeup:
                    self._makeup[day] = arrangement.name
                    self._holidays.pop(day, None)

    def day(self, day: date) -> Day:
        """The day with its reason. Raises `UnknownYearError`."""
        if day.year not in self.years:
            raise UnknownYearError(day.year, self.years)
        if day in self._makeup:
            return Day(day, DayKind.MAKEUP, self._makeup[day])
        if day in self._holidays:
            return Day(day, DayKind.HOLIDAY, self._holidays[day])
        return Day(day, DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORKDAY)

    def is_working(self, day: date) -> bool:
        """Whether the day is worked. Raises `UnknownYearError`."""
        return self.day(day).working

    def count(self, start: date, working_days: int) -> tuple[CountedDay, ...]:
        """Count working days away from `start`, which does not count itself: back when negative, on when positive.

        Returns every day passed in the order of counting; the last one is the day reached. Raises `UnknownYearError`,
        and `ValueError` for zero.
        """
        if working_days == 0:
            raise ValueError("count at least one working day")
        step = timedelta(days=1 if working_days > 0 else -1)
        counted: list[CountedDay] = []
        reached, current = 0, start
        while reached < abs(working_days):
            try:
                current += step
            except OverflowError:
                raise UnknownYearError(current.year, self.years) from None
            day = self.day(current)
            reached += day.working
            counted.append(CountedDay(day, reached if day.working else None))
        return tuple(counted)

    def settled(self, day: date) -> bool:
        """Whether no later notice can still change the day.

        The notice for a year also arranges the last days of the December before it (2011-12-31 and 2018-12-29 became
        working days so), hence late December is open until the next year is known.
        """
        return day.year in self.years and (day.year + 1 in self.years or (day.month, day.day) < (12, 25))
