"""Entries in the database: the queries that pages, sockets and documents share."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import NotFound
from server.store.outcomes import Handed, Handover, Suggestion
from server.store.tables import Entry, Unit

COMMENT, QUESTION = "comment", "question"
PUBLIC_COMMENT_STATES = ("shown",)
PUBLIC_QUESTION_STATES = ("open", "answered")
QUEUE_LENGTH = 500
"""How many public questions a newcomer gets: the most voted."""
REMOVED_LENGTH = 500
CAME_ON_LENGTH = 100
CAME_ON_SPAN = 5_000
"""How far before a reader's last id one looks for what came on since: a look at all would cost each reconnection."""
WAITING_LENGTH = 1_000
CHANGED_LENGTH = 5_000
WRITTEN_BEFORE = timedelta(seconds=20)
"""How long before it was committed an entry may have got its time: it waits for a database that is slow or away."""


async def get_entry(session: AsyncSession, entry_id: int, *, lock: bool = False) -> Entry:
    """The entry of that id; with `lock`, nobody else changes it in this transaction. Raises NotFound."""
    entry = await session.get(Entry, entry_id, with_for_update=lock or None)
    if entry is None:
        raise NotFound("没有找到这条留言。")
    return entry


async def comments_after(session: AsyncSession, activity_id: int, last: int | None, limit: int) -> list[Entry]:
    """The newest `limit` shown comments, ascending.

    With `last`, only those after that id, and of those before it the ones last approved or restored: they may have
    come on while the reader was away.
    """
    shown = select(Entry).where(
        Entry.activity_id == activity_id, Entry.kind == COMMENT, Entry.state.in_(PUBLIC_COMMENT_STATES)
    )
    newest = shown if last is None else shown.where(Entry.id > last)
    rows = list(await session.scalars(newest.order_by(Entry.id.desc()).limit(limit)))
    if last is not None:
        came_on = shown.where(Entry.id <= last, Entry.id > last - CAME_ON_SPAN, Entry.changed_at > Entry.at)
        rows += await session.scalars(came_on.order_by(Entry.changed_at.desc()).limit(CAME_ON_LENGTH))
    return sorted(rows, key=lambda entry: entry.id)


async def public_questions(session: AsyncSession, activity_id: int) -> Sequence[Entry]:
    """The public queue: most votes first, then the oldest."""
    query = (
        select(Entry)
        .where(Entry.activity_id == activity_id, Entry.kind == QUESTION, Entry.state.in_(PUBLIC_QUESTION_STATES))
        .order_by(Entry.votes.desc(), Entry.id)
        .limit(QUEUE_LENGTH)
    )
    return (await session.scalars(query)).all()


async def answered_questions(session: AsyncSession, activity_id: int) -> Sequence[Entry]:
    """All public questions that have an answer, in the order of the queue: what a version of the outcomes holds."""
    query = select(Entry).where(
        Entry.activity_id == activity_id,
        Entry.kind == QUESTION,
        Entry.state.in_(PUBLIC_QUESTION_STATES),
        Entry.answer_mode.is_not(None),
    )
    return (await session.scalars(query.order_by(Entry.votes.desc(), Entry.id))).all()


async def removed_before(session: AsyncSession, activity_id: int, last: int) -> list[int]:
    """Ids up to `last` that were hidden, declined, withdrawn or put back to waiting, the latest changes first."""
    query = (
        select(Entry.id)
        .where(
            Entry.activity_id == activity_id,
            Entry.id <= last,
            Entry.state.not_in((*PUBLIC_COMMENT_STATES, *PUBLIC_QUESTION_STATES)),
            or_(Entry.state != "pending", Entry.changed_at > Entry.at),
        )
        .order_by(Entry.changed_at.desc())
        .limit(REMOVED_LENGTH)
    )
    return list((await session.scalars(query)).all())


async def changed_since(session: AsyncSession, activity_ids: Iterable[int], since: datetime) -> set[int]:
    """Ids of what was said or changed since a moment, and of every public question: votes leave no time behind."""
    within = Entry.activity_id.in_(list(activity_ids))
    changed = select(Entry.id).where(within, Entry.changed_at >= since - WRITTEN_BEFORE)
    asked = select(Entry.id).where(within, Entry.kind == QUESTION, Entry.state.in_(PUBLIC_QUESTION_STATES))
    found = set(await session.scalars(changed.order_by(Entry.id.desc()).limit(CHANGED_LENGTH)))
    return found | set(await session.scalars(asked.order_by(Entry.votes.desc()).limit(QUEUE_LENGTH)))


async def staff_page(
    session: AsyncSession,
    activity_id: int,
    *,
    kind: str | None = None,
    state: str | None = None,
    text: str | None = None,
    sentiment: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    public: bool = False,
    before: int | None = None,
    limit: int = 100,
) -> Sequence[Entry]:
    """Entries of an activity for staff, newest first."""
    query = select(Entry).where(Entry.activity_id == activity_id)
    if state:
        query = query.where(Entry.state == state)
    if text:
        query = query.where(Entry.text.icontains(text, autoescape=True))
    if sentiment:
        query = query.where(func.coalesce(Entry.corrected, Entry.label, "unscored") == sentiment)
    if since:
        query = query.where(Entry.at >= since)
    if until:
        query = query.where(Entry.at < until)
    if public:
        query = query.where(Entry.state.in_((*PUBLIC_COMMENT_STATES, *PUBLIC_QUESTION_STATES)))
    if before is not None:
        query = query.where(Entry.id < before)
    # Kind by kind: the index then gives the newest in order, where 100,000 would have to be sorted.
    found: list[Entry] = []
    for one in (kind,) if kind else (COMMENT, QUESTION):
        found += await session.scalars(query.where(Entry.kind == one).order_by(Entry.id.desc()).limit(limit))
    return sorted(found, key=lambda entry: -entry.id)[:limit]


async def waiting_before(session: AsyncSession, activity_id: int, kind: str, before: int) -> Sequence[Entry]:
    """Pending entries of before an id, the oldest first."""
    query = select(Entry).where(
        Entry.activity_id == activity_id, Entry.kind == kind, Entry.state == "pending", Entry.id < before
    )
    return (await session.scalars(query.order_by(Entry.id).limit(WAITING_LENGTH))).all()


async def entries_by_id(session: AsyncSession, ids: Iterable[int]) -> Sequence[Entry]:
    """Those entries, ascending by id."""
    return (await session.scalars(select(Entry).where(Entry.id.in_(list(ids))).order_by(Entry.id))).all()


async def suggestion_ids(session: AsyncSession, ids: Iterable[int]) -> dict[int, int]:
    """Entry id to suggestion id, for those that are suggestions."""
    rows = await session.execute(select(Suggestion.entry_id, Suggestion.id).where(Suggestion.entry_id.in_(list(ids))))
    return dict(rows.all())


async def handovers_of(session: AsyncSession, ids: Iterable[int]) -> dict[int, Handed]:
    """Entry id to its last 转办, for those that have one which was not recalled."""
    rows = await session.execute(
        select(Handover.entry_id, Handover.id, Unit.name, Handover.state, Handover.due)
        .join(Unit, Unit.id == Handover.unit_id)
        .where(Handover.entry_id.in_(list(ids)), Handover.state != "recalled")
        .order_by(Handover.id)
    )
    return {entry_id: Handed(number, unit, state, due) for entry_id, number, unit, state, due in rows}


async def counts_by_state(session: AsyncSession, activity_id: int) -> dict[tuple[str, str], int]:
    """(kind, state) to how many."""
    rows = await session.execute(
        select(Entry.kind, Entry.state, func.count())
        .where(Entry.activity_id == activity_id)
        .group_by(Entry.kind, Entry.state)
    )
    return {(kind, state): count for kind, state, count in rows}
