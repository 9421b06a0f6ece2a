"""After the broadcast: a unit's work on suggestions, and what stands in the way of publishing it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision, Ruling, all_problems
from feedback.ledger import Ledger, ledger
from feedback.seals import REMOVED, canonical
from feedback.states import PUBLIC, Reason, State
from feedback.text import clean
from server.activities import require_reach
from server.auth.rights import Principal
from server.errors import BadRequest, Conflict, NotFound
from server.outcomes_views import SuggestionView
from server.store.entries import counts_by_state
from server.store.outcomes import Suggestion
from server.store.tables import Act, Activity, Entry, Unit

PUBLISHABLE = PUBLIC | {State.WITHDRAWN}
"""What was deleted at its author's request (server.removals) stays with its decision, without its words."""


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
        if State(item.entry.state) not in PUBLISHABLE
    ]
    problems += account.problems()
    if activity.state != "ended":
        problems.insert(0, "活动结束后才能公布采纳情况")
    return Draft(suggestions, account, counts, problems)


def said(suggestion: Suggestion) -> str:
    """What its author wrote, or the sign in its place."""
    return REMOVED if suggestion.entry.state == State.WITHDRAWN.value else suggestion.entry.text


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


def content_digest(content: dict[str, object]) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8): anyone can compute it from the public JSON."""
    return hashlib.sha256(canonical(content)).hexdigest()
