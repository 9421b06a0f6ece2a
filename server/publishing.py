"""The published record: a version of the outcomes is made here, kept, and served as it was published."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import seals
from feedback.decisions import Decision
from feedback.states import AnswerMode, Reason, State
from feedback.topics import UNFILED, counted
from server.auth.rights import Principal
from server.errors import Conflict, NotFound
from server.followup import needs_release, note_put_forward, require_release
from server.outcomes import Draft, content_digest, draft, hidden_by_reason
from server.outcomes_views import (
    NumbersView,
    OutcomesView,
    PublishedQuestion,
    PublishedSuggestion,
)
from server.store.entries import COMMENT, QUESTION, answered_questions
from server.store.outcomes import Publication
from server.store.recordings import public_recording, recording_second
from server.store.removals import DONE, Removal
from server.store.tables import Act, Activity, Entry

Content = dict[str, Any]
_LISTS = ("questions", "suggestions")
_NAMED = 10
"""Of what is missing, so many are named in a refusal."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a version is asked for: *limit* items of each list from *questions* and *suggestions* on, or the
    first pages up to the one that holds an item.
    """

    limit: int
    questions: int = 0
    suggestions: int = 0
    question: int | None = None
    suggestion: int | None = None
    topic: str | None = None
    """Only suggestions under that topic."""


async def prepare(session: AsyncSession, activity: Activity, note: str = "") -> tuple[Draft, Content]:
    """The work, and the content that would be published now. Raises Conflict (`incomplete`) with what is missing."""
    work = await draft(session, activity)
    if work.problems:
        named = "；".join(work.problems[:_NAMED])
        rest = f"；还有{len(work.problems) - _NAMED}项" if len(work.problems) > _NAMED else ""
        raise Conflict(f"{named}{rest}。", code="incomplete")
    taken = await _taken_out(session, activity.id)
    suggestions = [
        _shortened(PublishedSuggestion.of(item), taken.get(item.entry_id) if _gone(item.entry) else None)
        for item in work.suggestions
    ]
    questions = [PublishedQuestion.of(entry) for entry in await answered_questions(session, activity.id)]
    content: Content = {
        "numbers": numbers_of(work, suggestions, await hidden_by_reason(session, activity.id)).model_dump(mode="json"),
        "questions": [item.model_dump(mode="json") for item in questions],
        "suggestions": [item.model_dump(mode="json") for item in suggestions],
    }
    content["questions"] += await _kept_signs(session, activity.id, {item.id for item in questions})
    if note:
        content["note"] = note
    return work, content


async def publish(
    session: AsyncSession, principal: Principal, activity: Activity, now: datetime, note: str = ""
) -> Publication:
    """Publish a new version of the outcomes. Raises Conflict (`incomplete`, `needs_release`).

    *note* says why there is a new version; where a second person releases, it is the note that was put forward.
    """
    note = await note_put_forward(session, activity) if needs_release(activity) else note
    work, content = await prepare(session, activity, note)
    await require_release(session, principal, activity, content_digest(content))
    return await keep(
        session, principal, activity, content, {str(item.number): item.entry_id for item in work.suggestions}, now
    )


async def keep(
    session: AsyncSession,
    principal: Principal,
    activity: Activity,
    content: Content,
    entry_ids: dict[str, int],
    now: datetime,
) -> Publication:
    """Store a content as the newest version, sealed, with its log line."""
    latest = await newest_publication(session, activity.id)
    published = seals.sealed(content)
    publication = Publication(
        activity_id=activity.id,
        version=latest.version + 1 if latest else 1,
        published_at=now,
        account_id=principal.account_id,
        sha256=seals.digest(published),
        content=published,
        entry_ids=entry_ids,
    )
    session.add(publication)
    detail: dict[str, object] = {"version": publication.version, "sha256": publication.sha256}
    if content.get("note"):
        detail["note"] = content["note"]
    session.add(Act(at=now, account_id=principal.account_id, activity_id=activity.id, act="publish", detail=detail))
    await session.flush()
    return publication


async def newest_publication(session: AsyncSession, activity_id: int) -> Publication | None:
    """The newest version, None before the first."""
    query = select(Publication).where(Publication.activity_id == activity_id).order_by(Publication.version.desc())
    return cast("Publication | None", await session.scalar(query.limit(1)))


async def serve(
    session: AsyncSession, activity: Activity, version: int | None = None, window: Window | None = None
) -> Content:
    """A version as JSON, the newest by default, whole or a window of it. Raises NotFound.

    What was published goes out as it is stored, without being read into objects: a version may hold thousands of items.
    """
    newest = await newest_publication(session, activity.id)
    if newest is None:
        raise NotFound("这个活动还没有公布采纳情况。")
    publication: Publication | None = newest
    if version is not None and version != newest.version:
        publication = await session.scalar(
            select(Publication).where(Publication.activity_id == activity.id, Publication.version == version)
        )
    if publication is None:
        raise NotFound("没有这一版。")
    content: Content = dict(publication.content)
    recording = await public_recording(session, activity.id)
    begins, totals = {}, {}
    topics = counted([item.get("topic", "") for item in content["suggestions"]])
    for name in _LISTS:
        items = content[name]
        if window is not None and window.topic is not None and name == "suggestions":
            items = [item for item in items if (item.get("topic") or UNFILED) == window.topic]
        totals[name] = len(items)
        first, last = _bounds(name, items, window)
        begins[name] = first
        content[name] = items[first:last]
    seconds = (
        [
            recording_second(recording.spans, datetime.fromisoformat(question["answered_at"]))
            if question["mode"] == AnswerMode.LIVE and question["answered_at"]
            else None
            for question in content["questions"]
        ]
        if recording is not None
        else []
    )
    return {
        **content,
        "version": publication.version,
        "published_at": seals.time_text(publication.published_at),
        "published_by": "、".join(unit.name for unit in activity.units),
        "sha256": publication.sha256,
        "verifiable": seals.verifiable(publication.content),
        "newest": newest.version,
        "answered_seconds": seconds,
        "totals": totals,
        "begins": begins,
        "topics": topics,
    }


async def latest_outcomes(session: AsyncSession, activity: Activity) -> OutcomesView:
    """The newest published version, whole. Raises NotFound before the first."""
    return OutcomesView.model_validate(await serve(session, activity))


def numbers_of(work: Draft, suggestions: Sequence[PublishedSuggestion], hidden: dict[Reason, int]) -> NumbersView:
    """The numbers of a version: the account as it is now, and the decisions as they are published."""
    decisions = Counter(item.decision for item in suggestions)
    account = work.ledger
    return NumbersView(
        received=account.received,
        shown=account.shown,
        withheld=account.withheld,
        merged=account.merged,
        withdrawn=account.withdrawn,
        deleted=account.deleted,
        comments=sum(count for (kind, _), count in work.counts.items() if kind == COMMENT),
        questions=sum(count for (kind, _), count in work.counts.items() if kind == QUESTION),
        answered=work.counts.get((QUESTION, State.ANSWERED.value), 0),
        suggestions=len(suggestions),
        adopted=decisions[Decision.ADOPTED.value],
        partly_adopted=decisions[Decision.PARTLY_ADOPTED.value],
        not_adopted=decisions[Decision.NOT_ADOPTED.value],
        kept_for_reference=decisions[Decision.KEPT_FOR_REFERENCE.value],
        transferred=decisions[Decision.TRANSFERRED.value],
        hidden={reason.value: count for reason, count in hidden.items()},
    )


def _bounds(name: str, items: Sequence[Content], window: Window | None) -> tuple[int, int]:
    """Where the window of a list begins and ends."""
    if window is None:
        return 0, len(items)
    first = window.suggestions if name == "suggestions" else window.questions
    wanted, key = (window.suggestion, "number") if name == "suggestions" else (window.question, "id")
    last = first + window.limit
    if wanted is not None:
        place = next((index for index, item in enumerate(items) if item.get(key) == wanted), -1)
        last = max(last, -(-(place + 1) // window.limit) * window.limit)
    return first, last


def _gone(entry: Entry) -> bool:
    return entry.state == State.WITHDRAWN.value


async def _taken_out(session: AsyncSession, activity_id: int) -> dict[int, dict[str, datetime]]:
    """Entry to the parts that were deleted at its author's request, and when."""
    rows = await session.scalars(select(Removal).where(Removal.activity_id == activity_id, Removal.state == DONE))
    return {
        row.entry_id: {"words": row.decided_at, **({"reply": row.decided_at} if row.reply else {})}
        for row in rows
        if row.decided_at is not None
    }


def _shortened(item: PublishedSuggestion, parts: dict[str, datetime] | None) -> PublishedSuggestion:
    """The item as it is published without the words of its author; what the unit deleted with them is gone already."""
    if parts is None:
        return item
    return item.model_copy(update={"text": seals.REMOVED, "nickname": "", "removed": parts})


async def _kept_signs(session: AsyncSession, activity_id: int, there: set[int]) -> list[Content]:
    """Questions whose words were deleted from the version before: their place and the unit's answer stay."""
    latest = await newest_publication(session, activity_id)
    if latest is None:
        return []
    return [
        bare(item)
        for item in cast("Content", latest.content)["questions"]
        if "words" in item.get("removed", {}) and item.get("id") not in there
    ]


def bare(item: Content) -> Content:
    """An item of a version without what only that version's digest needs."""
    return {name: value for name, value in item.items() if name not in ("salts", "seals")}
