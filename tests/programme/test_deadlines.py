"""The plan's deadlines, against a table checked by hand and against a slow reference."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.programme.calendar import WorkingCalendar
from server.programme.deadlines import CLAUSE_MATERIALS, Deadline, DeadlineKind, Form, timetable
from server.programme.deadlines_text import as_dict, describe

CALENDAR = WorkingCalendar()
WITHIN = st.dates(date(2004, 2, 1), date(2026, 11, 30))


def due(form: Form, kind: DeadlineKind, first: date, last: date | None = None) -> date | None:
    deadline = timetable(CALENDAR, form, first, last).get(kind)
    assert deadline
    return deadline.due


@pytest.mark.parametrize(
    ("event", "online", "in_person", "materials"),
    [
        (date(2023, 9, 27), date(2023, 9, 22), date(2023, 9, 20), date(2023, 10, 10)),
        (date(2023, 10, 10), date(2023, 10, 7), date(2023, 9, 27), date(2023, 10, 17)),
        (date(2023, 10, 13), date(2023, 10, 10), date(2023, 10, 8), date(2023, 10, 20)),
    ],
)
def test_the_table_checked_by_hand(event: date, online: date, in_person: date, materials: date) -> None:
    assert due(Form.ONLINE, DeadlineKind.NOTICE, event) == online
    assert due(Form.IN_PERSON, DeadlineKind.NOTICE, event) == in_person
    assert due(Form.HYBRID, DeadlineKind.NOTICE, event) == in_person
    for form in Form:
        assert due(form, DeadlineKind.MATERIALS, event) == materials


def slow_workdays() -> list[date]:
    """Every working day of 2004–2026 by asking the library about each."""
    days = (date(2004, 1, 1) + timedelta(days=n) for n in range((date(2027, 1, 1) - date(2004, 1, 1)).days))
    return [day for day in days if chinese_calendar.is_workday(day)]


WORKDAYS = slow_workdays()


@given(WITHIN, st.integers(0, 10), st.integers(1, 15))
def test_every_deadline_agrees_with_the_list_of_all_working_days(first: date, length: int, promise: int) -> None:
    last = first + timedelta(days=length)
    before = [day for day in WORKDAYS if day < first]
    after = [day for day in WORKDAYS if day > last]
    for form, notice in ((Form.ONLINE, before[-3]), (Form.IN_PERSON, before[-5]), (Form.HYBRID, before[-5])):
        found = timetable(CALENDAR, form, first, last, open_selection=True, promise=promise)
        dues = {deadline.kind: deadline.due for deadline in found.deadlines}
        expected = {
            DeadlineKind.NOTICE: notice,
            DeadlineKind.MATERIALS: after[4],
            DeadlineKind.ADOPTION: after[promise - 1],
        }
        if form is not Form.ONLINE:
            expected[DeadlineKind.SELECTION] = before[-5]
        assert dues == expected
        assert found.problems == ()


@given(WITHIN, st.sampled_from(Form))
def test_the_days_shown_are_the_arithmetic(first: date, form: Form) -> None:
    for deadline in timetable(CALENDAR, form, first, promise=7, open_selection=True).deadlines:
        walked = [counted.day.date for counted in deadline.days]
        step = walked[0] - first
        assert abs(step) == timedelta(days=1)
        assert walked == [first + step * n for n in range(1, len(walked) + 1)], "no day is skipped"
        numbers = [counted.number for counted in deadline.days if counted.number]
        assert numbers == list(range(1, len(numbers) + 1))
        assert all((counted.number is not None) == counted.day.working for counted in deadline.days)
        assert walked[-1] == deadline.due
        assert deadline.days[-1].number


@given(WITHIN, st.sampled_from(Form))
def test_the_advice_is_one_working_day_earlier_and_only_for_what_comes_before(first: date, form: Form) -> None:
    for deadline in timetable(CALENDAR, form, first, promise=7, open_selection=True).deadlines:
        assert deadline.due
        if deadline.due > first:
            assert deadline.advised is None
        else:
            assert deadline.advised
            assert deadline.advised.day.date == [day for day in WORKDAYS if day < deadline.due][-1]


def test_materials_count_from_the_last_day() -> None:
    assert due(Form.ONLINE, DeadlineKind.MATERIALS, date(2023, 9, 25), date(2023, 9, 27)) == date(2023, 10, 10)
    found = timetable(CALENDAR, Form.ONLINE, date(2023, 9, 25), date(2023, 9, 27))
    assert found.deadlines[-1].rule.startswith("活动最后一天之后")


def test_a_selection_has_a_deadline_only_with_people_on_the_spot() -> None:
    event = date(2023, 9, 27)
    assert timetable(CALENDAR, Form.ONLINE, event, open_selection=True).get(DeadlineKind.SELECTION) is None
    selection = timetable(CALENDAR, Form.HYBRID, event, open_selection=True).get(DeadlineKind.SELECTION)
    assert selection
    assert selection.due == date(2023, 9, 20)
    assert "方案未单独规定期限" in selection.rule


def test_a_promise_is_marked_as_the_units_own() -> None:
    found = timetable(CALENDAR, Form.ONLINE, date(2023, 9, 27), promise=10)
    assert [(deadline.kind, deadline.promised) for deadline in found.deadlines] == [
        (DeadlineKind.NOTICE, False),
        (DeadlineKind.MATERIALS, False),
        (DeadlineKind.ADOPTION, True),
    ]
    with pytest.raises(ValueError, match="至少为1"):
        timetable(CALENDAR, Form.ONLINE, date(2023, 9, 27), promise=0)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="结束日期2023-09-26早于开始日期2023-09-27"):
        timetable(CALENDAR, Form.ONLINE, date(2023, 9, 27), date(2023, 9, 26))


def test_past_the_tables_a_deadline_has_no_day_and_says_what_to_do() -> None:
    found = timetable(CALENDAR, Form.ONLINE, date(2026, 12, 29), promise=10)
    notice, materials, adoption = found.deadlines
    assert notice.due == date(2026, 12, 24)
    assert not notice.settled, "the notice for 2027 may still move the last days of 2026"
    assert (materials.due, adoption.due) == (None, None)
    assert len(found.problems) == 1
    assert "先录入国务院办公厅公布的2027年放假和调休安排" in found.problems[0]
    assert not materials.is_late(date(2030, 1, 1)), "what has no day is not called late"
    text = describe(found)
    assert "材料公开最迟：无法推算。2027年的节假日安排未知" in text
    assert "12月末的工作日可能调整" in text


def test_the_first_years_edge_gives_no_advice_instead_of_an_error() -> None:
    found = timetable(CALENDAR, Form.ONLINE, date(2004, 1, 7)).deadlines[0]
    assert (found.due, found.advised) == (date(2004, 1, 2), None)


def test_late_means_done_after_the_day_or_not_done_and_the_day_is_over() -> None:
    notice: Deadline = timetable(CALENDAR, Form.ONLINE, date(2023, 10, 10)).deadlines[0]
    on_the_day, day_after = date(2023, 10, 7), date(2023, 10, 8)
    assert not notice.is_late(on_the_day)
    assert notice.is_late(day_after)
    assert not notice.is_late(day_after, done=on_the_day)
    assert notice.is_late(day_after, done=day_after)


def test_the_text_shows_the_day_and_the_arithmetic() -> None:
    text = describe(timetable(CALENDAR, Form.ONLINE, date(2023, 10, 10)), "政务服务体验")
    assert text.splitlines() == [
        "活动：政务服务体验，2023-10-10（周二），线上直播",
        "",
        "公告最迟：2023-10-07（周六，调休上班）",
        "  算法：线上直播：活动之前至少3个工作日，活动当天不计",
        "  方案原文：应于活动开展前至少3个工作日通过区政府网站、政务新媒体公开发布活动公告",
        "  第1个 2023-10-09（周一） 工作日",
        "  第2个 2023-10-08（周日） 调休上班（国庆节）",
        "  第3个 2023-10-07（周六） 调休上班（国庆节）",
        "  建议：2023-09-28（周四）（按整日从严理解，再早一个工作日；仅供参考）",
        "",
        "材料公开最迟：2023-10-17（周二）",
        "  算法：活动之后5个工作日内，活动当天不计",
        f"  方案原文：{CLAUSE_MATERIALS}",
        "  第1个 2023-10-11（周三） 工作日",
        "  第2个 2023-10-12（周四） 工作日",
        "  第3个 2023-10-13（周五） 工作日",
        "  不计  2023-10-14（周六） 周末",
        "  不计  2023-10-15（周日） 周末",
        "  第4个 2023-10-16（周一） 工作日",
        "  第5个 2023-10-17（周二） 工作日",
    ]
    several = describe(timetable(CALENDAR, Form.HYBRID, date(2023, 9, 25), date(2023, 9, 27)))
    assert several.startswith("活动：2023-09-25（周一）至2023-09-27（周三），线上线下结合")


def test_the_json_form_says_the_same() -> None:
    data = as_dict(timetable(CALENDAR, Form.ONLINE, date(2023, 10, 10)))
    assert (data["form"], data["first"], data["last"]) == ("online", "2023-10-10", "2023-10-10")
    notice = data["deadlines"][0]
    assert (notice["kind"], notice["due"], notice["advised"]) == ("notice", "2023-10-07", "2023-09-28")
    assert notice["days"][1] == {
        "date": "2023-10-08",
        "kind": "makeup",
        "why": "调休上班（国庆节）",
        "number": 2,
    }
    unknown = as_dict(timetable(CALENDAR, Form.ONLINE, date(2026, 12, 30)))["deadlines"][1]
    assert unknown["due"] is None
    assert unknown["problem"].startswith("2027年")
