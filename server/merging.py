"""Entries that ask the same become one: the one that stays (the head), and those merged into it.

A merged entry keeps its text, its receipt and its place in the account; who sent it and who voted for it count for the
head, each device once. All functions work in the caller's transaction.
"""

from datetime import datetime

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.states import PUBLIC, Kind, Reason, State, counterpart
from server.errors import Conflict
from server.store.entries import get_entry
from server.store.outcomes import Suggestion
from server.store.tables import Entry, Vote

HEADS = frozenset({*PUBLIC, State.PENDING})
"""States of an entry into which others may be merged."""


async def merge(session: AsyncSession, entry: Entry, into: int) -> Entry:
    """Merge the entry into another; returns the head. The caller has checked and sets the state.

    Entries that were merged into this one go along. Raises NotFound, and Conflict for a head that is none
    (`bad_head`) and for a suggestion that is decided.
    """
    head = await get_entry(session, into, lock=True)
    if head.id == entry.id or head.activity_id != entry.activity_id or State(head.state) not in HEADS:
        raise Conflict("只能合并到本活动中已公开或待审的另一条。", code="bad_head")
    await _hand_suggestion(session, entry, head)
    await _move_votes(session, entry, head)
    await session.execute(
        update(Entry)
        .where(Entry.merged_into == entry.id)
        .values(merged_into=head.id)
        .execution_options(synchronize_session=False)
    )
    entry.merged_into, entry.on_screen, entry.merged_count = head.id, False, 0
    await session.flush()
    await _count(session, head, entry)
    return head


async def split(session: AsyncSession, entry: Entry, *, with_votes: bool = True) -> Entry:
    """Take a merged entry out again, with the votes that it brought; returns the head that it leaves."""
    if entry.merged_into is None:
        raise Conflict("这条没有合并到别的留言。", code="illegal_transition")
    head = await get_entry(session, entry.merged_into, lock=True)
    mine = (Vote.entry_id == head.id, Vote.given_to == entry.id)
    # The author's own voice was counted by the merging alone.
    await session.execute(delete(Vote).where(*mine, Vote.device == entry.device))
    if with_votes:
        await session.execute(
            update(Vote)
            .where(*mine)
            .values(entry_id=entry.id, given_to=None)
            .execution_options(synchronize_session=False)
        )
    entry.merged_into = None
    await session.flush()
    await _count(session, head, entry)
    return head


async def succeed(session: AsyncSession, head: Entry, state: str, now: datetime) -> Entry | None:
    """The head's author takes it back: the oldest entry merged into it takes its place, with its state and answer.

    One of the same kind goes first: a comment cannot hold an answer. `state` is the head's before that. Returns the new
    head, None where nothing was merged into the old one.
    """
    heir = await session.scalar(
        select(Entry)
        .where(Entry.merged_into == head.id, Entry.state == State.MERGED.value)
        .order_by(Entry.kind != head.kind, Entry.id)
        .limit(1)
        .with_for_update()
    )
    if heir is None:
        return None
    _inherit(heir, head, state)
    heir.merged_into, heir.changed_at = None, now
    await session.flush()
    await session.execute(
        update(Entry)
        .where(Entry.merged_into == head.id)
        .values(merged_into=heir.id)
        .execution_options(synchronize_session=False)
    )
    await _move_votes(session, head, heir, with_author=False)
    await session.execute(update(Suggestion).where(Suggestion.entry_id == head.id).values(entry_id=heir.id))
    await _count(session, head, heir)
    return heir


def _inherit(heir: Entry, head: Entry, state: str) -> None:
    kind, before = Kind(heir.kind), head.state_before
    heir.state = counterpart(kind, State(state)).value
    heir.state_before = counterpart(kind, State(before)).value if before else None
    heir.reason = Reason.OTHER.value if heir.state == State.HIDDEN.value != state else head.reason
    if kind is Kind.QUESTION:
        heir.answer, heir.answer_mode, heir.answered_at = head.answer, head.answer_mode, head.answered_at
        heir.on_screen = head.on_screen


async def head_of(session: AsyncSession, entry: Entry) -> Entry:
    """The entry that stands for this one: itself, or the one that it was merged into."""
    if entry.state != State.MERGED.value or entry.merged_into is None:
        return entry
    return await session.get_one(Entry, entry.merged_into)


async def _move_votes(session: AsyncSession, entry: Entry, head: Entry, *, with_author: bool = True) -> None:
    # A device that voted for both keeps its row at the merged one: it counts once while they are one.
    there = select(Vote.device).where(Vote.entry_id == head.id)
    await session.execute(
        update(Vote)
        .where(Vote.entry_id == entry.id, Vote.device.not_in(there))
        .values(entry_id=head.id, given_to=func.coalesce(Vote.given_to, literal(entry.id)))
        .execution_options(synchronize_session=False)
    )
    voices = set(await session.scalars(there))
    if with_author and entry.device != head.device and entry.device not in voices:
        await session.execute(insert(Vote).values(entry_id=head.id, device=entry.device, given_to=entry.id))


async def _hand_suggestion(session: AsyncSession, entry: Entry, head: Entry) -> None:
    own = await session.scalar(select(Suggestion).where(Suggestion.entry_id == entry.id))
    if own is None:
        return
    if own.decision is not None:
        raise Conflict("这条建议已有采纳意见，不能合并；可以把另一条合并到它。", code="decided")
    if await session.scalar(select(Suggestion.id).where(Suggestion.entry_id == head.id)) is None:
        own.entry_id = head.id
    else:
        await session.delete(own)
    await session.flush()


async def _count(session: AsyncSession, *entries: Entry) -> None:
    for entry in entries:
        entry.votes = await session.scalar(select(func.count()).where(Vote.entry_id == entry.id)) or 0
        entry.merged_count = (
            await session.scalar(
                select(func.count()).where(Entry.merged_into == entry.id, Entry.state == State.MERGED.value)
            )
            or 0
        )
    await session.flush()
