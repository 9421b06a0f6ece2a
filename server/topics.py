"""分类: under which topic a unit files its suggestions, and what is proposed to it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.text import clean
from feedback.topics import UNFILED
from server.auth.rights import Principal
from server.store.outcomes import Suggestion
from server.store.tables import Act, Entry


async def file_under(
    session: AsyncSession, principal: Principal, activity_id: int, ids: Sequence[int], topic: str, now: datetime
) -> int:
    """File suggestions of an activity under a topic, or with an empty one under none; returns how many that were."""
    name = " ".join(clean(topic).split())
    name = "" if name == UNFILED else name
    changed = await session.execute(
        update(Suggestion)
        .where(Suggestion.activity_id == activity_id, Suggestion.id.in_(ids), Suggestion.topic != name)
        .values(topic=name)
        .returning(Suggestion.number)
        .execution_options(synchronize_session=False)
    )
    numbers = sorted(changed.scalars())
    if numbers:
        detail: dict[str, object] = {"topic": name, "numbers": numbers}
        session.add(Act(at=now, account_id=principal.account_id, activity_id=activity_id, act="topic", detail=detail))
    return len(numbers)


async def topics_of(session: AsyncSession, activity_id: int) -> dict[str, int]:
    """The topics of an activity with the number of suggestions under each, the fullest first."""
    rows = await session.execute(
        select(Suggestion.topic, func.count())
        .where(Suggestion.activity_id == activity_id, Suggestion.topic != "")
        .group_by(Suggestion.topic)
        .order_by(func.count().desc(), Suggestion.topic)
    )
    return dict(rows.all())


async def unfiled(session: AsyncSession, activity_id: int) -> dict[int, str]:
    """Id to text of the suggestions under no topic."""
    rows = await session.execute(
        select(Suggestion.id, Entry.text)
        .join(Entry, Entry.id == Suggestion.entry_id)
        .where(Suggestion.activity_id == activity_id, Suggestion.topic == "")
    )
    return dict(rows.all())
