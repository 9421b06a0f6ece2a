"""Broadcasts films at their hour as if live: what the database says should be on air is on air, each second anew.

A film is published through WHIP like any encoder's picture, by `streaming.publish` in a process of its own. It is a
publisher of its own, with a token of its own: it cuts nobody off who is on air, and nobody it.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from logging import getLogger
from pathlib import Path
from typing import Literal

from sqlalchemy import or_, select

from server.auth.publishing import film_token
from server.errors import Conflict
from server.periodic import Periodic
from server.programme.film import Begin, GoOn, Over, Phase, due
from server.stage import Stage
from server.store.database import Database
from server.store.films import ActivityFilm
from server.store.tables import Act, Activity
from streaming.publish import Progress, PublishError, publish

log = getLogger(__name__)

Problem = Literal["taken", "failed"]
"""Somebody else is on air, or it could not be put on air; the log says why."""

LOOK_SECONDS = 1.0
RETRY_SECONDS = 3.0
"""After a film could not be put on air."""
GRACE = timedelta(seconds=10)
"""A film that still sends may run over its length for so long: a file's own word on that is not exact."""


@dataclass(slots=True)
class _Showing:
    """A film that is being published."""

    stored: str
    """The file; another one may have taken its place meanwhile."""
    task: asyncio.Task[bool]
    """Its result is whether the film came to its end."""
    on_air: bool = False
    began_at: datetime | None = None
    """When its first second was on air; noted once."""


class Films:
    """Owns the publishing of every film. `whip` makes the address of an activity's WHIP resource."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        stage: Stage,
        *,
        whip: Callable[[str], str],
        key: bytes,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._folder = folder
        self._stage = stage
        self._whip = whip
        self._key = key
        self._now = now
        self._periodic = Periodic("films", self.look, LOOK_SECONDS)
        self._lock = asyncio.Lock()
        self._showing: dict[str, _Showing] = {}
        self._not_before: dict[str, float] = {}
        self._problems: dict[str, Problem] = {}

    async def start(self) -> None:
        """Begin to look."""
        await self._periodic.start()

    async def close(self) -> None:
        """Take every film off the air; it goes on at the next start. Idempotent."""
        await self._periodic.close()
        async with self._lock:
            for slug in list(self._showing):
                await self._take_off(slug)

    def on_air(self, slug: str) -> bool:
        """Whether an activity's film is being sent."""
        showing = self._showing.get(slug)
        return showing is not None and showing.on_air and not showing.task.done()

    def problem(self, slug: str) -> Problem | None:
        """What kept it from the air the last time; None where nothing does."""
        return self._problems.get(slug)

    async def look(self) -> None:
        """Do what is due: called each second, and after each change of a film."""
        async with self._lock:
            async with self._database.read() as session:
                rows = await session.execute(
                    select(ActivityFilm, Activity)
                    .join(Activity, Activity.id == ActivityFilm.activity_id)
                    .where(
                        ActivityFilm.stored.is_not(None),
                        ActivityFilm.outcome.is_(None),
                        or_(
                            ActivityFilm.planned, ActivityFilm.asked_at.is_not(None), ActivityFilm.began_at.is_not(None)
                        ),
                    )
                )
                found = {activity.slug: (film, activity) for film, activity in rows}
            for slug, showing in list(self._showing.items()):
                if slug not in found or found[slug][0].stored != showing.stored:
                    await self._take_off(slug)
            for slug, (film, activity) in found.items():
                try:
                    await self._see_to(slug, film, activity)
                except Exception:  # one film's fault must not keep the others from their hour
                    log.exception("%s: the film cannot be seen to; trying again", slug)

    async def _see_to(self, slug: str, film: ActivityFilm, activity: Activity) -> None:
        showing = self._showing.get(slug)
        if showing is not None and showing.began_at is not None and film.began_at is None:
            film.began_at = showing.began_at
            await self._note_beginning(film.activity_id, showing.began_at)
        if showing is not None and showing.task.done():
            del self._showing[slug]
            self._not_before[slug] = time.monotonic() + RETRY_SECONDS
            if showing.task.result():
                await self._over(slug, Phase.FINISHED)
                return
        match due(film.showing(activity), activity.state, self._now()):
            case Begin():
                if activity.state == "scheduled":
                    with suppress(Conflict):  # a host was quicker
                        await self._stage.set_state(slug, "live", account_id=film.account_id, by_film=True)
                self._put_on(slug, film, None)
            case GoOn(second):
                self._put_on(slug, film, second)
            case Over(outcome) if not (outcome is Phase.FINISHED and self._near_its_end(slug, film, activity)):
                await self._take_off(slug)
                await self._over(slug, outcome)

    def _near_its_end(self, slug: str, film: ActivityFilm, activity: Activity) -> bool:
        before = due(film.showing(activity), activity.state, self._now() - GRACE)
        return slug in self._showing and isinstance(before, GoOn)

    def _put_on(self, slug: str, film: ActivityFilm, second: float | None) -> None:
        if slug in self._showing or time.monotonic() < self._not_before.get(slug, 0.0):
            return
        stored = film.stored or ""
        task = asyncio.create_task(self._show(slug, self._folder / stored, second), name=f"film-{slug}")
        self._showing[slug] = _Showing(stored, task)

    async def _show(self, slug: str, path: Path, second: float | None) -> bool:
        def progress(made: Progress) -> None:
            showing = self._showing.get(slug)
            if showing is None:
                return
            showing.on_air = True
            self._problems.pop(slug, None)
            if second is None and showing.began_at is None:
                showing.began_at = self._now() - timedelta(seconds=made.seconds)

        if second is not None:
            log.info("%s: the film goes on at second %.0f", slug, second)
        try:
            await publish(
                str(path),
                self._whip(slug),
                film_token(self._key, slug),
                second=second,
                untrusted=True,
                on_progress=progress,
            )
        except PublishError as error:
            log.warning("%s: the film is not on air: %s; trying again", slug, error)
            self._problems[slug] = "taken" if error.taken else "failed"
            return False
        return True

    async def _take_off(self, slug: str) -> None:
        showing = self._showing.pop(slug, None)
        self._not_before.pop(slug, None)
        self._problems.pop(slug, None)
        if showing is not None:
            showing.task.cancel()
            await asyncio.gather(showing.task, return_exceptions=True)

    async def _note_beginning(self, activity_id: int, began_at: datetime) -> None:
        async with self._database.write() as session:
            film = await session.get(ActivityFilm, activity_id)
            if film is None or film.outcome is not None or film.began_at is not None:
                return
            film.began_at = began_at
            session.add(_act(film, self._now(), {"began": film.name}))

    async def _over(self, slug: str, outcome: Phase) -> None:
        async with self._database.write() as session:
            activity = await session.scalar(select(Activity).where(Activity.slug == slug))
            film = await session.get(ActivityFilm, activity.id) if activity is not None else None
            if activity is None or film is None or film.outcome is not None:
                return
            film.outcome, film.planned, film.asked_at = outcome, False, None
            session.add(_act(film, self._now(), {"over": outcome.value, "name": film.name}))
            ends = film.ends_activity and outcome is Phase.FINISHED and activity.state == "live"
            account_id = film.account_id
        log.info("%s: the film is over: %s", slug, outcome.value)
        if ends:
            with suppress(Conflict):
                await self._stage.set_state(slug, "ended", account_id=account_id, by_film=True)


def _act(film: ActivityFilm, now: datetime, detail: dict[str, object]) -> Act:
    """A line of the log: in the name of who planned it, marked as done by the service."""
    return Act(
        at=now,
        account_id=film.account_id,
        activity_id=film.activity_id,
        act="film",
        detail={**detail, "by_itself": True},
    )
