"""Carries what changed to the sockets: gathered for a moment, sent as lists, scores to staff alone."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from logging import getLogger
from typing import Any

import socketio
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from server.duplicates import Duplicates
from server.protocol import CommentView, EntryView, QuestionView, dump
from server.realtime.channels import AUDIENCE, HOST, room
from server.store.database import Database
from server.store.entries import (
    COMMENT,
    PUBLIC_COMMENT_STATES,
    PUBLIC_QUESTION_STATES,
    QUESTION,
    changed_since,
    entries_by_id,
    handovers_of,
    suggestion_ids,
)
from server.store.outcomes import Handed
from server.store.tables import Activity, Entry

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

    def __init__(
        self,
        sio: socketio.AsyncServer,
        database: Database,
        duplicates: Duplicates,
        *,
        on_caught_up: Callable[[str], Awaitable[None]],
    ) -> None:
        self._sio = sio
        self._database = database
        self._duplicates = duplicates
        self._on_caught_up = on_caught_up
        self._public: set[int] = set()
        self._staff: set[int] = set()
        self._here: set[int] = set()
        """What other processes may have sent while they could not be heard: for the sockets of this one alone."""
        self._missed_since: float | None = None
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

    def told_staff(self, *entry_ids: int) -> None:
        """Entries changed for staff alone."""
        self._staff.update(entry_ids)

    def missed(self, since: float) -> None:
        """Other processes could not be heard since a moment (seconds of the epoch): read what changed from then on.

        `on_caught_up` gets the slug of each activity of which that was done.
        """
        self._missed_since = since if self._missed_since is None else min(since, self._missed_since)

    def scored(self, entry_ids: Iterable[int]) -> None:
        """Entries have a score: news for staff alone."""
        for entry_id in entry_ids:
            self._awaiting_score.pop(entry_id, None)
            self._staff.add(entry_id)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            try:
                if self._missed_since is not None:
                    await self._catch_up(self._missed_since)
                await self._flush()
            except (SQLAlchemyError, OSError) as error:
                # The ids are kept: they go out when the database answers again.
                log.error("delivery: %s", error)
                self._bound()

    def _bound(self) -> None:
        for held in (self._public, self._staff, self._here):
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
        ids = sorted(self._public | self._staff | self._here)[:_LONGEST_LIST]
        if not ids:
            return
        # Taken before the rows are read: what changes from here on is news again.
        public, staff, here = (held.intersection(ids) for held in (self._public, self._staff, self._here))
        self._public -= public
        self._staff -= staff
        self._here -= here
        try:
            async with self._database.read() as session:
                entries = await entries_by_id(session, ids)
                suggestions = await suggestion_ids(session, ids)
                handed = await handovers_of(session, staff | here)
            similar = await self._similar(entries, staff | here)
        except (SQLAlchemyError, OSError):
            self._public |= public
            self._staff |= staff
            self._here |= here
            raise
        by_activity: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_activity[entry.activity_id].append(entry)
        for activity_id, group in by_activity.items():
            for to_audience, to_staff, local in ((public, staff, False), (here - public, here - staff, True)):
                await self._to_audience(activity_id, [entry for entry in group if entry.id in to_audience], local=local)
                chosen = [entry for entry in group if entry.id in to_staff]
                await self._to_staff(activity_id, chosen, suggestions, similar, handed, local=local)

    async def _catch_up(self, since: float) -> None:
        activities = self._sio.manager.inhabited()
        async with self._database.read() as session:
            self._here |= await changed_since(session, activities, datetime.fromtimestamp(since, UTC))
            slugs = (await session.scalars(select(Activity.slug).where(Activity.id.in_(activities)))).all()
        self._missed_since = None
        for slug in slugs:
            await self._on_caught_up(slug)

    async def _to_audience(self, activity_id: int, entries: list[Entry], *, local: bool) -> None:
        shown = [entry for entry in entries if is_public(entry)]
        comments = [CommentView.of(entry) for entry in shown if entry.kind == COMMENT]
        questions = [QuestionView.of(entry) for entry in shown if entry.kind == QUESTION]
        gone = [entry.id for entry in entries if not is_public(entry)]
        place: dict[str, Any] = {"room": room(activity_id), "namespace": AUDIENCE, "ignore_queue": local}
        if comments:
            await self._sio.emit("comments", dump(comments), **place)
        if questions:
            await self._sio.emit("questions", dump(questions), **place)
        if gone:
            await self._sio.emit("removed", {"ids": gone}, **place)

    async def _similar(self, entries: Sequence[Entry], staff: set[int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for activity_id in {entry.activity_id for entry in entries}:
            group = [entry for entry in entries if entry.activity_id == activity_id and entry.id in staff]
            found |= await self._duplicates.likely(activity_id, group)
        return found

    async def _to_staff(
        self,
        activity_id: int,
        entries: list[Entry],
        suggestions: dict[int, int],
        similar: dict[int, list[int]],
        handed: dict[int, Handed],
        *,
        local: bool,
    ) -> None:
        for kind, name in ((COMMENT, "comments"), (QUESTION, "questions")):
            views = [
                EntryView.of(entry, suggestions.get(entry.id), similar.get(entry.id, ()), handed.get(entry.id))
                for entry in entries
                if entry.kind == kind
            ]
            if views:
                place: dict[str, Any] = {"room": room(activity_id), "namespace": HOST, "ignore_queue": local}
                await self._sio.emit(name, dump(views), **place)
