"""What comes after an event, as it goes out: suggestions, what is published, and what a receipt finds."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from feedback.text import mask_name
from server.protocol import AnswerView, EntryView, UnitView
from server.store.tables import Entry, Suggestion, SuggestionUpdate


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


class _Grouped(BaseModel):
    """Something published that may stand for others as well. What there is none of stays out of the digest."""

    merged: int = 0

    @model_serializer(mode="wrap")
    def _as_published(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if value or name not in ("merged", "updates")}


class PublishedQuestion(_Grouped):
    """A question with its answer on the public page."""

    text: str
    nickname: str
    votes: int
    mode: str | None
    answer: str
    answered_at: datetime | None

    @classmethod
    def of(cls, entry: Entry) -> "PublishedQuestion":
        return cls(
            text=entry.text,
            nickname=mask_name(entry.nickname),
            votes=entry.votes,
            mode=entry.answer_mode,
            answer=entry.answer or "",
            answered_at=entry.answered_at,
            merged=entry.merged_count,
        )


class PublishedSuggestion(_Grouped):
    """A suggestion with its decision on the public page."""

    number: int
    text: str
    nickname: str
    decision: str
    reason: str
    transferred_to: str | None
    decided_at: datetime
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
            updates=[UpdateView.of(update) for update in suggestion.updates],
        )


class OutcomesContent(BaseModel):
    """What one version of the outcomes says: the part that its digest covers."""

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
