"""Which days count as working days, and what happens past the end of the tables."""

from datetime import UTC, date, datetime

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.programme.calendar import (
    Arrangement,
    BadYearTableError,
    DayKind,
    UnknownYearError,
    WorkingCalendar,
    YearTable,
    beijing_date,
)

CALENDAR = WorkingCalendar()
KNOWN = st.dates(date(2004, 1, 1), date(2026, 12, 31))


def year_2027() -> YearTable:
    """An invented arrangement of 2027 in the form of the yearly notice."""
    return YearTable(
        2027,
        (
            Arrangement("元旦", date(2026, 12, 31), date(2027, 1, 2), (date(2026, 12, 27),)),
            Arrangement("春节", date(2027, 2, 5), date(2027, 2, 11), (date(2027, 1, 31), date(2027, 2, 14))),
            Arrangement("清明节", date(2027, 4, 3), date(2027, 4, 5)),
            Arrangement("劳动节", date(2027, 5, 1), date(2027, 5, 5), (date(2027, 5, 8),)),
            Arrangement("端午节", date(2027, 6, 9), date(2027, 6, 9)),
            Arrangement("中秋节", date(2027, 9, 15), date(2027, 9, 15)),
            Arrangement("国庆节", date(2027, 10, 1), date(2027, 10, 7), (date(2027, 9, 26),)),
        ),
    )


@given(KNOWN)
def test_a_day_is_worked_exactly_when_the_library_says_so(day: date) -> None:
    assert CALENDAR.is_working(day) == chinese_calendar.is_workday(day)


@pytest.mark.parametrize(
    ("day", "kind", "why", "text"),
    [
        (date(2023, 9, 27), DayKind.WORKDAY, "工作日", "2023-09-27（周三）"),
        (date(2023, 9, 29), DayKind.HOLIDAY, "节假日（中秋）", "2023-09-29（周五）"),
        (date(2023, 10, 6), DayKind.HOLIDAY, "节假日（国庆节）", "2023-10-06（周五）"),
        (date(2023, 10, 7), DayKind.MAKEUP, "调休上班（国庆节）", "2023-10-07（周六，调休上班）"),
        (date(2023, 10, 14), DayKind.WEEKEND, "周末", "2023-10-14（周六）"),
    ],
)
def test_each_day_says_why_it_counts_or_not(day: date, kind: DayKind, why: str, text: str) -> None:
    found = CALENDAR.day(day)
    assert (found.kind, found.why, str(found)) == (kind, why, text)


@pytest.mark.parametrize("day", [date(2003, 12, 31), date(2027, 1, 1), date.min, date.max])
def test_a_day_past_the_tables_is_an_error_with_a_sentence(day: date) -> None:
    with pytest.raises(UnknownYearError, match=rf"^{day.year}年的节假日安排未知（已知：2004年至2026年）"):
        CALENDAR.day(day)


def test_counting_across_the_end_of_the_tables_is_an_error_and_no_guess() -> None:
    with pytest.raises(UnknownYearError, match=r"^2027年"):
        CALENDAR.count(date(2026, 12, 30), 2)
    with pytest.raises(UnknownYearError, match=r"^2003年"):
        CALENDAR.count(date(2004, 1, 2), -1)
    with pytest.raises(UnknownYearError):
        CALENDAR.count(date.min, -1)


def test_counting_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.count(date(2023, 9, 27), 0)


def test_a_year_entered_by_the_coordinator_counts_from_then_on() -> None:
    calendar = WorkingCalendar([year_2027()])
    assert calendar.count(date(2027, 10, 8), -5)[-1].day.date == date(2027, 9, 26)
    # The 元旦 of 2027 reaches into the December before it: the library had them as a Thursday and a Sunday.
    assert calendar.day(date(2026, 12, 31)).why == "节假日（元旦）"
    assert calendar.day(date(2026, 12, 27)).why == "调休上班（元旦）"
    assert not calendar.settled(date(2027, 12, 31))
    with pytest.raises(UnknownYearError):
        calendar.day(date(2028, 1, 1))


def test_a_year_entered_goes_before_the_table_and_leaves_its_neighbours() -> None:
    """A library that was wrong about 2023, or older than a change of mind, can be corrected."""
    table = YearTable(
        2023,
        (
            Arrangement("元旦", date(2023, 1, 1), date(2023, 1, 2)),
            Arrangement("春节", date(2023, 1, 21), date(2023, 1, 27)),
            Arrangement("清明节", date(2023, 4, 5), date(2023, 4, 5)),
            Arrangement("劳动节", date(2023, 5, 1), date(2023, 5, 3)),
            Arrangement("端午节", date(2023, 6, 22), date(2023, 6, 24)),
            Arrangement("中秋节、国庆节", date(2023, 9, 29), date(2023, 10, 5)),
        ),
    )
    calendar = WorkingCalendar([table])
    assert calendar.is_working(date(2023, 10, 6))
    assert not calendar.is_working(date(2023, 10, 7))
    assert calendar.is_working(date(2022, 12, 30))
    assert not calendar.is_working(date(2023, 12, 30)), "arranged by the notice for 2024"
    assert not CALENDAR.is_working(date(2023, 10, 6)), "another calendar is not touched"


def test_years_apart_are_named_as_runs() -> None:
    table = year_2027()
    later = YearTable(
        2029,
        tuple(
            Arrangement(
                a.name,
                a.first.replace(year=a.first.year + 2),
                a.last.replace(year=a.last.year + 2),
            )
            for a in table.arrangements
        ),
    )
    with pytest.raises(UnknownYearError, match="已知：2004年至2026年、2029年"):
        WorkingCalendar([later]).day(date(2028, 5, 5))


def test_a_table_survives_its_json_form() -> None:
    assert YearTable.from_dict(year_2027().as_dict()) == year_2027()


def test_a_half_entered_year_is_refused_with_everything_that_is_missing() -> None:
    with pytest.raises(BadYearTableError) as caught:
        YearTable(2027, (Arrangement("元旦", date(2027, 1, 1), date(2027, 1, 3)),))
    assert caught.value.problems == (
        "缺少劳动节（2027-05-01）",
        "缺少国庆节（2027-10-01）",
        "缺少春节假期",
        "缺少清明假期",
        "缺少端午假期",
        "缺少中秋假期",
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (Arrangement("校庆", date(2027, 3, 3), date(2027, 3, 2)), "不像一次假期"),
        (Arrangement("校庆", date(2027, 3, 1), date(9999, 3, 2)), "不像一次假期"),
        (Arrangement("校庆", date(2028, 3, 3), date(2028, 3, 3)), "不属于2027年"),
        (Arrangement("校庆", date(2027, 5, 2), date(2027, 5, 2)), "2027-05-02重复出现"),
        (Arrangement("校庆", date(2027, 3, 3), date(2027, 3, 3), (date(2027, 3, 4),)), "不是周末"),
        (Arrangement(" ", date(2027, 3, 3), date(2027, 3, 3)), "没有名称"),
    ],
)
def test_an_arrangement_that_cannot_be_is_refused(wrong: Arrangement, sentence: str) -> None:
    with pytest.raises(BadYearTableError, match=sentence):
        YearTable(2027, (*year_2027().arrangements, wrong))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"year": 2027},
        {"holidays": 1},
        {"year": 0, "holidays": []},
        {"year": "x", "holidays": []},
        {"year": 2027, "holidays": [{"name": "元旦"}]},
        {"year": 2027, "holidays": [{"name": "元旦", "first": "2027-13-01", "last": "2027-01-01"}]},
    ],
)
def test_data_of_another_shape_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadYearTableError, match="格式不对"):
        YearTable.from_dict(data)


def test_late_december_is_open_until_the_next_year_is_known() -> None:
    assert CALENDAR.settled(date(2026, 12, 24))
    assert not CALENDAR.settled(date(2026, 12, 28))
    assert CALENDAR.settled(date(2025, 12, 28))


def test_the_date_is_that_of_beijing() -> None:
    assert beijing_date(datetime(2023, 9, 26, 16, 0, tzinfo=UTC)) == date(2023, 9, 27)
    with pytest.raises(ValueError, match="time zone"):
        beijing_date(datetime(2023, 9, 26, 16, 0))  # noqa: DTZ001  (the naive moment is the case)
