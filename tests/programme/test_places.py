"""What may become of a registration, tickets without personal data, and the numbers of 满意度."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.personal import Person, Seals, mask_phone
from server.programme.places import (
    HOLDING,
    Category,
    IllegalStep,
    PlaceAct,
    PlaceState,
    Satisfaction,
    advice,
    quota_problems,
    read_ticket,
    satisfied_share,
    step,
    ticket,
)

KEY = b"k" * 32


@given(st.sampled_from(PlaceState), st.sampled_from(PlaceAct))
def test_every_act_has_its_state_or_is_refused(state: PlaceState, act: PlaceAct) -> None:
    try:
        after = step(state, act)
    except IllegalStep:
        return
    assert state is not PlaceState.WITHDRAWN
    assert after is not state
    if act is PlaceAct.CONFIRM:
        assert state is PlaceState.SELECTED


def test_a_person_is_selected_confirms_and_gives_the_place_back() -> None:
    state = PlaceState.APPLIED
    for act in (PlaceAct.WAIT, PlaceAct.SELECT, PlaceAct.CONFIRM):
        state = step(state, act)
    assert state in HOLDING
    assert step(state, PlaceAct.DECLINE) is PlaceState.DECLINED


def test_quotas_never_fall_below_those_who_hold_a_place() -> None:
    assert quota_problems({"parent": 3}, {"parent": 3}) == []
    assert quota_problems({"parent": 2}, {"parent": 3}) == ["家长代表已有3人入选或确认，名额不能少于3"]
    assert quota_problems({}, {"journalist": 1}) == ["媒体记者已有1人入选或确认，名额不能少于1"]


def test_about_thirty_is_advice() -> None:
    assert advice({"parent": 20, "journalist": 10}) == ""
    assert "仅供参考" in advice({"parent": 200})


def test_a_ticket_is_for_one_activity_and_cannot_be_made_up() -> None:
    made = ticket(KEY, "k11", 7)
    assert read_ticket(KEY, "k11", f" {made}\n") == 7
    for wrong in (made[:-1] + "0", made.replace(".7.", ".8."), made.upper(), "7", "", "M1.k11.7.", made + "x"):
        assert read_ticket(KEY, "k11", wrong) is None or wrong == made
    assert read_ticket(KEY, "k12", made) is None
    assert read_ticket(b"other" * 8, "k11", made) is None


@given(st.text(min_size=2, max_size=40), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_what_is_sealed_is_opened_again_and_reads_as_nothing(name: str, phone: str) -> None:
    seals, person = Seals(KEY), Person(name, phone, "某公司")
    sealed = seals.seal(person)
    assert seals.open(sealed) == person
    assert phone not in sealed
    assert seals.digest(1, phone) == seals.digest(1, phone) != seals.digest(2, phone)
    assert mask_phone(phone) == f"{phone[:3]}****{phone[7:]}"
    assert phone not in person.masked.phone


def test_the_share_of_the_satisfied() -> None:
    assert satisfied_share({}) is None
    assert satisfied_share({Satisfaction.VERY_SATISFIED: 2, Satisfaction.SATISFIED: 1, Satisfaction.NEUTRAL: 1}) == 0.75


@pytest.mark.parametrize("words", [Category, PlaceState, Satisfaction])
def test_everything_has_a_chinese_word(words: type[Category | PlaceState | Satisfaction]) -> None:
    assert all(member.text for member in words)
