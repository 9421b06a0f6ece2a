"""The account adds up after any sequence of events, and says so when it doesn't."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from feedback.ledger import Ledger, ledger
from feedback.states import INITIAL, Act, IllegalTransition, Kind, State, apply


class Activity(RuleBasedStateMachine):
    """An activity in which entries arrive, are moderated, merged, withdrawn and deleted in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.received = 0
        self.deleted = 0
        self.entries: list[tuple[Kind, State, State | None]] = []

    @rule(kind=st.sampled_from(Kind))
    def arrive(self, kind: Kind) -> None:
        self.received += 1
        self.entries.append((kind, INITIAL[kind], None))

    @rule(which=st.integers(0, 20), act=st.sampled_from(Act))
    def act(self, which: int, act: Act) -> None:
        if not self.entries:
            return
        index = which % len(self.entries)
        kind, state, previous = self.entries[index]
        try:
            after = apply(kind, state, act, previous)
        except IllegalTransition:
            return
        self.entries[index] = (kind, after, state if act in (Act.HIDE, Act.MERGE) else None)

    @rule(which=st.integers(0, 20))
    def delete_by_law(self, which: int) -> None:
        if not self.entries:
            return
        self.entries.pop(which % len(self.entries))
        self.deleted += 1

    @invariant()
    def balances(self) -> None:
        states = Counter(state for _, state, _ in self.entries)
        account = ledger(self.received, states, deleted=self.deleted)
        assert account.balanced
        assert account.problems() == []


TestActivity = Activity.TestCase


@given(st.dictionaries(st.sampled_from(State), st.integers(0, 1000)), st.integers(1, 10))
def test_a_lost_entry_shows(states: dict[State, int], lost: int) -> None:
    account = ledger(sum(states.values()) + lost, states)
    assert not account.balanced
    assert str(account.received) in account.problems()[0]


def test_each_state_has_its_place() -> None:
    account = ledger(28, {state: 1 << index for index, state in enumerate(State)} | {State.SHOWN: 0}, deleted=4)
    assert account.shown == (1 << list(State).index(State.OPEN)) + (1 << list(State).index(State.ANSWERED))
    assert account.withdrawn == 1 << list(State).index(State.WITHDRAWN)
    assert (account.merged, account.deleted) == (1 << list(State).index(State.MERGED), 4)


def test_accounts_add_up() -> None:
    assert Ledger(2, 1, 1) + Ledger(3, 1, 0, 1, 1) == Ledger(5, 2, 1, 1, 1)


def test_negative_numbers_are_no_account() -> None:
    assert not Ledger(received=0, shown=1, withheld=-1).balanced
