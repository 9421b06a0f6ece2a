"""What goes out: the objects of `docs/protocol.md`, made from the tables. One place for HTTP and sockets alike.

Rows of long lists are dataclasses: mypy checks them, and a thousand of them are not checked again at run time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from feedback.states import State as EntryState
from server.store.outcomes import Handed
from server.store.tables import Account, Entry, Unit

Kind = Literal["open-day", "lecture"]
State = Literal["scheduled", "live", "ended"]
Form = Literal["online", "in-person", "hybrid"]
Mode = Literal["after", "before", "suspicious"]
ChallengeMode = Literal["off", "auto", "on"]
IdentityMode = Literal["guest", "phone"]


class UnitView(BaseModel):
    """主责单位."""

    id: str
    name: str

    @classmethod
    def of(cls, unit: Unit) -> "UnitView":
        return cls(id=unit.id, name=unit.name)


@dataclass(slots=True, kw_only=True)
class SummaryView:
    """An activity in a list."""

    slug: str
    kind: Kind
    number: int
    topic: str | None
    title: str
    units: Sequence[UnitView]
    form: Form | None
    starts_at: datetime | None
    ends_at: datetime | None
    place: str
    state: State
    on_air: bool
    outcomes_version: int


@dataclass(slots=True, kw_only=True)
class ActivityView(SummaryView):
    """An activity by itself."""

    summary: str
    flow: str
    participation: str
    leader: str
    attended: str
    """Which of the unit's heads came (主要负责同志), told afterwards; empty before."""
    live_started_at: datetime | None
    live_ended_at: datetime | None
    watching: int
    notice_version: int
    materials_version: int
    moderation: Mode
    promise_days: int | None
    """Working days in which the unit itself undertakes to say what was adopted."""
    slow_seconds: int
    challenge: ChallengeMode
    identity: IdentityMode


@dataclass(slots=True)
class DeadlineView:
    """One deadline on the desk."""

    kind: str
    """`notice`, `selection` (遴选公告), `materials` or `adoption` (the unit's own promise)."""
    due: date | None
    done: bool
    late: bool
    done_on: date | None
    problem: str | None
    """Why no day could be counted, where form and time are set."""


@dataclass(slots=True)
class CountsView:
    """How many of each an activity has; `removals` are authors' requests that wait, the first until `removal_due`."""

    comments: int = 0
    questions: int = 0
    suggestions: int = 0
    undecided: int = 0
    removals: int = 0
    removal_due: date | None = None


@dataclass(slots=True, kw_only=True)
class DeskRow(SummaryView):
    """An activity on the desk: with what is due and what came in."""

    deadlines: list[DeadlineView]
    counts: CountsView


class AccountView(BaseModel):
    """A member of staff; never with a password."""

    id: int
    username: str
    name: str
    role: str
    unit: UnitView | None
    disabled: bool

    @classmethod
    def of(cls, account: Account) -> "AccountView":
        return cls(
            id=account.id,
            username=account.username,
            name=account.name,
            role=account.role,
            unit=UnitView.of(account.unit) if account.unit else None,
            disabled=account.disabled,
        )


class AnswerView(BaseModel):
    """The answer to a question; `text` may be empty where it was answered live."""

    mode: str
    text: str
    at: datetime

    @classmethod
    def of(cls, entry: Entry) -> "AnswerView | None":
        if entry.answer_mode is None or entry.answered_at is None:
            return None
        return cls(mode=entry.answer_mode, text=entry.answer or "", at=entry.answered_at)


class CommentView(BaseModel):
    """A comment as everybody sees it."""

    id: int
    text: str
    nickname: str
    at: datetime
    proposed: bool
    """Whether its author sent it as a suggestion (建议)."""

    @classmethod
    def of(cls, entry: Entry) -> "CommentView":
        return cls(id=entry.id, text=entry.text, nickname=entry.nickname, at=entry.at, proposed=entry.proposed)


class QuestionView(CommentView):
    """A question as everybody sees it."""

    votes: int
    merged: int
    """How many that ask the same are merged into it."""
    state: str
    on_screen: bool
    lifted: int | None
    """Its place among those that the host put first, for the presenter's view."""
    answer: AnswerView | None

    @classmethod
    def of(cls, entry: Entry) -> "QuestionView":
        return cls(
            id=entry.id,
            text=entry.text,
            nickname=entry.nickname,
            at=entry.at,
            proposed=entry.proposed,
            votes=entry.votes,
            merged=entry.merged_count,
            state=entry.state,
            on_screen=entry.on_screen,
            lifted=entry.lifted,
            answer=AnswerView.of(entry),
        )


class FlagView(BaseModel):
    """Why an entry was held or marked: a listed word with its place, or a device that is new here."""

    rule: Literal["word", "newcomer"]
    field: Literal["text", "nickname"] | None = None
    word: str | None = None
    list: str | None = None
    severity: str | None = None
    how: str | None = None
    start: int | None = None
    end: int | None = None


class NoteView(BaseModel):
    """What a host told the others about an entry."""

    id: int
    at: datetime
    by: str
    text: str


class EntryView(BaseModel):
    """A comment or question as staff sees it."""

    id: int
    kind: str
    text: str
    nickname: str
    at: datetime
    state: str
    score: float | None
    label: str | None
    corrected: str | None
    """The label that a host gave instead; it counts before `label`, which stays the model's."""
    utterance: str | None
    reason: str | None
    suggestion: int | None
    votes: int
    on_screen: bool
    answer: AnswerView | None
    flags: list[FlagView]
    merged: int
    merged_into: int | None
    proposed: bool
    similar: list[int]
    """Ids of questions that may ask the same."""
    revision: int
    handled_by: str | None
    handled_at: datetime | None
    """When the last act was; with `handled_by`, or by the author."""
    handover: Handed | None
    """The last 转办, unless it was recalled."""
    labels: list[str]
    notes: list[NoteView]
    lifted: int | None

    @classmethod
    def of(
        cls,
        entry: Entry,
        suggestion: int | None,
        similar: Sequence[int] = (),
        handover: Handed | None = None,
    ) -> "EntryView":
        return cls(
            id=entry.id,
            kind=entry.kind,
            text=entry.text,
            nickname=entry.nickname,
            at=entry.at,
            state=entry.state,
            score=entry.score,
            label=entry.label,
            corrected=entry.corrected,
            utterance=entry.utterance,
            reason=entry.reason,
            suggestion=suggestion,
            votes=entry.votes,
            on_screen=entry.on_screen,
            answer=AnswerView.of(entry),
            flags=[FlagView.model_validate(flag) for flag in entry.flags or []],
            merged=entry.merged_count,
            merged_into=entry.merged_into if entry.state == EntryState.MERGED.value else None,
            proposed=entry.proposed,
            similar=list(similar),
            revision=entry.revision,
            handled_by=entry.handled_by,
            handled_at=entry.changed_at if entry.revision else None,
            handover=handover,
            labels=entry.labels or [],
            notes=[NoteView.model_validate(note) for note in entry.notes or []],
            lifted=entry.lifted,
        )


def dump(views: Iterable[BaseModel]) -> list[dict[str, Any]]:
    """The views as JSON-able dictionaries."""
    return [view.model_dump(mode="json") for view in views]
