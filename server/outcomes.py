"""After the broadcast: decisions on suggestions, the published record, and what a receipt finds in it."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision, Ruling, all_problems
from feedback.ledger import Ledger, ledger
from feedback.states import PUBLIC, AnswerMode, Reason, State
from feedback.text import clean
from server.activities import require_reach
from server.auth.rights import Principal
from server.errors import BadRequest, Conflict, NotFound
from server.followup import require_release
from server.merging import head_of
from server.outcomes_views import (
    NumbersView,
    OutcomesContent,
    OutcomesView,
    PublishedQuestion,
    PublishedSuggestion,
    ReceiptActivity,
    ReceiptHead,
    ReceiptSuggestion,
    ReceiptView,
    SuggestionView,
)
from server.protocol import AnswerView
from server.store.entries import COMMENT, QUESTION, counts_by_state, public_questions
from server.store.recordings import public_recording, recording_second
from server.store.tables import Act, Activity, Entry, Publication, Suggestion, Unit

# As a person types a code: the letters that its alphabet leaves out, dashes and spaces.
_AS_TYPED = str.maketrans("OIL", "011", "- ")


def receipt_code(typed: str) -> str:
    """A receipt code as it is stored, from how its owner typed it."""
    return typed.upper().translate(_AS_TYPED)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a unit works on before it publishes."""

    suggestions: Sequence[Suggestion]
    ledger: Ledger
    counts: dict[tuple[str, str], int]
    problems: list[str]


async def draft(session: AsyncSession, activity: Activity) -> Draft:
    """The suggestions, the ledger, and what still stands in the way of publishing."""
    suggestions = await list_suggestions(session, activity.id)
    counts = await counts_by_state(session, activity.id)
    by_state: Counter[State] = Counter()
    for (_, state), count in counts.items():
        by_state[State(state)] += count
    account = ledger(activity.received, by_state)
    problems = all_problems(
        Ruling(
            item.number,
            Decision(item.decision) if item.decision else None,
            item.reason,
            item.receiver.name if item.receiver else None,
        )
        for item in suggestions
    )
    problems += [
        f"第{item.number}号意见建议的原文没有公开（{State(item.entry.state).text}），请先公开或移出"
        for item in suggestions
        if State(item.entry.state) not in PUBLIC
    ]
    problems += account.problems()
    if activity.state != "ended":
        problems.insert(0, "活动结束后才能公布采纳情况")
    return Draft(suggestions, account, counts, problems)


async def list_suggestions(session: AsyncSession, activity_id: int) -> Sequence[Suggestion]:
    """The suggestions of an activity by number."""
    query = select(Suggestion).where(Suggestion.activity_id == activity_id).order_by(Suggestion.number)
    return (await session.scalars(query)).all()


async def hidden_by_reason(session: AsyncSession, activity_id: int) -> dict[Reason, int]:
    """How many entries are hidden, by reason, in the order of the reasons."""
    rows = await session.execute(
        select(Entry.reason, func.count())
        .where(Entry.activity_id == activity_id, Entry.state == State.HIDDEN.value)
        .group_by(Entry.reason)
    )
    counts = Counter({Reason(reason or Reason.OTHER): count for reason, count in rows})
    return {reason: counts[reason] for reason in Reason if counts[reason]}


async def decide(
    session: AsyncSession,
    principal: Principal,
    suggestion_id: int,
    *,
    decision: Decision,
    reason: str,
    transferred_to: str | None,
    revision: int,
    now: datetime,
) -> SuggestionView:
    """Decide on a suggestion, or change the decision.

    `revision` is the one that the caller saw: where somebody else decided meanwhile, Conflict (`stale`) says so and
    nothing is overwritten.
    """
    suggestion = await session.get(Suggestion, suggestion_id)
    if suggestion is None:
        raise NotFound("没有找到这条意见建议。")
    activity = await session.get_one(Activity, suggestion.activity_id)
    require_reach(principal, frozenset(unit.id for unit in activity.units))
    if transferred_to is not None and await session.get(Unit, transferred_to) is None:
        raise BadRequest("没有这个单位。", code="bad_unit")
    if (decision is Decision.TRANSFERRED) != (transferred_to is not None):
        raise BadRequest("转办需要选择接收单位，其他意见不需要。", code="bad_unit")
    before = suggestion.decision
    changed = await session.scalar(
        update(Suggestion)
        .where(Suggestion.id == suggestion_id, Suggestion.revision == revision)
        .values(
            revision=revision + 1,
            decision=decision.value,
            reason=clean(reason),
            transferred_to=transferred_to,
            decided_by=principal.account_id,
            decided_at=now,
        )
        .returning(Suggestion.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        decider = suggestion.decider.name if suggestion.decider else "其他人"
        raise Conflict(f"{decider}刚刚修改了这条建议，请看过最新内容再决定。", code="stale")
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            activity_id=activity.id,
            entry_id=suggestion.entry_id,
            act="decide",
            detail={"from": before, "to": decision.value, "reason": clean(reason), "transferred_to": transferred_to},
        )
    )
    session.expire(suggestion)
    refreshed = await session.scalar(
        select(Suggestion).where(Suggestion.id == suggestion_id).execution_options(populate_existing=True)
    )
    return SuggestionView.of(cast("Suggestion", refreshed))


async def prepare(session: AsyncSession, activity: Activity) -> tuple[Draft, dict[str, object]]:
    """The work, and the content that would be published now. Raises Conflict (`incomplete`) with what is missing."""
    work = await draft(session, activity)
    if work.problems:
        raise Conflict("；".join(work.problems) + "。", code="incomplete")
    content = OutcomesContent(
        numbers=_numbers(work, await hidden_by_reason(session, activity.id)),
        questions=[
            PublishedQuestion.of(entry)
            for entry in await public_questions(session, activity.id)
            if entry.answer_mode is not None
        ],
        suggestions=[PublishedSuggestion.of(item) for item in work.suggestions],
    )
    return work, content.model_dump(mode="json")


async def publish(session: AsyncSession, principal: Principal, activity: Activity, now: datetime) -> OutcomesView:
    """Publish a new version of the outcomes. Raises Conflict (`incomplete`, `needs_release`)."""
    work, content = await prepare(session, activity)
    await require_release(session, principal, activity, content_digest(content))
    latest = await _latest(session, activity.id)
    publication = Publication(
        activity_id=activity.id,
        version=latest.version + 1 if latest else 1,
        published_at=now,
        account_id=principal.account_id,
        sha256=content_digest(content),
        content=content,
        entry_ids={str(item.number): item.entry_id for item in work.suggestions},
    )
    session.add(publication)
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            activity_id=activity.id,
            act="publish",
            detail={"version": publication.version, "sha256": publication.sha256},
        )
    )
    await session.flush()
    return _view(publication, activity)


def content_digest(content: dict[str, object]) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8): anyone can compute it from the public JSON."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


async def latest_outcomes(session: AsyncSession, activity: Activity) -> OutcomesView:
    """The newest published version. Raises NotFound before the first."""
    publication = await _latest(session, activity.id)
    if publication is None:
        raise NotFound("这个活动还没有公布采纳情况。")
    view = _view(publication, activity)
    recording = await public_recording(session, activity.id)
    if recording is not None:
        view.answered_seconds = [
            recording_second(recording.spans, question.answered_at) if question.mode == AnswerMode.LIVE else None
            for question in view.questions
        ]
    return view


async def find_receipt(session: AsyncSession, receipt: str) -> ReceiptView:
    """What became of the entry with that receipt code. Raises NotFound."""
    entry = await session.scalar(select(Entry).where(Entry.receipt == receipt_code(receipt)))
    if entry is None:
        raise NotFound("没有找到这个回执，请核对后再试。")
    activity = await session.get_one(Activity, entry.activity_id)
    head = await head_of(session, entry)
    public = State(head.state) in PUBLIC
    suggestion = await session.scalar(select(Suggestion).where(Suggestion.entry_id == head.id))
    return ReceiptView(
        receipt=entry.receipt,
        kind=entry.kind,
        proposed=entry.proposed,
        state=entry.state,
        text=entry.text,
        nickname=entry.nickname,
        created_at=entry.at,
        activity=ReceiptActivity(slug=activity.slug, title=activity.title),
        reason=_receipt_reason(entry),
        merged_into=ReceiptHead(text=head.text, state=head.state) if public and head is not entry else None,
        answer=AnswerView.of(head) if public else None,
        suggestion=await _receipt_suggestion(session, suggestion) if suggestion else None,
    )


def _receipt_reason(entry: Entry) -> str | None:
    """Why an entry is not shown: the words that the host wrote for its author, or the word for the code."""
    if entry.reason is None or entry.state not in (State.DECLINED, State.HIDDEN):
        return None
    return Reason(entry.reason).text if entry.state == State.HIDDEN else entry.reason


async def _receipt_suggestion(session: AsyncSession, suggestion: Suggestion) -> ReceiptSuggestion:
    """The decision as it was published; one that is only drafted stays with the unit."""
    publication = await _latest(session, suggestion.activity_id)
    published = None
    if publication is not None and publication.entry_ids.get(str(suggestion.number)) == suggestion.entry_id:
        content = OutcomesContent.model_validate(publication.content)
        published = next((item for item in content.suggestions if item.number == suggestion.number), None)
    return ReceiptSuggestion(
        number=suggestion.number,
        decision=published.decision if published else None,
        reason=published.reason if published else "",
        transferred_to=published.transferred_to if published else None,
        published=published is not None,
    )


def _numbers(work: Draft, hidden: dict[Reason, int]) -> NumbersView:
    decisions = Counter(item.decision for item in work.suggestions)
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
        suggestions=len(work.suggestions),
        adopted=decisions[Decision.ADOPTED.value],
        partly_adopted=decisions[Decision.PARTLY_ADOPTED.value],
        not_adopted=decisions[Decision.NOT_ADOPTED.value],
        kept_for_reference=decisions[Decision.KEPT_FOR_REFERENCE.value],
        transferred=decisions[Decision.TRANSFERRED.value],
        hidden={reason.value: count for reason, count in hidden.items()},
    )


async def _latest(session: AsyncSession, activity_id: int) -> Publication | None:
    query = select(Publication).where(Publication.activity_id == activity_id).order_by(Publication.version.desc())
    return cast("Publication | None", await session.scalar(query.limit(1)))


def _view(publication: Publication, activity: Activity) -> OutcomesView:
    content = OutcomesContent.model_validate(publication.content)
    return OutcomesView(
        **content.model_dump(),
        version=publication.version,
        published_at=publication.published_at,
        published_by="、".join(unit.name for unit in activity.units),
        sha256=publication.sha256,
    )
