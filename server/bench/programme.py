"""Figures of the programme: the list, the board and the facts of a thousand activities with their registrations."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from statistics import median, quantiles

import aiohttp
from sqlalchemy import insert

from server.bench.service import PASSWORD, cpu_seconds, served
from server.programme.plan_reader import read_plan
from server.store.database import Database
from server.store.materials import Material
from server.store.migrate import migrate
from server.store.places import Registration, Selection
from server.store.tables import Activity, ActivityUnit, Notice

ACTIVITIES, REGISTRATIONS = 1_000, 100_000
LARGEST = 1_001
"""The activity that half of all registrations are for."""
_MANY = REGISTRATIONS // 2
_EACH = (REGISTRATIONS - _MANY) // ACTIVITIES
_ASKED = 30
_START = datetime(2023, 8, 1, 6, tzinfo=UTC)
_PAGES = (
    ("the public list", "/api/v1/activities", False),
    ("the coordinator's board with every deadline", "/api/v1/desk", True),
    ("the column of published materials", "/api/v1/columns/open-day", False),
    ("the facts of the assessment", "/api/v1/assessment", True),
    ("a page of the largest list of registrations", f"/api/v1/activities/x{LARGEST}/registrations?page=200", True),
    (
        "the same, one person found by the phone",
        f"/api/v1/activities/x{LARGEST}/registrations?search=13800000000",
        True,
    ),
)


async def _fill(folder: str) -> None:
    """A thousand activities over three years, all announced, half with materials, two thirds with a selection.

    Each has fifty registrations, and one of them as many as all others.
    """
    url = f"sqlite+aiosqlite:///{Path(folder) / 'minsheng.db'}"
    await migrate(url)
    database = Database(url)
    ids = range(1_001, 1_001 + ACTIVITIES)
    activities, notices, materials, selections = [], [], [], []
    for number, activity_id in enumerate(ids):
        start = _START + timedelta(days=number)
        facts = {"activity_id": activity_id, "version": 1, "published_at": start, "sha256": "0" * 64}
        activities.append(
            {
                "id": activity_id,
                "slug": f"x{activity_id}",
                "kind": "open-day" if number % 4 else "lecture",
                "number": 0,
                "title": f"第{number}场政务开放日",
                "form": ("online", "in-person", "hybrid")[number % 3],
                "starts_at": start,
                "ends_at": start + timedelta(hours=2),
                "state": "ended",
            }
        )
        notices.append(
            {**facts, "starts_at": start, "ends_at": start + timedelta(hours=2), "content": {}, "facts": {}}
            | {"objections": []}
        )
        if number % 3:
            selections.append(
                {
                    "activity_id": activity_id,
                    "mode": "open",
                    "opens_at": start - timedelta(days=20),
                    "closes_at": start - timedelta(days=5),
                    "quotas": {"resident": 30},
                    "registered": _EACH + _MANY * (activity_id == LARGEST),
                    "seed": "0" * 64,
                }
            )
        if number % 2:
            content = {"title": f"第{number}场", "column": "政务开放日", "text": "现场解答了问题。" * 20}
            none: dict[str, object] = {"pictures": [], "documents": [], "quotes": [], "contact": ""}
            materials.append({**facts, "content": {**content, **none, "recording_url": None}})
    async with database.write() as session:
        await session.execute(insert(Activity), activities)
        await session.execute(insert(ActivityUnit), [{"activity_id": each, "unit_id": "caiyu"} for each in ids])
        await session.execute(insert(Notice), notices)
        await session.execute(insert(Material), materials)
        await session.execute(insert(Selection), selections)
        for activity_id in ids:
            rows = [
                {
                    "activity_id": activity_id,
                    "number": number,
                    "receipt": f"{activity_id}-{number}",
                    "category": "resident",
                    "state": "confirmed" if number < 30 else "waiting",
                    "at": _START,
                    "changed_at": _START,
                    "phone_digest": f"{activity_id}-{number}",
                    "attended_at": _START if number < 20 else None,
                }
                for number in range(_EACH + _MANY * (activity_id == LARGEST))
            ]
            await session.execute(insert(Registration), rows)
    await database.close()


async def _ask(url: str, pid: int) -> dict[str, tuple[list[float], float]]:
    """Seconds from each request to the last byte of its answer, and the service's own CPU for one of them."""
    taken: dict[str, tuple[list[float], float]] = {}
    async with aiohttp.ClientSession(url) as session:
        async with session.post("/api/v1/session", json={"username": "admin", "password": PASSWORD}) as answer:
            answer.raise_for_status()
            cookie = answer.cookies["minsheng_session"].value
        for _, path, staff in _PAGES:
            headers = {"Cookie": f"minsheng_session={cookie}"} if staff else {}
            seconds, before = [], cpu_seconds(pid)
            for _ in range(_ASKED):
                begun = time.perf_counter()
                async with session.get(path, headers=headers) as answer:
                    answer.raise_for_status()
                    await answer.read()
                seconds.append(time.perf_counter() - begun)
            taken[path] = seconds, (cpu_seconds(pid) - before) / _ASKED
    return taken


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table; about half a minute."""
    text = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")
    begun = time.perf_counter()
    plan = read_plan(text)
    yield (
        f"reading the plan's text ({len(plan.activities)} activities)",
        f"{(time.perf_counter() - begun) * 1000:.0f} ms",
        "aim: under 1 s",
    )
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_fill(folder))
        with served(folder) as (url, pid, *_):
            taken = asyncio.run(_ask(url, pid))
    for name, path, _ in _PAGES:
        seconds, cpu = taken[path]
        wait = f"median {median(seconds) * 1000:.0f} ms, p95 {quantiles(seconds, n=20)[18] * 1000:.0f} ms"
        yield (
            f"{ACTIVITIES:,} activities, {REGISTRATIONS:,} registrations, SQLite: {name}",
            f"{wait}; CPU {cpu * 1000:.0f} ms",
            "aim: under 100 ms",
        )
