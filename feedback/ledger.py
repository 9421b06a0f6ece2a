"""The account of what became of everything received: it has to add up, on every page and in every export."""

from collections.abc import Mapping
from dataclasses import dataclass

from feedback.states import State

_SHOWN = (State.SHOWN, State.OPEN, State.ANSWERED)
_WITHHELD = (State.PENDING, State.DECLINED, State.HIDDEN)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Numbers of entries. `received` is counted apart from the rest, so that a lost entry shows as a difference."""

    received: int = 0
    shown: int = 0
    withheld: int = 0
    merged: int = 0
    withdrawn: int = 0
    deleted: int = 0

    @property
    def accounted(self) -> int:
        """Entries whose whereabouts are known."""
        return self.shown + self.withheld + self.merged + self.withdrawn + self.deleted

    @property
    def balanced(self) -> bool:
        """received = shown + withheld + merged + withdrawn + deleted, and no number is negative."""
        parts = (self.received, self.shown, self.withheld, self.merged, self.withdrawn, self.deleted)
        return self.received == self.accounted and min(parts) >= 0

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(
            self.received + other.received,
            self.shown + other.shown,
            self.withheld + other.withheld,
            self.merged + other.merged,
            self.withdrawn + other.withdrawn,
            self.deleted + other.deleted,
        )

    def problems(self) -> list[str]:
        """What stands against a publication, in Chinese; empty when the account adds up."""
        if self.balanced:
            return []
        return [
            f"收到{self.received}条，展示、未展示、合并、撤回、依法删除合计{self.accounted}条，请核对后再公布",
        ]


def ledger(received: int, states: Mapping[State, int], *, deleted: int = 0) -> Ledger:
    """The account of one activity.

    *received* is the number of entries ever acknowledged, from a counter of its own, not from the rows that are left.
    *states* counts the rows by state; *deleted* counts rows removed by law. Shown are shown comments and open or
    answered questions; withheld are pending, declined and hidden.
    """
    return Ledger(
        received=received,
        shown=sum(states.get(state, 0) for state in _SHOWN),
        withheld=sum(states.get(state, 0) for state in _WITHHELD),
        merged=states.get(State.MERGED, 0),
        withdrawn=states.get(State.WITHDRAWN, 0),
        deleted=deleted,
    )
