"""The calendar feed: what a subscriber reads is what was put in, in the form that RFC 5545 asks for."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.programme.calendar import WorkingCalendar
from server.programme.calendar_feed import FeedActivity, FeedEvent, activity_events, feed, fold
from server.programme.deadlines import DeadlineKind, Form, timetable

CHANGED = datetime(2023, 9, 1, 1, 2, 3, tzinfo=UTC)
TALK = FeedActivity(
    slug="k01",
    title="政务服务体验",
    units=("采育镇",),
    starts_at=datetime(2023, 10, 10, 6, tzinfo=UTC),
    ends_at=datetime(2023, 10, 10, 8, tzinfo=UTC),
    changed_at=CHANGED,
    place="政务服务大厅, 一层",
    url="https://kaifangri.example.gov.cn/a/k01",
    timetable=timetable(WorkingCalendar(), Form.ONLINE, date(2023, 10, 10)),
)


def components(text: str, kind: str = "VEVENT") -> list[dict[str, str]]:
    """The properties of each component of a kind: a reader of its own, by the grammar of RFC 5545, 3.1."""
    found: list[dict[str, str]] = []
    inside: dict[str, str] | None = None
    for line in text.replace("\r\n ", "").split("\r\n"):
        name, _, value = line.partition(":")
        if line == f"BEGIN:{kind}":
            inside = {}
        elif line == f"END:{kind}" and inside is not None:
            found.append(inside)
            inside = None
        elif inside is not None:
            inside.setdefault(name, value)
    return found


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value, flags=re.DOTALL)


def test_an_activity_and_its_deadlines_are_events() -> None:
    text = feed("大兴区政民互动", activity_events(TALK, "example.gov.cn", deadlines=True))
    activity, notice, materials = components(text)
    assert activity["DTSTART"] == "20231010T060000Z"
    assert activity["DTEND"] == "20231010T080000Z"
    assert unescaped(activity["SUMMARY"]) == "政务服务体验（采育镇）"
    assert unescaped(activity["LOCATION"]) == "政务服务大厅, 一层"
    assert activity["URL"] == TALK.url
    assert notice["UID"] == "k01-notice@example.gov.cn"
    assert notice["DTSTART;VALUE=DATE"] == "20231007"
    assert notice["DTEND;VALUE=DATE"] == "20231008"
    assert unescaped(notice["SUMMARY"]) == "公告最迟今日：政务服务体验（采育镇）"
    assert "活动之前至少3个工作日" in notice["DESCRIPTION"]
    assert materials["DTSTART;VALUE=DATE"] == "20231017"
    assert [alarm["TRIGGER"] for alarm in components(text, "VALARM")] == ["-PT15H", "-PT15H"]


def test_the_public_feed_has_no_deadlines() -> None:
    assert len(activity_events(TALK, "example.gov.cn", deadlines=False)) == 1


def test_what_is_done_and_what_is_cancelled_reminds_nobody() -> None:
    done = replace(TALK, done=frozenset({DeadlineKind.NOTICE}))
    text = feed("x", activity_events(done, "h", deadlines=True))
    assert len(components(text, "VALARM")) == 1
    assert components(text)[1]["SUMMARY"].startswith("公告已完成")
    cancelled = feed("x", activity_events(replace(TALK, cancelled=True), "h", deadlines=True))
    assert {event["STATUS"] for event in components(cancelled)} == {"CANCELLED"}
    assert components(cancelled, "VALARM") == []


def test_a_deadline_without_a_day_is_left_out() -> None:
    unknown = replace(TALK, timetable=timetable(WorkingCalendar(), Form.ONLINE, date(2026, 12, 30)))
    kinds = [event.uid for event in activity_events(unknown, "h", deadlines=True)]
    assert kinds == ["k01@h", "k01-notice@h"]


def test_an_activity_without_an_end_or_form_is_an_event_still() -> None:
    bare = replace(TALK, ends_at=None, timetable=None, units=())
    (event,) = components(feed("x", activity_events(bare, "h", deadlines=True)))
    assert event["SUMMARY"] == "政务服务体验"
    assert "DTEND" not in event


def test_whole_days_end_on_the_day_after() -> None:
    days = FeedEvent("u", "开放周", date(2023, 9, 25), CHANGED, end=date(2023, 9, 27))
    (event,) = components(feed("x", [days]))
    assert event["DTEND;VALUE=DATE"] == "20230928"


@given(st.text(st.characters(exclude_categories=[]), max_size=200), st.text(max_size=200))
def test_any_text_comes_through_and_the_form_holds(summary: str, description: str) -> None:
    event = FeedEvent("u", summary, date(2023, 9, 25), CHANGED, description=description, url=f"https://h/{summary}")
    text = feed(summary, [event, event])
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert text.endswith("END:VCALENDAR\r\n")
    rest = text.replace("\r\n", "")
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", rest)
    found = components(text)
    assert len(found) == 2, "no text can begin or end an event"
    clean = re.sub(r"\r\n?", "\n", summary)
    clean = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", re.sub(r"[\ud800-\udfff]", "\ufffd", clean))
    assert unescaped(found[0]["SUMMARY"]) == clean


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=400))
def test_folding_only_adds_line_ends(line: str) -> None:
    folded = fold(line)
    assert folded.replace("\r\n ", "") == line
    assert all(len(part.encode()) <= 75 for part in folded.split("\r\n"))


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = replace(TALK, starts_at=datetime(2023, 10, 10, 6))  # noqa: DTZ001  (the naive moment is the case)
    with pytest.raises(ValueError, match="time zone"):
        feed("x", activity_events(naive, "h", deadlines=False))
