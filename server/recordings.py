"""Recordings: when a broadcast is kept, how it becomes one file, and what becomes of it after a crash.

While an activity is on air its segments are in `hls/{activity}`, which a web server may hand out to anybody. As soon
as nobody publishes they are moved to `recordings/{activity}`, which only this service hands out, and only once the
unit released them.
"""

import asyncio
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from logging import getLogger
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import Conflict, NotFound
from server.store.database import Database
from server.store.recordings import Recording
from server.store.tables import Activity
from streaming.finish import FILE, present
from streaming.packagers import Packagers
from streaming.playlist import JOURNAL, spans

log = getLogger(__name__)


class Recordings:
    """Owns the folder of finished recordings, and the rows that say what is in it."""

    def __init__(self, database: Database, data_dir: Path, *, limit: int, now: Callable[[], datetime]) -> None:
        self._database = database
        self._data = data_dir
        self._limit = limit
        self._now = now
        self._packagers: Packagers | None = None
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, packagers: Packagers) -> None:
        """Take up what a process that was killed left behind; in the background, since files may be large."""
        self._packagers = packagers
        left = {path.parent.name for path in self._data.glob(f"hls/*/{JOURNAL}")}
        async with self._database.read() as session:
            unfinished = select(Activity.slug).join(Recording, Recording.activity_id == Activity.id)
            left |= set(await session.scalars(unfinished.where(Recording.state.in_(("recording", "finishing")))))
        for slug in sorted(left):
            self._run(self.settle(slug), slug)

    def _run(self, work: Coroutine[None, None, None], slug: str) -> None:
        task = asyncio.create_task(work, name=f"recording-{slug}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def changed_soon(self, slug: str) -> None:
        """Take note that the activity started or ended; whoever did it does not wait for the files."""
        self._run(self.changed(slug), slug)

    async def close(self) -> None:
        """Leave what is under way to the next start. Idempotent."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def folder_of(self, slug: str) -> Path:
        """Where an activity's recording is while nobody publishes."""
        return self._data / "recordings" / slug

    async def prepare(self, slug: str) -> int:
        """Before a packager starts: give it what was recorded before. Returns how many bytes it may keep; 0 = none."""
        async with self._locks[slug]:
            live, kept = self._data / "hls" / slug, self.folder_of(slug)
            if kept.exists() and not (live / JOURNAL).exists():
                shutil.rmtree(live, ignore_errors=True)
                live.parent.mkdir(parents=True, exist_ok=True)
                kept.rename(live)
            return await self._budget(slug)

    async def changed(self, slug: str) -> None:
        """The activity started or ended, or its unit decided otherwise about recording."""
        packagers = self._packagers
        if packagers is None:
            return
        async with self._database.read() as session:
            ended = await session.scalar(select(Activity.state).where(Activity.slug == slug)) == "ended"
        if packagers.folder_of(slug) is not None:
            if ended:
                packagers.end(slug)
            else:
                packagers.keep(slug, await self._budget(slug))
        elif ended:
            await self.settle(slug)

    async def _budget(self, slug: str) -> int:
        async with self._database.write() as session:
            activity = await session.scalar(select(Activity).where(Activity.slug == slug))
            if activity is None or activity.state != "live":
                return 0  # what is tried out before the beginning is nobody's business
            row = await recording_of(session, activity.id)
            others = await session.scalar(
                select(func.coalesce(func.sum(Recording.bytes), 0)).where(Recording.activity_id != activity.id)
            )
            room = max(0, self._limit - int(others or 0)) // 2  # the one file at the end takes as much again
            if not row.allowed or room == 0:
                if row.allowed:
                    row.stopped = "limit"
                return 0
            row.state, row.released_at, row.released_by, row.stopped = "recording", None, None, None
            row.started_at = row.started_at or self._now()
            return room

    async def settle(self, slug: str) -> None:
        """Nobody publishes any more: put the recording away, and finish it where the activity is over."""
        async with self._locks[slug]:
            live, kept = self._data / "hls" / slug, self.folder_of(slug)
            if (live / JOURNAL).exists():
                await asyncio.to_thread(shutil.rmtree, kept, ignore_errors=True)
                kept.parent.mkdir(parents=True, exist_ok=True)
                live.rename(kept)
            segments = await asyncio.to_thread(present, kept)
            async with self._database.write() as session:
                activity = await session.scalar(select(Activity).where(Activity.slug == slug))
                if activity is None:
                    return
                row = await recording_of(session, activity.id)
                row.stopped = self._stopped(slug) or row.stopped
                if not segments:
                    row.state = "none"
                    return
                row.stretches = [asdict(span) for span in spans(segments)]
                row.seconds = round(sum(segment.seconds for segment in segments), 3)
                row.bytes = sum(segment.size for segment in segments)
                row.started_at = row.started_at or datetime.fromtimestamp(segments[0].at, UTC)
                row.state = "finishing" if activity.state == "ended" else "recording"
                finishing, activity_id = row.state == "finishing", activity.id
            if finishing:
                await self._finish(slug, activity_id)

    def _stopped(self, slug: str) -> str | None:
        report = self._packagers.reports.get(slug) if self._packagers is not None else None
        return report.get("stopped") if report else None

    async def _finish(self, slug: str, activity_id: int) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streaming.finish", str(self.folder_of(slug)), stdout=asyncio.subprocess.PIPE
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        async with self._database.write() as session:
            row = await recording_of(session, activity_id)
            if process.returncode:
                log.error("%s: the recording could not be finished; its segments stay", slug)
                row.state = "failed"
                return
            result = json.loads(output)
            row.state, row.bytes, row.seconds = "ready", result["bytes"], result["seconds"]
            row.sha256, row.stretches = result["sha256"], result["spans"]
            row.path = str((self.folder_of(slug) / FILE).relative_to(self._data))
        log.info("%s: the recording is ready, %.0f s", slug, result["seconds"])

    async def remove(self, slug: str, session: AsyncSession, activity_id: int) -> None:
        """Delete a recording for good. Raises Conflict while it is being made, NotFound where there is none."""
        if self._locks[slug].locked() or (self._packagers is not None and self._packagers.folder_of(slug) is not None):
            raise Conflict("录像正在进行或整理，稍后再删除。")
        row = await recording_of(session, activity_id)
        if row.state == "none":
            raise NotFound("这个活动没有录像。")
        await asyncio.to_thread(shutil.rmtree, self.folder_of(slug), ignore_errors=True)
        row.state, row.stretches, row.path, row.bytes, row.seconds, row.sha256 = "none", [], None, 0, 0.0, None
        row.started_at = row.released_at = row.released_by = row.stopped = None


async def recording_of(session: AsyncSession, activity_id: int) -> Recording:
    """The row of an activity; made where there is none yet (allowed, nothing recorded)."""
    row = await session.get(Recording, activity_id)
    if row is None:
        row = Recording(
            activity_id=activity_id, allowed=True, state="none", stretches=[], bytes=0, seconds=0.0, started_at=None
        )
        session.add(row)
    return row
