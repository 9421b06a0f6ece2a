"""满意度: asked at the end of an activity, one answer a device, changed as long as it is asked."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import Conflict
from server.programme.places import SATISFACTION_DAYS, Satisfaction
from server.store.places import SatisfactionAnswer
from server.store.tables import Activity


def asked(activity: Activity, now: datetime) -> bool:
    """Whether an answer is taken now: while the activity is live, and some days after its end."""
    if activity.state == "live":
        return True
    ended = activity.live_ended_at
    return activity.state == "ended" and (ended is None or now <= ended + timedelta(days=SATISFACTION_DAYS))


async def tell(session: AsyncSession, activity: Activity, device: str, level: Satisfaction, now: datetime) -> None:
    """Store the answer of a device, in place of an earlier one. Raises Conflict (`not_asked`)."""
    if not asked(activity, now):
        raise Conflict("现在不能填写满意度。", code="not_asked")
    await session.execute(
        delete(SatisfactionAnswer).where(
            SatisfactionAnswer.activity_id == activity.id, SatisfactionAnswer.device == device
        )
    )
    session.add(SatisfactionAnswer(activity_id=activity.id, device=device, level=level.value, at=now))
    await session.flush()


async def satisfaction_tally(session: AsyncSession, activity_id: int) -> dict[Satisfaction, int]:
    """How many answered what, from very satisfied to very dissatisfied; all five are there."""
    rows = await session.execute(
        select(SatisfactionAnswer.level, func.count())
        .where(SatisfactionAnswer.activity_id == activity_id)
        .group_by(SatisfactionAnswer.level)
    )
    counts = {Satisfaction(level): count for level, count in rows}
    return {level: counts.get(level, 0) for level in Satisfaction}
