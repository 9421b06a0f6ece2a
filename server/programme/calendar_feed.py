"""A calendar feed (iCalendar, RFC 5545) of activities and their deadlines, to subscribe to from a phone or desk."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from server.programme.deadlines import DeadlineKind, Timetable

CONTENT_TYPE = "text/calendar; charset=utf-8"
_LINE_OCTETS = 75
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_REMINDER = "-PT15H"
"""From the beginning of the day that is due: nine o'clock on the morning before."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of a feed.

    - `uid`: the same for the same thing at every fetch (`k01-notice@host`), so that a moved event moves.
    - `start` and `end`: moments with a time zone, or dates for whole days; `end` is the last day itself, or the moment.
      `None` for `end` is the same day, or an event without length.
    - `changed_at`: when it was last changed (RFC 5545, 3.8.7.2).
    - `sequence`: how many times it was moved (3.8.7.4).
    - `remind`: an alarm at nine on the morning before, for whole days.
    """

    uid: str
    summary: str
    start: date | datetime
    changed_at: datetime
    end: date | datetime | None = None
    description: str = ""
    location: str = ""
    url: str = ""
    sequence: int = 0
    cancelled: bool = False
    remind: bool = False


@dataclass(frozen=True, slots=True)
class FeedActivity:
    """What a feed needs to know of an activity.

    `timetable` is `None` while it has no date or form; `done` are the deadlines that were met and need no reminder.
    """

    slug: str
    title: str
    units: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None
    changed_at: datetime
    place: str = ""
    url: str = ""
    sequence: int = 0
    cancelled: bool = False
    timetable: Timetable | None = None
    done: frozenset[DeadlineKind] = frozenset()


def activity_events(activity: FeedActivity, host: str, *, deadlines: bool) -> tuple[FeedEvent, ...]:
    """The activity as an event and, for staff, each deadline that has a day as a whole day with a reminder."""
    name = f"{activity.title}（{'、'.join(activity.units)}）" if activity.units else activity.title
    events = [
        FeedEvent(
            uid=f"{activity.slug}@{host}",
            summary=name,
            start=activity.starts_at,
            end=activity.ends_at,
            changed_at=activity.changed_at,
            location=activity.place,
            url=activity.url,
            sequence=activity.sequence,
            cancelled=activity.cancelled,
        )
    ]
    for deadline in activity.timetable.deadlines if deadlines and activity.timetable else ():
        if deadline.due:
            done = deadline.kind in activity.done
            events.append(
                FeedEvent(
                    uid=f"{activity.slug}-{deadline.kind.value}@{host}",
                    summary=f"{deadline.kind.label}{'已完成' if done else '最迟今日'}：{name}",
                    start=deadline.due,
                    changed_at=activity.changed_at,
                    description=f"{deadline.rule}\n方案原文：{deadline.clause}",
                    url=activity.url,
                    sequence=activity.sequence,
                    cancelled=activity.cancelled,
                    remind=not done,
                )
            )
    return tuple(events)


def feed(name: str, events: Iterable[FeedEvent]) -> str:
    """The feed as text with the line ends it has to have. Raises `ValueError` for a moment without a time zone."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Minsheng//Programme//ZH",
        "CALSCALE:GREGORIAN",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    for event in events:
        lines.extend(_event(event))
    lines.append("END:VCALENDAR")
    return "".join(f"{fold(line)}\r\n" for line in lines)


def _event(event: FeedEvent) -> Iterable[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"DTSTAMP:{_moment(event.changed_at)}"
    yield f"LAST-MODIFIED:{_moment(event.changed_at)}"
    yield f"SEQUENCE:{event.sequence}"
    yield from _when(event)
    yield f"SUMMARY:{_text(event.summary)}"
    if event.description:
        yield f"DESCRIPTION:{_text(event.description)}"
    if event.location:
        yield f"LOCATION:{_text(event.location)}"
    if event.url:
        yield f"URL:{_uri(event.url)}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    if event.remind and not event.cancelled:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"TRIGGER:{_REMINDER}"
        yield f"DESCRIPTION:{_text(event.summary)}"
        yield "END:VALARM"
    yield "END:VEVENT"


def _when(event: FeedEvent) -> Iterable[str]:
    if isinstance(event.start, datetime):
        yield f"DTSTART:{_moment(event.start)}"
        if isinstance(event.end, datetime) and event.end > event.start:
            yield f"DTEND:{_moment(event.end)}"
    else:
        last = event.end if event.end and not isinstance(event.end, datetime) else event.start
        yield f"DTSTART;VALUE=DATE:{event.start:%Y%m%d}"
        # The end of whole days is the day after them (3.6.1).
        yield f"DTEND;VALUE=DATE:{max(last, event.start) + timedelta(days=1):%Y%m%d}"
        yield "TRANSP:TRANSPARENT"


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("the moment has no time zone")
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    """A TEXT value (3.3.11): escaped, line ends as one, without the control characters that it may not hold."""
    text = _SURROGATES.sub("\ufffd", text)
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _uri(uri: str) -> str:
    """A URI value (3.3.13) is not escaped, so nothing in it may end the line."""
    return re.sub(r"[\x00-\x20\x7f\ud800-\udfff]", "", uri)


def fold(line: str) -> str:
    """Fold a content line at 75 octets (3.1), never inside a character."""
    folded: list[str] = []
    used = 0
    for character in line:
        octets = len(character.encode())
        if used + octets > _LINE_OCTETS:
            folded.append("\r\n ")
            used = 1
        folded.append(character)
        used += octets
    return "".join(folded)
