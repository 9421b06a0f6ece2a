"""满意度: asked at the end of an activity, one answer a device, of those who came and of those who watched.

Who came shows the ticket that was checked in at the door. The registration remembers only that it was used, the answer
only that it came with one: neither leads to the other.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import Conflict
from server.programme.deadlines import Form
from server.programme.places import SATISFACTION_DAYS, Opinion, Satisfaction
from server.registrations import get_registration
from server.store.places import SatisfactionAnswer
from server.store.tables import Activity


def asked(activity: Activity, now: datetime) -> bool:
    """Whether an answer is taken now: while it is live or, on the spot, goes on, and some days after its end."""
    if activity.state == "live":
        return True
    ended = activity.live_ended_at
    if activity.state == "scheduled":
        # Nobody has to start a broadcast where everybody is in the room.
        if activity.form not in (Form.IN_PERSON.value, Form.HYBRID.value) or activity.starts_at is None:
            return False
        if now < activity.starts_at:
            return False
        ended = activity.ends_at or activity.starts_at
    return ended is None or now <= ended + timedelta(days=SATISFACTION_DAYS)


async def tell(
    session: AsyncSession,
    activity: Activity,
    device: str,
    level: Satisfaction,
    now: datetime,
    *,
    ticket: int | None = None,
) -> None:
    """Store the answer of a device, in place of an earlier one; `ticket` is the number of the ticket shown with it.

    Raises NotFound, Conflict (`not_asked`, `not_present` for a ticket that was not checked in, `rated` for one that
    was used on another device).
    """
    if not asked(activity, now):
        raise Conflict("现在不能填写满意度。", code="not_asked")
    row = await session.get(SatisfactionAnswer, (activity.id, device), with_for_update=True)
    if row is None:
        row = SatisfactionAnswer(activity_id=activity.id, device=device, present=False)
        session.add(row)
    row.level, row.at = level.value, now
    if ticket is not None and not row.present:
        await _use(session, activity.id, ticket)
        row.present = True
    await session.flush()


async def _use(session: AsyncSession, activity_id: int, number: int) -> None:
    registration = await get_registration(session, activity_id, number, lock=True)
    if registration.attended_at is None:
        raise Conflict("还没有签到。到场签到以后，才能评价现场活动。", code="not_present")
    if registration.rated:
        raise Conflict("这张入场码已经在别的设备上评价过，每人评价一次。", code="rated")
    registration.rated = True


async def opinions(session: AsyncSession, activity_ids: Sequence[int] | None = None) -> dict[int, Opinion]:
    """What was told of each of these activities (of all by default) that somebody told something of."""
    query = select(
        SatisfactionAnswer.activity_id, SatisfactionAnswer.present, SatisfactionAnswer.level, func.count()
    ).group_by(SatisfactionAnswer.activity_id, SatisfactionAnswer.present, SatisfactionAnswer.level)
    if activity_ids is not None:
        query = query.where(SatisfactionAnswer.activity_id.in_(activity_ids))
    found: dict[int, Opinion] = {}
    for activity_id, present, level, count in (await session.execute(query)).all():
        opinion = found.setdefault(activity_id, Opinion())
        (opinion.present if present else opinion.online)[Satisfaction(level)] = count
    return found


async def opinion_of(session: AsyncSession, activity_id: int) -> Opinion:
    """What was told of one activity."""
    return (await opinions(session, [activity_id])).get(activity_id, Opinion())
