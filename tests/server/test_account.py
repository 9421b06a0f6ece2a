"""Whatever happens, in any order, on the real tables: the account adds up, and deleted words are gone."""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import seals
from feedback.decisions import Decision
from server.auth.accounts import create_account
from server.auth.rights import Principal, Role
from server.commands import parse_command
from server.errors import Conflict, ServiceError
from server.moderation import moderate
from server.outcomes import PUBLISHABLE, decide, draft, list_suggestions
from server.publishing import publish
from server.removals import ask, remove
from server.store.database import Database
from server.store.journal import Journal, NewEntry
from server.store.outcomes import Publication
from server.store.tables import Activity
from server.withdrawal import withdraw
from tests.verify import by_hand

NOW = datetime(2023, 9, 27, 6, tzinfo=UTC)
ADMIN = Principal(1, "admin", "管理员", Role.ADMIN, None)
STEPS = 150
NAMES = ("act", "merge", "decide", "publish", "withdraw", "remove")
WEIGHTS = (10, 2, 2, 4, 1, 4)
ACTS: tuple[Mapping[str, Any], ...] = (
    {"act": "hide", "reason": "spam"},
    {"act": "restore"},
    {"act": "approve"},
    {"act": "decline", "reason": "重复"},
    {"act": "answer", "mode": "written", "text": "九点。"},
    {"act": "answer", "mode": "live"},
    {"act": "reopen"},
    {"act": "split"},
    {"act": "suggest", "on": True},
    {"act": "suggest", "on": True},
    {"act": "suggest", "on": False},
)


class Afternoon:
    """One activity, and somebody who does whatever comes to mind."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self.database = database
        self.chance = chance
        self.now = NOW
        self.entries: list[tuple[int, str, str]] = []
        """Id, receipt, and what was written: nobody else wrote it."""
        self.gone: set[str] = set()
        self.done: dict[str, int] = {}

    async def arrive(self, count: int) -> None:
        journal = Journal(self.database)
        await journal.start()
        for number in range(len(self.entries), len(self.entries) + count):
            text = f"〈{number}〉建议延长时间"
            kind = self.chance.choice(("comment", "question"))
            state = "shown" if kind == "comment" else "pending"
            stored = await journal.add(NewEntry(1, kind, f"d{number % 5}", str(number), "朱小明", text, state, NOW))
            self.entries.append((stored.id, stored.receipt, text))
        await journal.close()

    async def step(self) -> None:
        """One act; what is refused changes nothing."""
        self.now += timedelta(minutes=1)
        name = self.chance.choices(NAMES, WEIGHTS)[0]
        try:
            await getattr(self, f"_{name}")()
        except ServiceError:
            return
        self.done[name] = self.done.get(name, 0) + 1

    async def _act(self) -> None:
        entry, _, _ = self.chance.choice(self.entries)
        await moderate(self.database, ADMIN, entry, parse_command(dict(self.chance.choice(ACTS))), self.now)

    async def _merge(self) -> None:
        (entry, _, _), (into, _, _) = self.chance.sample(self.entries, 2)
        await moderate(self.database, ADMIN, entry, parse_command({"act": "merge", "into": into}), self.now)

    async def _decide(self) -> None:
        async with self.database.write() as session:
            for item in await list_suggestions(session, 1):
                await decide(
                    session,
                    ADMIN,
                    item.id,
                    decision=self.chance.choice((Decision.ADOPTED, Decision.NOT_ADOPTED)),
                    reason="照办",
                    transferred_to=None,
                    revision=item.revision,
                    now=self.now,
                )

    async def _publish(self) -> None:
        """As a clerk does: what is not public is taken off the list, the rest decided."""
        async with self.database.read() as session:
            listed = [(item.entry_id, item.entry.state) for item in await list_suggestions(session, 1)]
        for entry, state in listed:
            if state not in PUBLISHABLE:
                await moderate(self.database, ADMIN, entry, parse_command({"act": "suggest", "on": False}), self.now)
        await self._decide()
        async with self.database.write() as session:
            await publish(session, ADMIN, await session.get_one(Activity, 1), self.now)

    async def _withdraw(self) -> None:
        _, receipt, text = self.chance.choice(self.entries)
        async with self.database.write() as session:
            await withdraw(session, receipt, self.now)
        self.gone.add(text)

    async def _remove(self) -> None:
        async with self.database.read() as session:
            said = json.dumps(list(await session.scalars(select(Publication.content))), ensure_ascii=False)
        _, receipt, text = self.chance.choice([one for one in self.entries if one[2] in said] or self.entries)
        async with self.database.write() as session:
            removal = await ask(session, receipt, "", self.now)
            await remove(session, ADMIN, removal.id, reply=self.chance.random() < 0.5, now=self.now)
        self.gone.add(text)

    async def check(self, session: AsyncSession) -> None:
        activity = await session.get_one(Activity, 1)
        work = await draft(session, activity)
        assert work.ledger.balanced, work.ledger
        assert work.ledger.received == len(self.entries)
        for row in await session.scalars(select(Publication)):
            content: dict[str, Any] = dict(row.content)
            assert by_hand(content) == seals.digest(content) == row.sha256
            said = json.dumps(content, ensure_ascii=False)
            assert not [text for text in self.gone if text in said]
            numbers = content["numbers"]
            parts = ("shown", "withheld", "merged", "withdrawn", "deleted")
            assert numbers["received"] == sum(numbers[part] for part in parts)
            assert numbers["suggestions"] == len(content["suggestions"])


@pytest.mark.parametrize("seed", [1, 4, 8])
async def test_the_account_adds_up_after_any_sequence_of_events(database: Database, seed: int) -> None:
    async with database.write() as session:
        await create_account(
            session,
            username="admin",
            name="管理员",
            role=Role.ADMIN,
            unit_id=None,
            password="long enough!",
            generated=False,
            now=NOW,
        )
        (await session.get_one(Activity, 1)).state = "ended"
    afternoon = Afternoon(database, random.Random(seed))
    await afternoon.arrive(20)
    for number in range(STEPS):
        if number == STEPS // 2:
            await afternoon.arrive(20)
        await afternoon.step()
        async with database.read() as session:
            await afternoon.check(session)
    assert afternoon.done.keys() >= {"act", "merge", "publish", "withdraw", "remove"}, afternoon.done


async def test_a_difference_blocks_every_publication(database: Database) -> None:
    async with database.write() as session:
        activity = await session.get_one(Activity, 1)
        activity.state, activity.received = "ended", 1  # one was acknowledged, and is nowhere
        with pytest.raises(Conflict, match="请核对"):
            await publish(session, ADMIN, activity, NOW)
