"""Which open questions may ask the same as a new one: an index for each activity, kept from one look to the next.

The database is the truth, for other processes store, decide and delete as well. Each look asks it for one line that
names the open questions with their revisions, and for the words of those alone that it does not have. What is open no
longer is dropped with the same look, so that words which their author took back stay no longer than that; and an
activity that nobody asks about is forgotten.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.similar import Index, pairs
from feedback.states import UNDECIDED
from server.merging import HEADS
from server.periodic import Periodic
from server.store.database import Database
from server.store.entries import QUESTION
from server.store.tables import Entry

COMPARED = 1_000
"""Questions of an activity that a new one is compared with: the newest that are waiting, open or answered."""
MOST_ACTIVITIES = 32
MOST_PAIRS = 250_000
"""Different character pairs of all activities together: 60 MB at the worst; a thousand real questions have 10,000."""
FORGOTTEN_AFTER = 600.0
"""Seconds after which an activity that nobody asked about is forgotten."""
_TURN_SECONDS = 0.002
"""How long the event loop is held before the others have their turn."""


class Duplicates:
    """Owner of the indexes of this process; the least recently asked one goes first where there are too many."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: OrderedDict[int, _OpenQuestions] = OrderedDict()
        self._forgetting = Periodic("duplicates", self._forget, FORGOTTEN_AFTER / 10)

    async def start(self) -> None:
        """Begin to forget what nobody asks about."""
        await self._forgetting.start()

    async def close(self) -> None:
        """Forget everything. Idempotent."""
        await self._forgetting.close()
        self._open.clear()

    @property
    def held(self) -> int:
        """How many questions it holds something of."""
        return sum(known.questions for known in self._open.values())

    async def likely(self, activity_id: int, entries: Sequence[Entry]) -> dict[int, list[int]]:
        """For each question that nobody has answered yet: others of the activity that may ask the same.

        Not to be called with a session at hand: it takes one of its own. Raises what the database raises.
        """
        asked = [entry for entry in entries if entry.kind == QUESTION]
        waiting = [entry for entry in asked if entry.state in UNDECIDED]
        # One that is taken back or decided is no reason to begin an index, but one to look again where there is one.
        if not waiting and (not asked or activity_id not in self._open):
            return {}
        known = self._open.setdefault(activity_id, _OpenQuestions(activity_id))
        self._open.move_to_end(activity_id)
        async with known.lock:
            async with self._database.read() as session:
                await known.look(session, asked)
            self._bound()
            return await known.similar(waiting)

    def _bound(self) -> None:
        while len(self._open) > 1 and (
            len(self._open) > MOST_ACTIVITIES or sum(known.size for known in self._open.values()) > MOST_PAIRS
        ):
            self._open.popitem(last=False)

    async def _forget(self) -> None:
        before = time.monotonic() - FORGOTTEN_AFTER
        for activity_id in [number for number, known in self._open.items() if known.looked_at < before]:
            del self._open[activity_id]


class _OpenQuestions:
    """The open questions of one activity, as of the last look."""

    def __init__(self, activity_id: int) -> None:
        newest = (
            select(Entry.id, Entry.revision)
            .where(Entry.activity_id == activity_id, Entry.kind == QUESTION, Entry.state.in_(HEADS))
            .order_by(Entry.id.desc())
            .limit(COMPARED)
            .subquery()
        )
        mark = cast(newest.c.id, String).concat(":").concat(cast(newest.c.revision, String))
        self._marks = select(func.aggregate_strings(mark, ","))
        self._known: set[str] = set()
        """Id and revision of what the index holds, as the database writes them: news are the difference of two sets."""
        self._index = Index()
        self.lock = asyncio.Lock()
        """One look at a time: of two, the one that read first must not be the last to write."""
        self.looked_at = time.monotonic()

    @property
    def questions(self) -> int:
        """How many there are."""
        return len(self._index.numbers)

    @property
    def size(self) -> int:
        """How many different character pairs are held."""
        return self._index.size

    async def look(self, session: AsyncSession, at_hand: Sequence[Entry]) -> None:
        """Bring the index up to date; of the entries at hand the words need not be read again."""
        self.looked_at = time.monotonic()
        line = await session.scalar(self._marks)
        marks = set(line.split(",")) if line else set()
        turn = _Turn()
        for mark in self._known - marks:
            self._index.drop(_id_of(mark))
            self._known.discard(mark)
            await turn.over()
        fresh = {_id_of(mark): mark for mark in marks - self._known}
        words = {entry.id: entry.text for entry in at_hand if fresh.get(entry.id) == f"{entry.id}:{entry.revision}"}
        if unread := fresh.keys() - words.keys():
            rows = await session.execute(select(Entry.id, Entry.text).where(Entry.id.in_(unread)))
            words |= dict(rows.all())
        for number, text in words.items():
            self._index.put(number, pairs(text))
            self._known.add(fresh[number])
            await turn.over()

    async def similar(self, waiting: Sequence[Entry]) -> dict[int, list[int]]:
        """For each of these: the open questions most like it."""
        found: dict[int, list[int]] = {}
        turn = _Turn()
        for entry in waiting:
            indexed = entry.id in self._index.numbers
            if alike := self._index.neighbours(entry.id) if indexed else self._index.alike(entry.text):
                found[entry.id] = alike
            await turn.over()
        return found


def _id_of(mark: str) -> int:
    return int(mark.partition(":")[0])


class _Turn:
    """Gives the other tasks their turn every few milliseconds of work."""

    def __init__(self) -> None:
        self._ends = time.perf_counter() + _TURN_SECONDS

    async def over(self) -> None:
        """Wait for the others where this task's turn is over."""
        if time.perf_counter() > self._ends:
            await asyncio.sleep(0)
            self._ends = time.perf_counter() + _TURN_SECONDS
