"""Names and phones are deleted by themselves when their time is over."""

from datetime import UTC, datetime, timedelta

from server.registrations import erase_old
from server.store.database import Database
from server.store.places import Registration
from server.store.tables import Activity


async def test_what_is_no_longer_needed_is_deleted(database: Database) -> None:
    now = datetime(2023, 12, 1, tzinfo=UTC)
    async with database.write() as session:
        past = (now - timedelta(days=31), now - timedelta(days=29), now - timedelta(days=31))
        for number, ended in enumerate(past, 1):
            activity = await session.get_one(Activity, number)
            # The third one was given no end: its start counts.
            activity.starts_at, activity.ends_at = ended - timedelta(hours=2), ended if number < 3 else None
            session.add(
                Registration(
                    activity_id=number,
                    number=1,
                    receipt=f"R{number}",
                    category="parent",
                    state="confirmed",
                    at=ended,
                    changed_at=ended,
                    sealed="sealed",
                    phone_digest="digest",
                )
            )
    async with database.write() as session:
        assert await erase_old(session, now) == 2
        assert await erase_old(session, now) == 0
    async with database.read() as session:
        kept = [await session.get_one(Registration, number) for number in (1, 2, 3)]
    assert [(row.sealed, row.phone_digest) for row in kept] == [
        (None, None),
        ("sealed", "digest"),
        (None, None),
    ]
