"""What comes after an event, as it goes out: suggestions, what is published, and what a receipt finds."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from feedback.text import mask_name
from server.protocol import AnswerView, EntryView, UnitView
from server.store.outcomes import Suggestion, SuggestionUpdate
from server.store.tables import Entry


class UpdateView(BaseModel):
    """What was told about a suggestion after its decision: the day, whose word it is, how far it has come."""

    at: datetime
    by: str
    progress: str
    text: str

    @classmethod
    def of(cls, update: SuggestionUpdate) -> "UpdateView":
        return cls(
            at=update.at,
            by=update.unit.name if update.unit else "区级统筹",
            progress=update.progress,
            text=update.text,
        )


class SuggestionView(BaseModel):
    """A suggestion and its decision, as the unit works on it."""

    id: int
    number: int
    revision: int
    topic: str
    entry: EntryView
    decision: str | None
    reason: str
    transferred_to: UnitView | None
    decided_by: str | None
    decided_at: datetime | None
    updates: list[UpdateView]

    @classmethod
    def of(cls, suggestion: Suggestion) -> "SuggestionView":
        return cls(
            id=suggestion.id,
            number=suggestion.number,
            revision=suggestion.revision,
            topic=suggestion.topic,
            entry=EntryView.of(suggestion.entry, suggestion.id),
            decision=suggestion.decision,
            reason=suggestion.reason,
            transferred_to=UnitView.of(suggestion.receiver) if suggestion.receiver else None,
            decided_by=suggestion.decider.name if suggestion.decider else None,
            decided_at=suggestion.decided_at,
            updates=[UpdateView.of(update) for update in suggestion.updates],
        )


class LedgerView(BaseModel):
    """received = shown + withheld + merged + withdrawn + deleted."""

    received: int
    shown: int
    withheld: int
    merged: int
    withdrawn: int
    deleted: int


class NumbersView(LedgerView):
    """The numbers of a published page."""

    comments: int
    questions: int
    answered: int
    suggestions: int
    adopted: int
    partly_adopted: int
    not_adopted: int
    kept_for_reference: int
    transferred: int
    hidden: dict[str, int] | None = None
    """Hidden entries by reason, never with a text; None in a version published before this was told."""

    @model_serializer(mode="wrap")
    def _as_published(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What a version did not say stays out, so that its digest can still be computed from what is served.
        fields: dict[str, Any] = handler(self)
        if self.hidden is None:
            fields.pop("hidden", None)
        return fields


class _Published(BaseModel):
    """Something published that may stand for others as well. What there is none of stays out of the version."""

    merged: int = 0
    salts: dict[str, str] = {}
    """By part (`words`, `reply`): what its seal is computed with (feedback.seals)."""
    seals: dict[str, str] = {}
    """Of the parts that were deleted since, which have no salt any more."""
    removed: dict[str, datetime] = {}
    """The parts that were deleted at the author's request, and when."""

    @model_serializer(mode="wrap")
    def _as_published(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if value or name not in _LEFT_OUT}


_LEFT_OUT = frozenset({"merged", "updates", "topic", "id", "salts", "seals", "removed"})


class PublishedQuestion(_Published):
    """A question with its answer on the public page."""

    id: int = 0
    """The entry's, by which it is found in every version; 0 in versions published before this was told."""
    text: str
    nickname: str
    votes: int
    mode: str | None
    answer: str
    answered_at: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> "PublishedQuestion":
        return cls(
            id=entry.id,
            text=entry.text,
            nickname=mask_name(entry.nickname),
            votes=entry.votes,
            mode=entry.answer_mode,
            answer=entry.answer or "",
            answered_at=entry.answered_at,
            merged=entry.merged_count,
        )


class PublishedSuggestion(_Published):
    """A suggestion with its decision on the public page."""

    number: int
    text: str
    nickname: str
    decision: str
    reason: str
    transferred_to: str | None
    decided_at: datetime
    topic: str = ""
    updates: list[UpdateView] = []

    @classmethod
    def of(cls, suggestion: Suggestion) -> "PublishedSuggestion":
        if suggestion.decision is None or suggestion.decided_at is None:
            raise ValueError(f"suggestion {suggestion.number} is not decided")
        return cls(
            number=suggestion.number,
            text=suggestion.entry.text,
            nickname=mask_name(suggestion.entry.nickname),
            decision=suggestion.decision,
            reason=suggestion.reason,
            transferred_to=suggestion.receiver.name if suggestion.receiver else None,
            decided_at=suggestion.decided_at,
            merged=suggestion.entry.merged_count,
            topic=suggestion.topic,
            updates=[UpdateView.of(update) for update in suggestion.updates],
        )


class OutcomesContent(BaseModel):
    """What one version of the outcomes says: the part that its digest covers (feedback.seals)."""

    form: int = 1
    note: str = ""
    """更正说明: why there is this version, in the unit's words."""
    deleted: list[str] = []
    """What this version deleted at an author's request, in all versions before it as well."""
    numbers: NumbersView
    questions: list[PublishedQuestion]
    suggestions: list[PublishedSuggestion]


class OutcomesView(OutcomesContent):
    """A published version of an activity's outcomes."""

    version: int
    published_at: datetime
    published_by: str
    sha256: str
    answered_seconds: list[float | None] = []
    """Where each of `questions` was answered in the released recording, None for the others; not in the digest."""
    verifiable: bool = True
    """Whether `sha256` can be computed from what is served; False in an old version of which something was deleted."""
    newest: int
    """The newest version's number."""
    totals: dict[str, int]
    """How many `questions` and `suggestions` the version holds, where only the first were asked for."""
    begins: dict[str, int] = {}
    """Which of them is the first here, counted from 0."""
    topics: dict[str, int] = {}
    """How many suggestions of the version stand under each topic, the fullest first."""


class ReceiptActivity(BaseModel):
    """Which activity a receipt belongs to."""

    slug: str
    title: str


class ReceiptSuggestion(BaseModel):
    """What became of an entry as a suggestion; the decision only once it is published."""

    number: int
    decision: str | None
    reason: str
    transferred_to: str | None
    published: bool


class ReceiptRemoval(BaseModel):
    """What the author asked the unit to delete from the published versions."""

    state: str
    """`asked`, `done`, `refused`."""
    asked_at: datetime
    due: date
    reason: str
    """Why it was refused."""


class ReceiptHandover(BaseModel):
    """转办: the unit that is asked to deal with it."""

    unit: str
    state: str
    """`offered`, `accepted`, `replied`."""
    due: date | None


class ReceiptHead(BaseModel):
    """The public entry that an author's entry was merged into."""

    text: str
    state: str


class ReceiptView(BaseModel):
    """What an author learns from a receipt code."""

    receipt: str
    kind: str
    proposed: bool
    state: str
    text: str
    nickname: str
    created_at: datetime
    activity: ReceiptActivity
    reason: str | None
    merged_into: ReceiptHead | None
    """Set where it was merged: the answer and the suggestion are then that entry's."""
    answer: AnswerView | None
    suggestion: ReceiptSuggestion | None
    handover: ReceiptHandover | None
    """Where it was handed to another unit, which has it still or has replied to the unit that holds the activity."""
    published: bool
    """Whether its words stand in a published version: the unit deletes them there, when the author asks."""
    removal: ReceiptRemoval | None
