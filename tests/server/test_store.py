"""The database: what the migrations make, and what the journal promises."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import create_async_engine

from server.errors import Unavailable
from server.store.database import Database
from server.store.journal import Journal, NewEntry, NewVote
from server.store.migrate import migrate
from server.store.tables import Activity, Base, Entry, Unit

NOW = datetime(2023, 9, 27, 6, tzinfo=UTC)


def entry(key: str, *, text: str = "很好", device: str = "a" * 32, kind: str = "comment") -> NewEntry:
    return NewEntry(1, kind, device, key, "网友", text, "shown" if kind == "comment" else "open", NOW)


async def test_the_migrations_make_the_tables_that_the_code_expects(empty_url: str) -> None:
    await migrate(empty_url)
    await migrate(empty_url)  # a second start changes nothing
    engine = create_async_engine(empty_url)

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_the_plan_of_2023_is_there_after_the_first_start(database: Database) -> None:
    async with database.read() as session:
        activities = (await session.scalars(select(Activity).order_by(Activity.slug))).all()
        units = await session.scalar(select(func.count()).select_from(Unit))
    assert [activity.slug for activity in activities] == [
        *(f"j{number:02}" for number in range(1, 6)),
        *(f"k{number:02}" for number in range(1, 18)),
    ]
    assert units == 19
    assert {unit.name for activity in activities if activity.slug == "k16" for unit in activity.units} == {"国资委"}


async def test_an_entry_is_on_disk_when_it_is_acknowledged(database: Database) -> None:
    journal = Journal(database)
    await journal.start()
    stored = await journal.add(entry("one", text="=HYPERLINK(1)\u202e𠮷👨‍👩‍👧"))
    async with database.read() as session:
        row = await session.get_one(Entry, stored.id)
    assert (row.text, row.receipt, row.at, row.label) == ("=HYPERLINK(1)\u202e𠮷👨‍👩‍👧", stored.receipt, NOW, None)
    await journal.close()


async def test_one_key_makes_one_entry_however_often_it_comes(database: Database) -> None:
    journal = Journal(database)
    await journal.start()
    together = await asyncio.gather(*(journal.add(entry("same")) for _ in range(20)))
    later = await journal.add(entry("same", text="another text"))
    other = await journal.add(entry("same", device="b" * 32))
    assert len({stored.id for stored in (*together, later)}) == 1
    assert len({stored.receipt for stored in (*together, later)}) == 1
    assert [stored.fresh for stored in (*together, later)].count(True) == 1
    assert other.fresh
    async with database.read() as session:
        activity = await session.get_one(Activity, 1)
        assert activity.received == 2 == await session.scalar(select(func.count()).select_from(Entry))
    await journal.close()


async def test_two_processes_that_get_the_same_key_make_one_entry(database: Database, database_url: str) -> None:
    elsewhere = Database(database_url)
    journals = [Journal(database), Journal(elsewhere)]
    for journal in journals:
        await journal.start()
    stored = await asyncio.gather(*(journal.add(entry(str(n))) for n in range(50) for journal in journals))
    assert len({item.id for item in stored}) == 50
    assert sum(item.fresh for item in stored) == 50
    for journal in journals:
        await journal.close()
    await elsewhere.close()


async def test_ids_ascend_in_the_order_of_arrival(database: Database) -> None:
    journal = Journal(database)
    await journal.start()
    stored = await asyncio.gather(*(journal.add(entry(str(n), text=str(n))) for n in range(300)))
    assert [item.id for item in stored] == sorted(item.id for item in stored)
    await journal.close()


async def test_votes_count_once_a_device_and_can_be_taken_back(database: Database) -> None:
    journal = Journal(database)
    await journal.start()
    question = await journal.add(entry("q", kind="question"))
    assert await journal.vote(NewVote(question.id, "a", on=True)) == 1
    assert await journal.vote(NewVote(question.id, "a", on=True)) == 1
    assert await journal.vote(NewVote(question.id, "b", on=True)) == 2
    assert await journal.vote(NewVote(question.id, "a", on=False)) == 1
    assert await journal.vote(NewVote(question.id, "a", on=False)) == 1
    await journal.close()


async def test_one_entry_that_the_database_cannot_take_costs_no_other(database: Database) -> None:
    journal = Journal(database)
    await journal.start()
    bad = NewEntry(999_999, "comment", "a" * 32, "bad", "网友", "no such activity", "shown", NOW)
    results = await asyncio.gather(
        journal.add(entry("first")), journal.add(bad), journal.add(entry("last")), return_exceptions=True
    )
    assert isinstance(results[1], Unavailable)
    assert not isinstance(results[0], BaseException)
    assert not isinstance(results[2], BaseException)
    assert (await journal.add(entry("afterwards"))).fresh
    await journal.close()


async def test_a_full_queue_refuses_and_says_when_to_come_back(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    journal = Journal(database, capacity=2)
    waiting = [asyncio.create_task(journal.add(entry(str(n)))) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        await journal.add(entry("too much"))
    assert caught.value.retry_after == 2
    assert journal.refused == 1
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await database.close()


async def test_a_database_that_is_away_refuses_what_it_could_not_store(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'x.db'}")
    journal = Journal(database)
    await journal.start()
    with pytest.raises(Unavailable):
        await journal.add(entry("lost"))
    (tmp_path / "missing").mkdir()
    await migrate(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'x.db'}")
    assert (await journal.add(entry("lost"))).fresh  # the client kept it and came again
    await journal.close()
    await database.close()
