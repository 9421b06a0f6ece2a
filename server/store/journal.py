"""The journal: entries and votes of citizens, committed in groups, acknowledged once they are on disk."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from logging import getLogger
from typing import Any, Generic, TypeVar

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import Unavailable
from server.store.database import Database, is_away
from server.store.tables import Activity, Entry, Vote

log = getLogger(__name__)

SLOW_SECONDS = 2.0
FAILED_SECONDS = 8.0
"""Longer than the pause after which those who were refused come again."""

T = TypeVar("T")
R = TypeVar("R")

# Crockford's base 32: no I, L, O, U, so that a code can be read out and typed in.
RECEIPT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_receipt() -> str:
    """A receipt code: ten characters, 50 random bits."""
    bits = secrets.randbits(50)
    return "".join(RECEIPT_ALPHABET[bits >> shift & 31] for shift in range(0, 50, 5))


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What a citizen sent, already checked and cleaned."""

    activity_id: int
    kind: str
    device: str
    key: str
    nickname: str
    text: str
    state: str
    at: datetime
    flags: list[dict[str, object]] | None = None
    proposed: bool = False


@dataclass(frozen=True, slots=True)
class NewVote:
    """A vote given (`on`) or taken back."""

    entry_id: int
    device: str
    on: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What an entry became. `fresh` is false where the same key had been stored before."""

    id: int
    receipt: str
    state: str
    fresh: bool


@dataclass(slots=True)
class _Waiting(Generic[T, R]):
    item: T
    done: asyncio.Future[R]


class Journal:
    """Gathers what many sockets send within a few milliseconds into one transaction.

    Owner of the writing task. The queue is bounded: where it is full, `add` and `vote` refuse with `Unavailable`, and
    the client, which keeps what it sent, comes again.
    """

    def __init__(self, database: Database, *, capacity: int = 10_000, batch: int = 500, gather: float = 0.004) -> None:
        self._database = database
        self._batch = batch
        self._gather = gather
        self._entries: asyncio.Queue[_Waiting[NewEntry, Stored]] = asyncio.Queue(capacity)
        self._votes: asyncio.Queue[_Waiting[NewVote, int]] = asyncio.Queue(capacity)
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.refused = 0
        """How many were turned away by a full queue, since the start."""
        self._committing_since: float | None = None
        self._failed_at: float | None = None

    @property
    def behind(self) -> bool:
        """Whether what is written does not get to the disk: a commit that hangs, or one that failed just now."""
        now = time.monotonic()
        hangs = self._committing_since is not None and now - self._committing_since > SLOW_SECONDS
        return hangs or (self._failed_at is not None and now - self._failed_at < FAILED_SECONDS)

    async def start(self) -> None:
        """Begin writing."""
        self._task = asyncio.create_task(self._run(), name="journal")

    async def close(self) -> None:
        """Write what was taken in, then stop. Idempotent."""
        if self._task is None:
            return
        await self._entries.join()
        await self._votes.join()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def add(self, entry: NewEntry) -> Stored:
        """Store an entry; returns when it is on disk. The same activity, device and key never make a second one.

        Raises Unavailable where the queue is full or the database is away; nothing is stored then.
        """
        return await self._put(self._entries, entry)

    async def vote(self, vote: NewVote) -> int:
        """Store a vote; returns the question's votes when it is on disk. Raises Unavailable as `add` does."""
        return await self._put(self._votes, vote)

    async def _put(self, queue: "asyncio.Queue[_Waiting[T, R]]", item: T) -> R:
        waiting: _Waiting[T, R] = _Waiting(item, asyncio.get_running_loop().create_future())
        try:
            queue.put_nowait(waiting)
        except asyncio.QueueFull:
            self.refused += 1
            raise Unavailable("留言太多，暂时来不及保存，请稍后再发。", retry_after=2) from None
        self._work.set()
        return await waiting.done

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            await asyncio.sleep(self._gather)
            while not (self._entries.empty() and self._votes.empty()):
                entries = _take(self._entries, self._batch)
                votes = _take(self._votes, self._batch)
                await self._commit_or_refuse(entries, votes)
                for _ in entries:
                    self._entries.task_done()
                for _ in votes:
                    self._votes.task_done()

    async def _commit_or_refuse(
        self, entries: "list[_Waiting[NewEntry, Stored]]", votes: "list[_Waiting[NewVote, int]]"
    ) -> None:
        self._committing_since = time.monotonic()
        try:
            await self._commit(entries, votes)
            self._committing_since = self._failed_at = None
        except Exception as error:
            self._committing_since = None
            if is_away(error):
                self._failed_at = time.monotonic()
                log.error("journal: %d entries and %d votes not stored: %s", len(entries), len(votes), error)
                self._refuse(entries, votes)
                return
            # One that the database cannot take must not cost the others theirs, nor end this task.
            if len(entries) + len(votes) > 1:
                for entry in entries:
                    await self._commit_or_refuse([entry], [])
                for vote in votes:
                    await self._commit_or_refuse([], [vote])
            else:
                log.exception("journal: not stored")
                self._refuse(entries, votes)

    @staticmethod
    def _refuse(entries: "list[_Waiting[NewEntry, Stored]]", votes: "list[_Waiting[NewVote, int]]") -> None:
        refusal = Unavailable("系统正在恢复，您的留言还没有保存，请稍后再发。", retry_after=3)
        futures: list[asyncio.Future[Any]] = [*(item.done for item in entries), *(item.done for item in votes)]
        for future in futures:
            if not future.done():
                future.set_exception(refusal)

    async def _commit(self, entries: "list[_Waiting[NewEntry, Stored]]", votes: "list[_Waiting[NewVote, int]]") -> None:
        try:
            stored, counts = await self._write(entries, votes)
        except IntegrityError:
            # Another process stored one of the keys in between: now it is found, and nothing is written twice.
            stored, counts = await self._write(entries, votes)
        for waiting, result in zip(entries, stored, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(result)
        for vote in votes:
            if not vote.done.done():
                vote.done.set_result(counts.get(vote.item.entry_id, 0))

    async def _write(
        self, entries: "list[_Waiting[NewEntry, Stored]]", votes: "list[_Waiting[NewVote, int]]"
    ) -> tuple[list[Stored], dict[int, int]]:
        async with self._database.write() as session:
            stored = await _store_entries(session, [waiting.item for waiting in entries]) if entries else []
            counts = await _store_votes(session, [waiting.item for waiting in votes]) if votes else {}
        return stored, counts


def _take(queue: asyncio.Queue[T], most: int) -> list[T]:
    return [queue.get_nowait() for _ in range(min(most, queue.qsize()))]


async def _store_entries(session: AsyncSession, entries: Sequence[NewEntry]) -> list[Stored]:
    """Three statements for a batch, whatever its size: what is there already stays, and says so by its receipt."""
    values: dict[_Identity, dict[str, Any]] = {}
    for entry in entries:
        values.setdefault(_identity(entry), _row(entry))
    connection = await session.connection()
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    await connection.execute(
        insert(Entry).on_conflict_do_nothing(index_elements=["activity_id", "device", "key"]), list(values.values())
    )
    ours = {row["receipt"]: identity for identity, row in values.items()}
    columns = select(Entry.activity_id, Entry.device, Entry.key, Entry.id, Entry.receipt, Entry.state)
    found: dict[_Identity, Stored] = {}
    for _, _, _, entry_id, receipt, state in await connection.execute(columns.where(Entry.receipt.in_(ours))):
        found[ours[receipt]] = Stored(entry_id, receipt, state, fresh=True)
    received = Counter(activity_id for activity_id, _, _ in found)
    for activity_id, count in received.items():
        await connection.execute(
            update(Activity).where(Activity.id == activity_id).values(received=Activity.received + count)
        )
    if len(found) < len(values):
        missing = list(values.keys() - found.keys())
        identity = tuple_(Entry.activity_id, Entry.device, Entry.key)
        for activity_id, device, key, entry_id, receipt, state in await connection.execute(
            columns.where(identity.in_(missing))
        ):
            found[activity_id, device, key] = Stored(entry_id, receipt, state, fresh=False)

    results: list[Stored] = []
    for entry in entries:
        first = found[_identity(entry)]
        results.append(first)
        if first.fresh:
            found[_identity(entry)] = replace(first, fresh=False)
    return results


_Identity = tuple[int, str, str]
"""What makes an entry the same entry: its activity, device and key."""


def _identity(entry: NewEntry) -> _Identity:
    return entry.activity_id, entry.device, entry.key


def _row(entry: NewEntry) -> dict[str, Any]:
    return {
        "activity_id": entry.activity_id,
        "kind": entry.kind,
        "device": entry.device,
        "key": entry.key,
        "receipt": new_receipt(),
        "nickname": entry.nickname,
        "text": entry.text,
        "at": entry.at,
        "state": entry.state,
        "changed_at": entry.at,
        "flags": entry.flags,
        "proposed": entry.proposed,
    }


async def _store_votes(session: AsyncSession, votes: Sequence[NewVote]) -> dict[int, int]:
    final = {(vote.entry_id, vote.device): vote.on for vote in votes}
    given = [{"entry_id": entry_id, "device": device} for (entry_id, device), on in final.items() if on]
    # Deleting first makes a vote given twice one vote, on every database alike.
    await session.execute(delete(Vote).where(tuple_(Vote.entry_id, Vote.device).in_(list(final))))
    if given:
        await session.execute(insert(Vote), given)
    questions = {entry_id for entry_id, _ in final}
    count = select(func.count()).where(Vote.entry_id == Entry.id).scalar_subquery()
    await session.execute(
        update(Entry).where(Entry.id.in_(questions)).values(votes=count).execution_options(synchronize_session=False)
    )
    rows = await session.execute(select(Entry.id, Entry.votes).where(Entry.id.in_(questions)))
    return dict(rows.all())
