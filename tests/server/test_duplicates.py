"""Likely duplicates over time: the index follows the database, whoever changes it, and forgets what is taken back."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from server import duplicates as module
from server.duplicates import COMPARED, Duplicates
from server.store.database import Database
from server.store.entries import entries_by_id
from server.store.journal import new_receipt
from server.store.tables import Entry
from server.withdrawal import take_back

NOW = datetime(2023, 9, 27, 6, tzinfo=UTC)


async def ask(database: Database, *texts: str, state: str = "open", activity: int = 1, kind: str = "question") -> int:
    """Store questions; returns the id of the last."""
    async with database.write() as session:
        rows = [
            {"activity_id": activity, "kind": kind, "device": "d", "key": new_receipt(), "receipt": new_receipt(),
             "nickname": "网友", "text": text, "at": NOW, "state": state, "changed_at": NOW}
            for text in texts
        ]  # fmt: skip
        await session.execute(insert(Entry), rows)
        return (await session.scalars(select(Entry.id).order_by(Entry.id.desc()).limit(1))).one()


async def change(database: Database, entry_id: int, **values: object) -> None:
    """As an act of a host does it."""
    async with database.write() as session:
        entry = await session.get_one(Entry, entry_id)
        for name, value in values.items():
            setattr(entry, name, value)
        entry.revision += 1


async def likely(duplicates: Duplicates, database: Database, *ids: int) -> dict[int, list[int]]:
    async with database.read() as session:
        entries: Sequence[Entry] = await entries_by_id(session, ids)
    return await duplicates.likely(entries[0].activity_id, entries)


async def test_what_another_process_decided_is_not_offered(database: Database) -> None:
    here = Duplicates(database)
    card = await ask(database, "老年卡在哪个窗口办理？")
    park = await ask(database, "停车场几点关门")
    new = await ask(database, "请问老年卡在哪个窗口办？", state="pending")
    assert await likely(here, database, new, park) == {new: [card]}
    await change(database, card, state="hidden")
    assert await likely(here, database, new) == {}
    await change(database, card, state="answered")  # restored, and answered: the answer may serve here, too
    assert await likely(here, database, new) == {new: [card]}
    await change(database, card, state="merged", merged_into=park)
    assert await likely(here, database, new) == {}
    # Of the activity's questions alone: neither a comment nor another activity's question.
    await ask(database, "老年卡在哪个窗口办理", kind="comment")
    await ask(database, "老年卡在哪个窗口办理", activity=2)
    assert await likely(here, database, new) == {}
    # What is answered asks no longer.
    await change(database, card, state="open")
    await change(database, new, state="answered")
    assert await likely(here, database, new) == {}


async def test_words_that_are_taken_back_are_forgotten_with_the_next_look(database: Database) -> None:
    here = Duplicates(database)
    card = await ask(database, "老年卡在哪个窗口办理？")
    new = await ask(database, "请问老年卡在哪个窗口办？")
    await likely(here, database, new)
    assert here.held == 2
    async with database.write() as session:
        await take_back(session, await session.get_one(Entry, card), NOW)
    # The news of the withdrawal is itself a reason to look: nobody has to ask a question first.
    assert await likely(here, database, card) == {}
    assert here.held == 1
    await change(database, new, state="declined")
    assert await likely(here, database, new) == {}
    assert here.held == 0


async def test_news_of_a_comment_or_of_an_end_begin_no_index(database: Database) -> None:
    here = Duplicates(database)
    comment = await ask(database, "很好", kind="comment", state="shown")
    closed = await ask(database, "老年卡在哪个窗口办理？", state="declined")
    assert await likely(here, database, comment, closed) == {}
    assert here.held == 0


async def test_after_any_changes_it_finds_what_one_made_anew_finds(database: Database) -> None:
    rng = random.Random(3)
    here, elsewhere = Duplicates(database), Duplicates(database)
    words = ["老年卡", "居住证", "医保卡", "在哪个窗口", "怎么办理", "要带什么材料", "周末"]
    ids: list[int] = []
    for _ in range(30):
        ids.append(await ask(database, "".join(rng.sample(words, 3)), state=rng.choice(["open", "pending"])))
        state = rng.choice(["open", "pending", "hidden", "answered", "merged", "declined"])
        await change(database, rng.choice(ids), state=state)
        if rng.random() < 0.3:
            async with database.write() as session:
                await take_back(session, await session.get_one(Entry, rng.choice(ids)), NOW)
        some = rng.sample(ids, min(5, len(ids)))
        expected = await likely(Duplicates(database), database, *some)
        assert await likely(here, database, *some) == expected
        if rng.random() < 0.3:
            assert await likely(elsewhere, database, *some) == expected
    assert here.held > 0


async def test_the_newest_thousand_are_compared(database: Database) -> None:
    here = Duplicates(database)
    oldest = await ask(database, "老年卡在哪个窗口办理？")
    await ask(database, *(f"{number}号楼的电梯坏了" for number in range(COMPARED - 2)))
    new = await ask(database, "请问老年卡在哪个窗口办？")
    assert (await likely(here, database, new), here.held) == ({new: [oldest]}, COMPARED)
    newer = await ask(database, "老年卡在哪个窗口办呢")
    assert (await likely(here, database, newer), here.held) == ({newer: [new]}, COMPARED)
    # One that is older than those asks all the same.
    assert await likely(here, database, oldest) == {oldest: [new, newer]}


async def test_several_look_at_once(database: Database) -> None:
    here = Duplicates(database)
    card = await ask(database, "老年卡在哪个窗口办理？")
    new = await ask(database, "请问老年卡在哪个窗口办？", *["停车场几点关门"] * 50, "老年卡在哪个窗口办")
    found = await asyncio.gather(*(likely(here, database, new) for _ in range(4)))
    assert all(one == {new: [card + 1, card]} for one in found)


async def test_a_look_that_fails_half_way_is_made_again(database: Database) -> None:
    class Away(Database):
        """Gives the ids, and is away when it is asked for the words."""

        def __init__(self) -> None:
            self.away = True

        @asynccontextmanager
        async def read(self) -> AsyncIterator[AsyncSession]:
            async with database.read() as session:
                execute: Any = session.execute  # its overloads are no matter here

                async def fail(*args: object, **options: object) -> object:
                    if self.away:
                        raise OperationalError("", None, OSError("away"))
                    return await execute(*args, **options)

                with patch.object(session, "execute", fail):
                    yield session

    away = Away()
    here = Duplicates(away)
    card = await ask(database, "老年卡在哪个窗口办理？")
    new = await ask(database, "请问老年卡在哪个窗口办？")
    with pytest.raises(OperationalError):
        await likely(here, database, new)
    away.away = False
    assert await likely(here, database, new) == {new: [card]}


async def test_activities_are_bounded_and_forgotten(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ACTIVITIES", 2)
    here = Duplicates(database)
    one, two, three = [await ask(database, "老年卡在哪个窗口办理？", activity=number) for number in (1, 2, 3)]
    for entry in (one, two, one, three):
        await likely(here, database, entry)
    assert here.held == 2
    monkeypatch.setattr(module, "MOST_PAIRS", 5)
    await likely(here, database, one)
    assert here.held == 1
    monkeypatch.setattr(module, "FORGOTTEN_AFTER", 0.05)
    idle = Duplicates(database)
    await idle.start()
    await likely(idle, database, one)
    async with asyncio.timeout(10):
        while idle.held:
            await asyncio.sleep(0.01)
    await idle.close()
    await idle.close()
