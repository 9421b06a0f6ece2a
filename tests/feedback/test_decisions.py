"""What a unit has to write before a decision is published, and what the rate of adoption divides by."""

import pytest

from feedback.decisions import DENOMINATOR, Decision, Ruling, adoption, all_problems, problems


@pytest.mark.parametrize("decision", [Decision.ADOPTED, Decision.KEPT_FOR_REFERENCE])
def test_a_plain_decision_needs_no_more(decision: Decision) -> None:
    assert problems(Ruling(1, decision)) == []


@pytest.mark.parametrize("decision", [Decision.PARTLY_ADOPTED, Decision.NOT_ADOPTED, Decision.TRANSFERRED])
@pytest.mark.parametrize("reason", [None, "", "  \n"])
def test_what_is_no_plain_yes_needs_a_reason(decision: Decision, reason: str | None) -> None:
    found = problems(Ruling(7, decision, reason, "区城管委"))
    assert len(found) == 1
    assert "7" in found[0]
    assert decision.text in found[0]


def test_handing_over_needs_a_receiver() -> None:
    assert problems(Ruling(1, Decision.TRANSFERRED, "不属本单位职责", "区城管委")) == []
    assert problems(Ruling(1, Decision.TRANSFERRED, "不属本单位职责", " ")) == [
        "第1号意见建议决定为“转办”，需要写明转给哪个单位"
    ]


def test_the_undecided_block() -> None:
    assert all_problems([Ruling(1, Decision.ADOPTED), Ruling(2, None)]) == ["第2号意见建议还没有决定"]


def test_the_rate_divides_by_what_is_decided() -> None:
    numbers = adoption(
        [Decision.ADOPTED, Decision.PARTLY_ADOPTED, Decision.NOT_ADOPTED, Decision.TRANSFERRED, None, None]
    )
    assert (numbers.total, numbers.decided, numbers.undecided) == (6, 4, 2)
    assert numbers.rate == 0.5
    assert sum(numbers.by_decision.values()) == numbers.decided
    assert "转办" in DENOMINATOR


def test_nothing_has_no_rate() -> None:
    assert adoption([]).rate is None
    assert adoption([None]).rate is None
