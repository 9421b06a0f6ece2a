"""Decisions on suggestions, what must be there before they are published, and the rate of adoption.

The 2023 plan's duty “向群众反馈意见建议采纳情况” names no form. This one follows what districts and bureaux publish:
a decision and, where the answer is not a plain yes, its reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Decision(StrEnum):
    """What a unit decided on a suggestion."""

    ADOPTED = "adopted"
    PARTLY_ADOPTED = "partly-adopted"
    NOT_ADOPTED = "not-adopted"
    KEPT_FOR_REFERENCE = "kept-for-reference"
    TRANSFERRED = "transferred"

    @property
    def text(self) -> str:
        return _TEXT[self]


_TEXT = {
    Decision.ADOPTED: "采纳",
    Decision.PARTLY_ADOPTED: "部分采纳",
    Decision.NOT_ADOPTED: "未采纳",
    Decision.KEPT_FOR_REFERENCE: "留作参考",
    Decision.TRANSFERRED: "转办",
}


class Progress(StrEnum):
    """How far what was decided has come (落实情况): apart from the decision, and told later."""

    DONE = "done"
    UNDER_WAY = "under-way"
    NOT_STARTED = "not-started"

    @property
    def text(self) -> str:
        return {Progress.DONE: "已落实", Progress.UNDER_WAY: "推进中", Progress.NOT_STARTED: "未启动"}[self]


NEEDS_REASON: frozenset[Decision] = frozenset({Decision.PARTLY_ADOPTED, Decision.NOT_ADOPTED, Decision.TRANSFERRED})

DENOMINATOR = (
    "采纳率＝（采纳＋部分采纳）÷已作出决定的意见建议（含留作参考和转办）；咨询、合并的重复件和无效内容不计入。"
)
"""The sentence that stands beside every rate."""


class Decided(Protocol):
    """What this module reads of a suggestion; rows, payloads and `digest.model.Suggestion` all have it."""

    @property
    def number(self) -> int: ...

    @property
    def decision(self) -> Decision | None: ...

    @property
    def reason(self) -> str | None: ...

    @property
    def transferred_to(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision by itself, for callers that have no row yet. Satisfies `Decided`."""

    number: int
    decision: Decision | None
    reason: str | None = None
    transferred_to: str | None = None


def problems(suggestion: Decided) -> list[str]:
    """What is missing before *suggestion* may be published, in Chinese, each naming its number; empty when ready."""
    name = f"第{suggestion.number}号意见建议"
    decision = suggestion.decision
    if decision is None:
        return [f"{name}还没有决定"]
    missing = []
    if decision in NEEDS_REASON and not (suggestion.reason or "").strip():
        missing.append(f"{name}决定为“{decision.text}”，需要写明理由")
    if decision is Decision.TRANSFERRED and not (suggestion.transferred_to or "").strip():
        missing.append(f"{name}决定为“{decision.text}”，需要写明转给哪个单位")
    return missing


def all_problems(suggestions: Iterable[Decided]) -> list[str]:
    """The problems of all *suggestions*, in their order. A publication needs this empty, and the ledger's too."""
    return [problem for suggestion in suggestions for problem in problems(suggestion)]


@dataclass(frozen=True, slots=True)
class Adoption:
    """Numbers of suggestions by decision. `DENOMINATOR` says what the rate divides by."""

    adopted: int = 0
    partly_adopted: int = 0
    not_adopted: int = 0
    kept_for_reference: int = 0
    transferred: int = 0
    undecided: int = 0

    @property
    def total(self) -> int:
        return self.decided + self.undecided

    @property
    def decided(self) -> int:
        """The rate's denominator."""
        return self.adopted + self.partly_adopted + self.not_adopted + self.kept_for_reference + self.transferred

    @property
    def rate(self) -> float | None:
        """Adopted or partly adopted of those decided, in [0, 1]; None when nothing is decided."""
        return (self.adopted + self.partly_adopted) / self.decided if self.decided else None

    @property
    def by_decision(self) -> dict[Decision, int]:
        return {
            Decision.ADOPTED: self.adopted,
            Decision.PARTLY_ADOPTED: self.partly_adopted,
            Decision.NOT_ADOPTED: self.not_adopted,
            Decision.KEPT_FOR_REFERENCE: self.kept_for_reference,
            Decision.TRANSFERRED: self.transferred,
        }


def adoption(decisions: Iterable[Decision | None]) -> Adoption:
    """Count *decisions*; None is a suggestion still undecided."""
    counts: dict[Decision | None, int] = dict.fromkeys([*Decision, None], 0)
    for decision in decisions:
        counts[decision] += 1
    return Adoption(
        adopted=counts[Decision.ADOPTED],
        partly_adopted=counts[Decision.PARTLY_ADOPTED],
        not_adopted=counts[Decision.NOT_ADOPTED],
        kept_for_reference=counts[Decision.KEPT_FOR_REFERENCE],
        transferred=counts[Decision.TRANSFERRED],
        undecided=counts[None],
    )
