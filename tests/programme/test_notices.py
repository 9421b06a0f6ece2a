"""A notice has five required fields and comes in time, or says why not; a correction says what changed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from server.programme.calendar import WorkingCalendar
from server.programme.deadlines import Form, Timetable, timetable
from server.programme.notices import NoticeFacts, NoticeField, changes, compose, duration_text, missing, objections

FULL = NoticeFacts(
    title="政务服务体验",
    starts_at=datetime(2023, 10, 10, 6, 0, tzinfo=UTC),
    ends_at=datetime(2023, 10, 10, 7, 30, tzinfo=UTC),
    flow="参观大厅；座谈；答疑",
    participation="打开活动页面观看直播并提问",
    units=("采育镇", "榆垡镇"),
)


def online() -> Timetable:
    return timetable(WorkingCalendar(), Form.ONLINE, date(2023, 10, 10))


def test_the_five_fields_are_the_plans_in_its_order() -> None:
    assert [field.label for field in NoticeField] == [
        "活动时间",
        "活动时长",
        "活动大体流程安排",
        "网民参与方式",
        "主办单位",
    ]


def test_a_full_notice_shows_the_fields_in_beijing_time() -> None:
    assert missing(FULL) == ()
    assert compose(FULL) == (
        ("活动时间", "2023年10月10日（周二）14:00至15:30"),
        ("活动时长", "1小时30分钟"),
        ("活动大体流程安排", "参观大厅；座谈；答疑"),
        ("网民参与方式", "打开活动页面观看直播并提问"),
        ("主办单位", "采育镇、榆垡镇"),
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (replace(FULL, starts_at=None), (NoticeField.TIME, NoticeField.DURATION)),
        (replace(FULL, ends_at=None), (NoticeField.DURATION,)),
        (replace(FULL, ends_at=FULL.starts_at), (NoticeField.DURATION,)),
        (replace(FULL, flow=" \n"), (NoticeField.FLOW,)),
        (replace(FULL, participation=""), (NoticeField.PARTICIPATION,)),
        (replace(FULL, units=()), (NoticeField.ORGANISER,)),
        (replace(FULL, units=("",)), (NoticeField.ORGANISER,)),
        (NoticeFacts("政务服务体验"), tuple(NoticeField)),
    ],
)
def test_an_empty_field_is_missing(facts: NoticeFacts, expected: tuple[NoticeField, ...]) -> None:
    assert missing(facts) == expected
    assert len(compose(facts)) == 5 - len(expected)


def test_a_notice_in_time_with_all_fields_meets_no_objection() -> None:
    assert objections(FULL, online(), date(2023, 10, 7)) == ()


def test_a_late_or_incomplete_notice_needs_a_reason_for_each_fault() -> None:
    assert objections(replace(FULL, flow=""), online(), date(2023, 10, 8)) == (
        "公告缺少活动大体流程安排",
        "公告晚于期限：最迟应为2023-10-07（周六，调休上班），线上直播：活动之前至少3个工作日，活动当天不计",
    )


def test_a_deadline_that_is_not_known_is_an_objection_too() -> None:
    assert objections(FULL, None, date(2023, 10, 7)) == ("活动日期未定，无法核对公告是否按时",)
    unknown = timetable(WorkingCalendar(), Form.ONLINE, date(2027, 3, 1))
    assert objections(FULL, unknown, date(2027, 2, 1))[0].startswith("无法核对公告是否按时：2027年")


def test_a_correction_says_what_changed() -> None:
    corrected = replace(
        FULL,
        starts_at=datetime(2023, 10, 10, 7, 0, tzinfo=UTC),
        ends_at=datetime(2023, 10, 10, 8, 30, tzinfo=UTC),
        participation="",
        free=(("咨询电话", "010-00000000"),),
    )
    assert [str(change) for change in changes(FULL, corrected)] == [
        "活动时间由“2023年10月10日（周二）14:00至15:30”更正为“2023年10月10日（周二）15:00至16:30”",
        "增加咨询电话：010-00000000",
        "删去网民参与方式（原为：打开活动页面观看直播并提问）",
    ]
    assert changes(FULL, FULL) == ()
    assert [change.label for change in changes(FULL, replace(FULL, title="开放日"))] == ["标题"]


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (datetime(2023, 10, 10, 7, 0, tzinfo=UTC), "1小时"),
        (datetime(2023, 10, 10, 6, 45, tzinfo=UTC), "45分钟"),
        (datetime(2023, 10, 12, 7, 5, tzinfo=UTC), "2天1小时5分钟"),
        (datetime(2023, 10, 10, 5, 0, tzinfo=UTC), ""),
    ],
)
def test_durations(end: datetime, text: str) -> None:
    assert duration_text(datetime(2023, 10, 10, 6, 0, tzinfo=UTC), end) == text


def test_an_activity_over_midnight_names_both_days() -> None:
    facts = replace(FULL, ends_at=datetime(2023, 10, 11, 8, 0, tzinfo=UTC))
    assert compose(facts)[0][1] == "2023年10月10日（周二）14:00至2023年10月11日（周三）16:00"
