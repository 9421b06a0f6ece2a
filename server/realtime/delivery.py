"""Carries what changed to the sockets: gathered for a moment, sent as lists, scores to staff alone."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from logging import getLogger

import socketio
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from server.merging import likely
from server.protocol import CommentView, EntryView, QuestionView, dump
from server.realtime.channels import AUDIENCE, HOST, room
from server.store.database import Database
from server.store.entries import (
    COMMENT,
    PUBLIC_COMMENT_STATES,
    PUBLIC_QUESTION_STATES,
    QUESTION,
    entries_by_id,
    suggestion_ids,
)
from server.store.tables import Entry

log = getLogger(__name__)

GATHER_SECONDS = 0.15
"""One emit costs about 45 µs a client however many comments it carries: a list every 150 ms is cheap."""
UNSCORED_AFTER = 0.4
"""Seconds that staff waits for a score before an entry is shown without one."""
_LONGEST_LIST = 1000
_MOST_HELD = 20_000


def is_public(entry: Entry) -> bool:
    """Whether everybody may see the entry."""
    return entry.state in (PUBLIC_COMMENT_STATES if entry.kind == COMMENT else PUBLIC_QUESTION_STATES)


class Delivery:
    """Owner of the sending task. What it holds is ids: it reads the rows when it sends, so nothing stale goes out."""

    def __init__(self, sio: socketio.AsyncServer, database: Database) -> None:
        self._sio = sio
        self._database = database
        self._public: set[int] = set()
        self._staff: set[int] = set()
        self._awaiting_score: dict[int, float] = {}
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0
        """Entries that were stored but not sent live, because the database was away too long; a reload shows them."""

    async def start(self) -> None:
        """Begin sending."""
        self._task = asyncio.create_task(self._run(), name="delivery")

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def arrived(self, entry_id: int, *, public: bool) -> None:
        """A citizen's entry is on disk: the public sees it at once, staff when it is scored or after a moment."""
        if public:
            self._public.add(entry_id)
        self._awaiting_score[entry_id] = time.monotonic()

    def changed(self, *entry_ids: int) -> None:
        """Entries changed for everybody."""
        self._public.update(entry_ids)
        self._staff.update(entry_ids)

    def scored(self, entry_ids: Iterable[int]) -> None:
        """Entries have a score: news for staff alone."""
        for entry_id in entry_ids:
            self._awaiting_score.pop(entry_id, None)
            self._staff.add(entry_id)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self._flush()
            except (SQLAlchemyError, OSError) as error:
                # The ids are kept: they go out when the database answers again.
                log.error("delivery: %s", error)
                self._bound()

    def _bound(self) -> None:
        for held in (self._public, self._staff):
            for entry_id in sorted(held)[:-_MOST_HELD]:
                held.discard(entry_id)
                self.dropped += 1

    async def _flush(self) -> None:
        overdue = time.monotonic() - UNSCORED_AFTER
        for entry_id, since in list(self._awaiting_score.items()):
            if since > overdue:
                break
            del self._awaiting_score[entry_id]
            self._staff.add(entry_id)
        ids = sorted(self._public | self._staff)[:_LONGEST_LIST]
        if not ids:
            return
        async with self._database.read() as session:
            entries = await entries_by_id(session, ids)
            suggestions = await suggestion_ids(session, ids)
            similar = await self._similar(session, entries)
        public, staff = self._public.intersection(ids), self._staff.intersection(ids)
        self._public -= public
        self._staff -= staff
        by_activity: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_activity[entry.activity_id].append(entry)
        for activity_id, group in by_activity.items():
            await self._to_audience(activity_id, [entry for entry in group if entry.id in public])
            await self._to_staff(activity_id, [entry for entry in group if entry.id in staff], suggestions, similar)

    async def _to_audience(self, activity_id: int, entries: list[Entry]) -> None:
        shown = [entry for entry in entries if is_public(entry)]
        comments = [CommentView.of(entry) for entry in shown if entry.kind == COMMENT]
        questions = [QuestionView.of(entry) for entry in shown if entry.kind == QUESTION]
        gone = [entry.id for entry in entries if not is_public(entry)]
        if comments:
            await self._sio.emit("comments", dump(comments), room=room(activity_id), namespace=AUDIENCE)
        if questions:
            await self._sio.emit("questions", dump(questions), room=room(activity_id), namespace=AUDIENCE)
        if gone:
            await self._sio.emit("removed", {"ids": gone}, room=room(activity_id), namespace=AUDIENCE)

    async def _similar(self, session: AsyncSession, entries: Sequence[Entry]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for activity_id in {entry.activity_id for entry in entries}:
            group = [entry for entry in entries if entry.activity_id == activity_id and entry.id in self._staff]
            found |= await likely(session, activity_id, group)
        return found

    async def _to_staff(
        self,
        activity_id: int,
        entries: list[Entry],
        suggestions: dict[int, int],
        similar: dict[int, list[int]],
    ) -> None:
        for kind, name in ((COMMENT, "comments"), (QUESTION, "questions")):
            views = [
                EntryView.of(entry, suggestions.get(entry.id), similar.get(entry.id, ()))
                for entry in entries
                if entry.kind == kind
            ]
            if views:
                await self._sio.emit(name, dump(views), room=room(activity_id), namespace=HOST)
