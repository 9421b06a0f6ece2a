"""Comments and questions move between their states only as the protocol says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.states import (
    INITIAL,
    PUBLIC,
    STATES,
    Act,
    AnswerMode,
    IllegalTransition,
    Kind,
    Reason,
    State,
    apply,
    before_step,
    counterpart,
    legal_acts,
)


def walk(kind: Kind, *acts: Act) -> State:
    """The state after *acts*, keeping the state before hiding as the server does."""
    state, previous = INITIAL[kind], None
    for act in acts:
        after = apply(kind, state, act, previous)
        previous = state if act is Act.HIDE else None
        state = after
    return state


def test_a_question_is_approved_answered_and_corrected() -> None:
    assert walk(Kind.QUESTION) is State.PENDING
    assert walk(Kind.QUESTION, Act.APPROVE) is State.OPEN
    assert walk(Kind.QUESTION, Act.APPROVE, Act.ANSWER) is State.ANSWERED
    assert walk(Kind.QUESTION, Act.APPROVE, Act.ANSWER, Act.ANSWER) is State.ANSWERED


def test_an_answer_approves_a_pending_question() -> None:
    assert walk(Kind.QUESTION, Act.ANSWER) is State.ANSWERED


@pytest.mark.parametrize(
    ("kind", "acts", "state"),
    [
        (Kind.COMMENT, (), State.SHOWN),
        (Kind.QUESTION, (), State.PENDING),
        (Kind.QUESTION, (Act.APPROVE,), State.OPEN),
        (Kind.QUESTION, (Act.ANSWER,), State.ANSWERED),
        (Kind.QUESTION, (Act.DECLINE,), State.DECLINED),
    ],
)
def test_restoring_goes_back_to_the_state_before_hiding(kind: Kind, acts: tuple[Act, ...], state: State) -> None:
    assert walk(kind, *acts, Act.HIDE, Act.RESTORE) is state


@pytest.mark.parametrize(
    ("kind", "state", "act"),
    [
        (Kind.COMMENT, State.SHOWN, Act.ANSWER),
        (Kind.COMMENT, State.SHOWN, Act.APPROVE),
        (Kind.COMMENT, State.WITHDRAWN, Act.RESTORE),
        (Kind.QUESTION, State.ANSWERED, Act.DECLINE),
        (Kind.QUESTION, State.DECLINED, Act.ANSWER),
        (Kind.QUESTION, State.HIDDEN, Act.ANSWER),
        (Kind.COMMENT, State.PENDING, Act.REOPEN),
        (Kind.QUESTION, State.HIDDEN, Act.REOPEN),
        (Kind.QUESTION, State.SHOWN, Act.HIDE),
    ],
)
def test_an_illegal_act_says_so_in_words(kind: Kind, state: State, act: Act) -> None:
    with pytest.raises(IllegalTransition) as refused:
        apply(kind, state, act, State.SHOWN if kind is Kind.COMMENT else State.OPEN)
    assert act.text in refused.value.text
    assert state.text in refused.value.text


@pytest.mark.parametrize("kind", Kind)
def test_merging_is_undone_to_the_state_before(kind: Kind) -> None:
    before = INITIAL[kind]
    assert apply(kind, before, Act.MERGE) is State.MERGED
    assert apply(kind, State.MERGED, Act.SPLIT, before) is before
    assert apply(kind, State.MERGED, Act.WITHDRAW) is State.WITHDRAWN
    with pytest.raises(IllegalTransition):
        apply(kind, State.MERGED, Act.RESTORE, before)
    with pytest.raises(IllegalTransition):
        apply(kind, State.MERGED, Act.SPLIT, State.MERGED)


@pytest.mark.parametrize("previous", [None, State.HIDDEN, State.WITHDRAWN, State.SHOWN])
def test_restoring_needs_a_state_to_go_back_to(previous: State | None) -> None:
    with pytest.raises(IllegalTransition):
        apply(Kind.QUESTION, State.HIDDEN, Act.RESTORE, previous)


@pytest.mark.parametrize(
    ("kind", "acts", "state"),
    [
        (Kind.QUESTION, (Act.APPROVE,), State.PENDING),
        (Kind.QUESTION, (Act.ANSWER,), State.PENDING),
        (Kind.QUESTION, (Act.APPROVE, Act.ANSWER), State.OPEN),
        (Kind.QUESTION, (Act.APPROVE, Act.ANSWER, Act.ANSWER), State.OPEN),
        (Kind.QUESTION, (Act.APPROVE, Act.ANSWER, Act.REOPEN), State.PENDING),
        (Kind.QUESTION, (Act.DECLINE,), State.PENDING),
        (Kind.QUESTION, (Act.APPROVE, Act.DECLINE), State.OPEN),
        (Kind.QUESTION, (Act.DECLINE, Act.APPROVE), State.PENDING),
        (Kind.QUESTION, (Act.APPROVE, Act.DECLINE, Act.APPROVE, Act.DECLINE), State.OPEN),
        (Kind.QUESTION, (Act.APPROVE, Act.REOPEN, Act.ANSWER), State.PENDING),
        (Kind.QUESTION, (Act.APPROVE, Act.ANSWER, Act.HIDE, Act.RESTORE), State.OPEN),
    ],
)
def test_reopening_goes_back_to_what_was_before(kind: Kind, acts: tuple[Act, ...], state: State) -> None:
    now, hidden, steps = INITIAL[kind], INITIAL[kind], list[tuple[Act, State]]()
    for act in (*acts, Act.REOPEN):
        previous = hidden if act is Act.RESTORE else before_step(kind, now, reversed(steps))
        after = apply(kind, now, act, previous)
        steps.append((act, now))
        hidden, now = now, after
    assert now is state


def test_a_comment_goes_back_to_waiting_only_if_it_waited() -> None:
    approved = before_step(Kind.COMMENT, State.SHOWN, [(Act.APPROVE, State.PENDING)])
    assert apply(Kind.COMMENT, State.SHOWN, Act.REOPEN, approved) is State.PENDING
    with pytest.raises(IllegalTransition):
        apply(Kind.COMMENT, State.SHOWN, Act.REOPEN, before_step(Kind.COMMENT, State.SHOWN, []))


def test_what_no_step_tells_is_not_public() -> None:
    assert before_step(Kind.QUESTION, State.ANSWERED, []) is State.PENDING


@given(st.sampled_from(Kind), st.sampled_from(State), st.sampled_from(Act), st.none() | st.sampled_from(State))
def test_every_act_ends_in_a_state_of_its_kind_or_is_refused(
    kind: Kind, state: State, act: Act, previous: State | None
) -> None:
    try:
        after = apply(kind, state, act, previous)
    except IllegalTransition:
        return
    assert after in STATES[kind]
    assert state in STATES[kind]
    assert act in legal_acts(kind, state)


@given(st.sampled_from(Kind), st.sampled_from(Act))
def test_what_is_withdrawn_stays_withdrawn(kind: Kind, act: Act) -> None:
    with pytest.raises(IllegalTransition):
        apply(kind, State.WITHDRAWN, act, State.OPEN)


def test_everything_has_a_chinese_word() -> None:
    for word in (*Kind, *State, *Act, *Reason, *AnswerMode):
        assert word.text
    assert frozenset(State) >= PUBLIC


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
def test_who_takes_a_place_gets_a_state_of_its_own_kind(kind: Kind, state: State) -> None:
    assert counterpart(kind, state) in STATES[kind]
    assert (counterpart(kind, state) in PUBLIC) is (state in PUBLIC)
