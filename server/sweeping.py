"""A flood from one device goes in one act: with the ban, what that device said so far is hidden."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import states
from feedback.states import Kind, State
from server.auth.rights import Principal
from server.commands import Command, Mute
from server.store.tables import Act, Entry

MOST = 500
"""Entries hidden at once: the newest."""
_SWEPT = (State.SHOWN, State.PENDING, State.OPEN)
"""What nobody has answered: an answer to others stays where they read it."""


async def sweep(
    session: AsyncSession, principal: Principal, entry: Entry, command: Command, now: datetime
) -> tuple[int, ...]:
    """Hide what the entry's device said in its activity, each with its line in the log; returns the ids.

    The entry itself is among them, and counts its own act besides. Nothing for any other command. The caller has locked
    the activity.
    """
    if not isinstance(command, Mute) or not command.sweep:
        return ()
    rows = await session.scalars(
        select(Entry)
        .where(
            Entry.activity_id == entry.activity_id,
            Entry.device == entry.device,
            Entry.state.in_([state.value for state in _SWEPT]),
        )
        .order_by(Entry.id.desc())
        .limit(MOST)
        .with_for_update()
    )
    swept = []
    for one in rows:
        before = one.state
        one.state = states.apply(Kind(one.kind), State(before), states.Act.HIDE).value
        one.state_before, one.reason = before, command.reason.value
        one.on_screen, one.lifted = False, None
        if one is not entry:
            one.revision += 1
            one.handled_by, one.changed_at = principal.name, now
        session.add(
            Act(
                at=now,
                account_id=principal.account_id,
                activity_id=one.activity_id,
                entry_id=one.id,
                act=states.Act.HIDE.value,
                detail={"reason": command.reason.value, "from": before, "to": one.state},
            )
        )
        swept.append(one.id)
    return tuple(swept)
