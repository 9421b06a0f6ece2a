"""A change of time that the plan wants filed makes a record at the same moment, or is not made."""

from datetime import UTC, date, datetime

import pytest

from server.programme.filings import FilingRefusedError, Ground, Period, Times, file_change, grounds
from server.programme.plan import load_plan_2023
from server.programme.units import KNOWN


def plan_period() -> Period:
    plan = load_plan_2023()
    assert plan.first
    assert plan.last
    return Period(plan.first, plan.last)


PERIOD = plan_period()


def held(month: int, day: int, hour: int = 14, year: int = 2023) -> Times:
    """An activity of two hours from `hour` o'clock in Beijing."""
    return Times(datetime(year, month, day, hour - 8, tzinfo=UTC), datetime(year, month, day, hour - 6, tzinfo=UTC))


NO_DATE = Times()


@pytest.mark.parametrize(
    ("before", "after", "published", "expected"),
    [
        pytest.param(NO_DATE, held(8, 1), None, (), id="a first date in the period"),
        pytest.param(NO_DATE, held(11, 30), None, (), id="the last day of the period"),
        pytest.param(NO_DATE, held(12, 1), None, (Ground.OUT_OF_PERIOD,), id="a first date after the period"),
        pytest.param(held(9, 27), held(7, 31), None, (Ground.OUT_OF_PERIOD,), id="before the period"),
        pytest.param(held(9, 27), held(9, 28), None, (), id="moved before anything was published"),
        pytest.param(held(9, 27), held(9, 28), held(9, 27), (Ground.OFF_PUBLISHED_TIME,), id="off the published day"),
        pytest.param(held(9, 27), held(9, 27, 15), held(9, 27), (Ground.OFF_PUBLISHED_TIME,), id="off the hour"),
        pytest.param(held(9, 27), NO_DATE, held(9, 27), (Ground.OFF_PUBLISHED_TIME,), id="put off without a date"),
        pytest.param(
            held(9, 27),
            held(12, 5),
            held(9, 27),
            (Ground.OUT_OF_PERIOD, Ground.OFF_PUBLISHED_TIME),
            id="out of the period and off the published time",
        ),
        pytest.param(held(9, 28), held(9, 27), held(9, 27), (), id="back to the published time"),
        pytest.param(held(12, 5), held(12, 5), held(12, 5), (), id="nothing changed"),
        pytest.param(held(12, 5), held(12, 6), None, (Ground.OUT_OF_PERIOD,), id="from outside to outside"),
        pytest.param(held(12, 5), held(11, 6), None, (), id="back into the period, never published"),
    ],
)
def test_what_has_to_be_filed(
    before: Times, after: Times, published: Times | None, expected: tuple[Ground, ...]
) -> None:
    assert grounds(before, after, published, PERIOD) == expected


def test_the_day_is_that_of_beijing() -> None:
    """Half past midnight on December 1 in Beijing is still November 30 in UTC."""
    after = Times(datetime(2023, 11, 30, 16, 30, tzinfo=UTC))
    assert grounds(NO_DATE, after, None, PERIOD) == (Ground.OUT_OF_PERIOD,)


def test_an_activity_that_runs_past_the_period_is_out_of_it() -> None:
    after = Times(datetime(2023, 11, 30, 1, tzinfo=UTC), datetime(2023, 12, 1, 1, tzinfo=UTC))
    assert grounds(NO_DATE, after, None, PERIOD) == (Ground.OUT_OF_PERIOD,)


def test_a_unit_outside_the_plan_chooses_its_time_but_keeps_what_it_announced() -> None:
    assert grounds(NO_DATE, held(2, 1, year=2024), None, None) == ()
    assert grounds(held(9, 27), held(9, 28), held(9, 27), None) == (Ground.OFF_PUBLISHED_TIME,)


def test_a_filing_records_what_why_and_when() -> None:
    now = datetime(2023, 9, 25, 2, tzinfo=UTC)
    filing = file_change(
        held(9, 27),
        held(12, 5),
        published=held(9, 27),
        period=PERIOD,
        reason=" 场地检修 ",
        units=[KNOWN["采育镇"]],
        at=now,
    )
    assert filing
    assert filing.filed_at == now
    assert filing.units == ("caiyu",)
    assert not filing.own
    assert filing.summary == (
        "活动时间由2023年9月27日（周三）14:00至16:00调整为2023年12月5日（周二）14:00至16:00。"
        "活动不在方案规定的期间内举办；活动时间与已公布的时间不同。原因：场地检修"
    )


def test_a_filing_by_the_unit_that_receives_filings_is_marked() -> None:
    filing = file_change(
        held(9, 27),
        NO_DATE,
        published=held(9, 27),
        period=PERIOD,
        reason="另行通知",
        units=[KNOWN["政务服务局"]],
        at=datetime(2023, 9, 25, tzinfo=UTC),
    )
    assert filing
    assert filing.own
    assert "调整为时间未定" in filing.summary
    assert filing.summary.endswith("（本单位即为接受报备的单位）")


def test_without_a_reason_a_change_that_has_to_be_filed_is_refused() -> None:
    with pytest.raises(FilingRefusedError, match="活动不在方案规定的期间内举办，需同时报备，请填写调整原因"):
        file_change(
            NO_DATE,
            held(12, 5),
            published=None,
            period=PERIOD,
            reason=" ",
            units=[],
            at=datetime(2023, 9, 25, tzinfo=UTC),
        )


def test_a_change_that_needs_no_filing_makes_none() -> None:
    made = file_change(
        NO_DATE, held(9, 27), published=None, period=PERIOD, reason="", units=[], at=datetime(2023, 9, 1, tzinfo=UTC)
    )
    assert made is None


def test_the_period_includes_both_its_days() -> None:
    assert date(2023, 8, 1) in PERIOD
    assert date(2023, 11, 30) in PERIOD
    assert date(2023, 12, 1) not in PERIOD
    assert str(PERIOD) == "2023-08-01至2023-11-30"
