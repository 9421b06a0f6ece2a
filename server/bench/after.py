"""Figures of what comes after: the outcomes page at the server, and lists of an activity with 100,000 entries."""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import seals
from feedback.decisions import Decision
from server.outcomes import draft
from server.publishing import Window, prepare, serve
from server.store.database import Database
from server.store.entries import public_questions, staff_page
from server.store.migrate import migrate
from server.store.outcomes import Publication, Suggestion
from server.store.tables import Activity, Entry

ENTRIES = 100_000
QUESTIONS = 10_000
SUGGESTIONS = 2_000
ANSWERED = 2_000
"""Of the questions; all of them stand in the published version."""
_RUNS = 7

Row = tuple[str, str, str]
_Work = Callable[[AsyncSession, Activity], Awaitable[object]]


async def _fill(database: Database) -> None:
    at = datetime(2023, 9, 27, 6, 0, tzinfo=UTC)
    rows = [
        {
            "id": number,
            "activity_id": 1,
            "kind": "question" if number <= QUESTIONS else "comment",
            "device": f"{number:032}",
            "key": "1",
            "receipt": f"{number:010}",
            "nickname": "网友",
            "text": f"第{number}条：窗口的同志很热情，建议周末也开放",
            "at": at,
            "state": ("answered" if number <= ANSWERED else "open") if number <= QUESTIONS else "shown",
            "answer_mode": "written" if number <= ANSWERED else None,
            "answer": "每周三延时服务到晚上八点，具体安排以公告为准。" if number <= ANSWERED else None,
            "answered_at": at if number <= ANSWERED else None,
            "changed_at": at,
            "label": "positive",
            "votes": number % 97,
        }
        for number in range(1, ENTRIES + 1)
    ]
    decided = [
        {
            "activity_id": 1,
            "entry_id": QUESTIONS + number,
            "number": number,
            "revision": 2,
            "marked_at": at,
            "decision": Decision.ADOPTED.value,
            "decided_at": at,
        }
        for number in range(1, SUGGESTIONS + 1)
    ]
    async with database.write() as session:
        await session.execute(insert(Entry), rows)
        await session.execute(insert(Suggestion), decided)
        activity = await session.get_one(Activity, 1)
        activity.received, activity.state = ENTRIES, "ended"
        await session.flush()
        _, content = await prepare(session, activity)
        published = seals.sealed(content)
        session.add(
            Publication(
                activity_id=1,
                version=1,
                published_at=at,
                sha256=seals.digest(published),
                content=published,
                entry_ids={},
            )
        )


async def _measure() -> list[tuple[str, float]]:
    async def page(session: AsyncSession, activity: Activity) -> object:
        return json.dumps(await serve(session, activity, window=Window(50)), ensure_ascii=False)

    async def whole(session: AsyncSession, activity: Activity) -> object:
        return json.dumps(await serve(session, activity), ensure_ascii=False)

    held = f"{SUGGESTIONS:,} suggestions and {ANSWERED:,} answers"
    works: dict[str, _Work] = {
        f"outcomes page at the server, of {held}": page,
        f"outcomes as one JSON, {held}": whole,
        f"the unit's list of {SUGGESTIONS} suggestions with the account of {ENTRIES:,} entries": draft,
        f"newest page of {ENTRIES:,} entries for staff": lambda session, activity: staff_page(session, activity.id),
        f"the same, found by a word ({ENTRIES:,} entries)": lambda session, activity: staff_page(
            session, activity.id, text="第99条"
        ),
        f"public queue of {QUESTIONS:,} questions": lambda session, activity: public_questions(session, activity.id),
    }
    with tempfile.TemporaryDirectory(prefix="minsheng-bench-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"
        await migrate(url)
        database = Database(url)
        await _fill(database)
        figures = []
        for name, work in works.items():
            times = []
            for _ in range(_RUNS):
                async with database.read() as session:
                    activity = await session.get_one(Activity, 1)
                    begun = time.perf_counter()
                    await work(session, activity)
                    times.append(time.perf_counter() - begun)
            figures.append((name, median(times)))
        await database.close()
    return figures


def rows() -> Iterator[Row]:
    """The rows of the table; some 20 s."""
    for name, seconds in asyncio.run(_measure()):
        aim = "aim: under 100 ms" if name.startswith("outcomes") else "SQLite, median of seven"
        yield name, f"{seconds * 1000:.0f} ms", aim
