"""The log of moderation as hosts read it, page by page or line by line as it grows: who did what, when and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.store.tables import Account, Act, Entry

PAGE = 100
_LONGEST_TEXT = 60
# What the log keeps for the record alone.
_UNTOLD = frozenset({"from", "to", "text"})


@dataclass(slots=True, kw_only=True)
class ActView:
    """One line of the log."""

    id: int
    at: datetime
    who: str | None
    """The name of the member of staff; null where the author did it."""
    account: int | None
    entry: int
    kind: str
    text: str
    """How the entry begins, as it is now: nothing of one that was withdrawn."""
    act: str
    """A command of hosts, `withdraw`, `hand-over…`, `progress`."""
    before: str | None
    after: str | None
    """States of the entry before the act and after it."""
    detail: dict[str, Any]
    """What belongs to the act, such as a reason or the end of a ban."""


def view_of(act: Act, who: str | None, entry: Entry) -> ActView:
    """A line of the log, for staff. The caller has flushed it."""
    detail: Mapping[str, Any] = act.detail
    states = [str(state) if (state := detail.get(name)) is not None else None for name in ("from", "to")]
    return ActView(
        id=act.id,
        at=act.at,
        who=who,
        account=act.account_id,
        entry=entry.id,
        kind=entry.kind,
        text=entry.text[:_LONGEST_TEXT],
        act=act.act,
        before=states[0],
        after=states[1],
        detail={name: value for name, value in detail.items() if name not in _UNTOLD},
    )


async def acts_of(session: AsyncSession, activity_id: int, before: int | None, limit: int = PAGE) -> list[ActView]:
    """The acts on entries of an activity, the newest first; with *before*, those older than that line."""
    query = (
        select(Act, Account.name, Entry)
        .join(Entry, Entry.id == Act.entry_id)
        .outerjoin(Account, Account.id == Act.account_id)
        .where(Act.activity_id == activity_id)
        .order_by(Act.id.desc())
        .limit(limit)
    )
    rows = await session.execute(query if before is None else query.where(Act.id < before))
    return [view_of(act, who, entry) for act, who, entry in rows]
