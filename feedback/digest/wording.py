"""How a document words times, spans of time and shares."""

from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "北京时间")

_WEEKDAYS = "一二三四五六日"


def beijing(at: datetime) -> datetime:
    """*at* in Beijing time. Raises ValueError for a naive datetime: its zone would be a guess."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(BEIJING)


def moment(at: datetime | None, *, year: bool = False) -> str:
    """“9月27日（周三）14:00”, with the year in front when asked for; “—” for no time."""
    if at is None:
        return "—"
    local = beijing(at)
    day = f"{local.month}月{local.day}日（周{_WEEKDAYS[local.weekday()]}）{local:%H:%M}"
    return f"{local.year}年{day}" if year else day


def short_moment(at: datetime | None) -> str:
    """“9月27日14:00”, for the narrow columns of a table; “—” for no time."""
    if at is None:
        return "—"
    local = beijing(at)
    return f"{local.month}月{local.day}日{local:%H:%M}"


def period(start: datetime | None, end: datetime | None) -> str:
    """“2023年9月27日（周三）14:00至16:00”; the end's day is named when it is another one."""
    if start is None:
        return "—"
    if end is None:
        return f"{moment(start, year=True)}起"
    same_day = beijing(start).date() == beijing(end).date()
    return f"{moment(start, year=True)}至{beijing(end).strftime('%H:%M') if same_day else moment(end)}"


def minutes(start: datetime, end: datetime) -> int:
    """Whole minutes from *start* to *end*, rounded."""
    return round((end - start).total_seconds() / 60)


def share(part: int, whole: int) -> str:
    """“37.5%”; “—” of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else "—"
