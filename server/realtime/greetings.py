"""What somebody who comes, or comes back, has to be told: read once for all who come between two changes.

A hall of five hundred phones joins within seconds, and after a restart all phones of an activity come back at once,
most of them with the same last id. Each would read the same rows, and encode them anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.memo import Memo
from server.protocol import CommentView, QuestionView, dump
from server.realtime.channels import AUDIENCE, room
from server.realtime.rooms import Encoded, RoomManager
from server.store.database import Database
from server.store.entries import comments_after, public_questions, removed_before

NEWCOMER_COMMENTS = 50
RESUMED_COMMENTS = 500
LIFETIME = 5.0
"""Seconds after which a change that no room was told of (the end of a retention) is seen."""
CAPACITY = 32


@dataclass(frozen=True, slots=True)
class Greeting:
    """What is there (`missed`, as `resume` answers it), and the same as events, encoded."""

    missed: dict[str, Any]
    events: Sequence[Encoded]


class Greetings:
    """Reads greetings and sends them.

    One serves whoever entered the room while the room was told nothing since the greeting began to be read: what was
    told before is in the database, and what is told later reaches the room. A room is told a few times a second at
    most, and so often is the database asked.
    """

    def __init__(self, database: Database, rooms: RoomManager) -> None:
        self._database = database
        self._rooms = rooms
        self._memo = Memo(self._read, lifetime=LIFETIME, capacity=CAPACITY)

    async def close(self) -> None:
        """Stop reading. Idempotent."""
        await self._memo.close()

    async def find(self, activity_id: int, last: int | None) -> Greeting:
        """What somebody lacks who has all up to `last`, or nothing yet, and who is in the room already.

        Raises SQLAlchemyError or OSError where the database is away.
        """
        return await self._memo.find((activity_id, last), self._rooms.told(AUDIENCE, room(activity_id)))

    async def greet(self, sid: str, activity_id: int, last: int | None) -> None:
        """Send what `find` finds to a socket that is in the room. Raises as `find` does."""
        greeting = await self.find(activity_id, last)
        for event in greeting.events:
            await self._rooms.send(event, AUDIENCE, sid)

    async def _read(self, whose: tuple[int, int | None]) -> Greeting:
        activity_id, last = whose
        limit = NEWCOMER_COMMENTS if last is None else RESUMED_COMMENTS
        async with self._database.read() as session:
            comments = await comments_after(session, activity_id, last, limit)
            questions = await public_questions(session, activity_id)
            removed = [] if last is None else await removed_before(session, activity_id, last)
        missed: dict[str, Any] = {
            "comments": dump(CommentView.of(entry) for entry in comments),
            "questions": dump(QuestionView.of(entry) for entry in questions),
            "removed": removed,
        }
        events = [self._rooms.encode(name, missed[name], AUDIENCE) for name in ("questions", "comments")]
        if removed:
            events.append(self._rooms.encode("removed", {"ids": removed}, AUDIENCE))
        return Greeting(missed, events)
