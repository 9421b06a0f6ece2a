"""Scores what citizens write, in a process of its own. The database is the queue: what has no label yet is scored.

So nothing is lost when the scorer or the service dies, and no queue grows in memory.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from importlib.metadata import version
from logging import getLogger
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from feedback.model import Model
from feedback.scorer import Score
from server import scoring_worker
from server.store.database import Database
from server.store.tables import Entry

log = getLogger(__name__)

_BATCH = 100
_GATHER = 0.1
"""Seconds in which comments gather: a batch costs the database the same whether it holds one or a hundred."""
_SWEEP = 2.0
_RETRY = 1.0
_PATIENCE = 5.0
"""Seconds for a batch: it takes milliseconds. Loading the model has its own time."""
_LOADING = 60.0
_LONG = 10.0
"""Seconds of loading after which hosts are told that there are no scores yet."""


class ScorerSilent(Exception):
    """The scorer's process lives, and answers nothing."""


class Scoring:
    """Owner of the scorer's process and of the task that feeds it.

    `labels` makes the labels; `on_scored` gets the ids of the entries that have a label now, `on_health`
    whether the scorer answers.
    """

    def __init__(
        self,
        database: Database,
        *,
        labels: Model,
        on_scored: Callable[[list[int]], Awaitable[None]],
        on_health: Callable[[bool], Awaitable[None]],
    ) -> None:
        self._database = database
        self._labels = labels
        self._on_scored = on_scored
        self._on_health = on_health
        self._pool: ProcessPoolExecutor | None = None
        self._processes: set[BaseProcess] = set()
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.up = True
        self.model = f"snownlp-{version('snownlp')}+{labels.full_name}"
        self.engine: str | None = None
        """What the scorer's process works with, “python” or “numba”; None before it has scored anything."""

    async def start(self) -> None:
        """Begin; what an earlier run left unscored comes first."""
        self._work.set()
        self._task = asyncio.create_task(self._run(), name="scoring")

    async def close(self) -> None:
        """Stop the task and the process. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._drop_pool()

    def wake(self) -> None:
        """Something new is in the database."""
        self._work.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP):
                    await self._work.wait()
                    await asyncio.sleep(_GATHER)
            self._work.clear()
            try:
                while await self._score_some():
                    pass
            except (BrokenProcessPool, ScorerSilent) as error:
                log.error("scoring: %s; starting it again in %.0f s", error, _RETRY)
                await self._drop_pool()
                await self._say(up=False)
                await self._pause()
            except (SQLAlchemyError, OSError) as error:
                log.error("scoring: the database does not answer: %s", error)
                await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(_RETRY)
        self._work.set()

    async def _score_some(self) -> bool:
        """Score one batch. Returns whether more may be waiting."""
        async with self._database.read() as session:
            rows = (
                await session.execute(
                    select(Entry.id, Entry.text).where(Entry.label.is_(None)).order_by(Entry.id).limit(_BATCH)
                )
            ).all()
        if not rows:
            return False
        self.engine, scores = await self._ask([text for _, text in rows])
        values = [
            {
                "entry": entry_id,
                "score": score.score,
                "label": score.label.value,
                "model": score.model,
                "utterance": score.utterance.value,
            }
            for (entry_id, _), score in zip(rows, scores, strict=True)
        ]
        async with self._database.write() as session:
            connection = await session.connection()
            table = Entry.__table__
            await connection.execute(
                update(Entry)
                # Whoever took an entry back meanwhile left a label there: no score of it is kept.
                .where(table.c.id == bindparam("entry"), table.c.label.is_(None))
                .values({name: bindparam(name) for name in ("score", "label", "model", "utterance")}),
                values,
            )
        await self._say(up=True)
        await self._on_scored([entry_id for entry_id, _ in rows])
        return len(rows) == _BATCH

    async def _ask(self, texts: list[str]) -> tuple[str, list[Score]]:
        loop = asyncio.get_running_loop()
        try:
            if self._pool is None:
                # spawn: a fork would copy the event loop, its sockets and its locks. An initializer runs before the
                # process waits for work: a service killed in that moment would leave it waiting for ever.
                self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=scoring_worker.begin)
                before = set(active_children())
                loading = loop.run_in_executor(self._pool, scoring_worker.load, self._labels)
                # It is there now, and answers seconds later: who stops the service meanwhile does not wait for that.
                self._processes = set(active_children()) - before
                async with asyncio.timeout(_LOADING):
                    try:
                        done, _ = await asyncio.wait({loading}, timeout=_LONG)
                        if not done:
                            await self._say(up=False)
                        await loading
                    finally:
                        loading.cancel()  # nobody asks any more what became of it
            async with asyncio.timeout(_PATIENCE):
                return await loop.run_in_executor(self._pool, scoring_worker.score, texts)
        except TimeoutError:
            raise ScorerSilent("the scorer does not answer") from None

    async def _drop_pool(self) -> None:
        pool, self._pool = self._pool, None
        processes, self._processes = self._processes, set()
        if pool is None:
            return
        for process in processes:
            process.kill()  # one that hangs would not end by being asked
        # Its thread ends with its process; an interpreter that ended before it would meet pipes that are half closed.
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    async def _say(self, *, up: bool) -> None:
        if up != self.up:
            self.up = up
            await self._on_health(up)
