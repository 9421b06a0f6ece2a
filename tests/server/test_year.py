"""A year of one unit with a moved clock: planned, announced in time, moved and filed, held, decided, assessed."""

from datetime import UTC, date, datetime

import pytest

from feedback.decisions import Decision
from server.activities import change_state, get_activity
from server.assessment import assess
from server.auth.accounts import create_account, principal_of
from server.auth.rights import Role
from server.calendar_feed import feed_of
from server.deadlines import NOTHING, deadline_views, done_on, published, timetable_of
from server.errors import Conflict
from server.filings import file_if_due, times_of
from server.holidays import working_calendar
from server.materials import column
from server.notices import announced, draft, publish
from server.outcomes import decide
from server.programme.calendar import beijing_date
from server.protocol import DeadlineView
from server.publishing import publish as publish_outcomes
from server.store.database import Database
from server.store.journal import Journal, NewEntry
from server.store.materials import Material
from server.store.outcomes import Publication, Suggestion
from server.store.recordings import Recording

SLUG = "k11"


def beijing(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2023, month, day, hour - 8, tzinfo=UTC)


async def test_a_unit_that_keeps_the_plan_is_assessed_as_in_time(database: Database) -> None:
    async with database.write() as session:
        account = await create_account(
            session,
            username="jiugong",
            name="旧宫镇",
            role=Role.STAFF,
            unit_id="jiugong",
            password="a-long-password",
            generated=False,
            now=beijing(8, 1),
        )
        clerk = principal_of(account)

    async def on_desk(now: datetime) -> list[DeadlineView]:
        async with database.read() as session:
            activity = await get_activity(session, SLUG)
            return deadline_views(
                activity,
                timetable_of(await working_calendar(session), activity),
                beijing_date(now),
                told=(await announced(session)).get(activity.id),
                after=(await published(session)).get(activity.id, NOTHING),
            )

    async def move(start: datetime, end: datetime, *, reason: str, now: datetime) -> None:
        async with database.write() as session:
            activity = await get_activity(session, SLUG)
            before = times_of(activity)
            activity.starts_at, activity.ends_at = start, end
            await file_if_due(session, clerk, activity, before, reason=reason, now=now)

    async def announce(now: datetime, seen: int) -> int:
        async with database.write() as session:
            activity = await get_activity(session, SLUG)
            table = timetable_of(await working_calendar(session), activity)
            assert (await draft(session, activity, table, beijing_date(now))).objections == []
            notice = await publish(session, clerk, activity, table, free=(), reason="", seen=seen, now=now)
            return notice.version

    # August: planned for the Tuesday after the holiday, with people on the spot.
    async with database.write() as session:
        activity = await get_activity(session, SLUG)
        activity.form, activity.flow, activity.participation = "hybrid", "一、参观\n二、座谈", "打开本页观看"
    await move(beijing(10, 10, 14), beijing(10, 10, 16), reason="", now=beijing(8, 20))
    notice, materials = await on_desk(beijing(9, 27))
    assert (str(notice.due), notice.late, str(materials.due)) == ("2023-09-27", False, "2023-10-17")
    assert (await on_desk(beijing(9, 28)))[0].late

    # The last day in time is in time, to its last minute in Beijing.
    assert await announce(datetime(2023, 9, 27, 15, 59, tzinfo=UTC), seen=0) == 1
    assert (await on_desk(beijing(9, 28)))[0].done

    # Moved to Friday the 20th: filed with its reason, announced again, in time again.
    with pytest.raises(Conflict) as refused:
        await move(beijing(10, 20, 14), beijing(10, 20, 16), reason="", now=beijing(9, 28))
    assert refused.value.code == "needs_reason"
    await move(beijing(10, 20, 14), beijing(10, 20, 16), reason="场地检修", now=beijing(9, 28))
    notice, _ = await on_desk(beijing(9, 28))
    assert (str(notice.due), notice.done) == ("2023-10-13", False)
    assert await announce(beijing(10, 8), seen=1) == 2

    # Held; one suggestion, decided and published on the last day in time.
    journal = Journal(database)
    await journal.start()
    async with database.write() as session:
        activity = await get_activity(session, SLUG)
        change_state(activity, "live", beijing(10, 20, 14))
    said = await journal.add(
        NewEntry(activity.id, "comment", "a" * 32, "key", "网友", "建议增加座椅", "shown", beijing(10, 20, 15))
    )
    await journal.close()
    async with database.write() as session:
        activity = await get_activity(session, SLUG)
        change_state(activity, "ended", beijing(10, 20, 16))
        suggestion = Suggestion(activity_id=activity.id, entry_id=said.id, number=1, marked_at=beijing(10, 20, 16))
        session.add(suggestion)
        await session.flush()
        await decide(
            session,
            clerk,
            suggestion.id,
            decision=Decision.ADOPTED,
            reason="已列入计划",
            transferred_to=None,
            revision=1,
            now=beijing(10, 26),
        )
    async with database.write() as session:
        await publish_outcomes(session, clerk, await get_activity(session, SLUG), beijing(10, 27, 23))

    async with database.read() as session:
        (row,) = await assess(session, clerk, beijing_date(beijing(11, 1)))
        calendar = await feed_of(
            session,
            "期限",
            "https://live.example.cn",
            now=beijing(11, 1),
            unit_id="jiugong",
            calendar=await working_calendar(session),
        )
    assert (row.notice_on_time, row.notice_version, row.filings) == (True, 2, 1)
    assert (row.materials_on_time, str(row.materials_due)) == (True, "2023-10-27")
    assert (row.comments, row.suggestions, row.decided, row.adopted) == (1, 1, 1, 1)
    assert row.notice_sha256
    assert row.outcomes_sha256
    assert calendar.count("已完成") == 2
    assert "VALARM" not in calendar


async def test_whatever_is_published_first_meets_the_day(database: Database) -> None:
    async with database.write() as session:
        activity = await get_activity(session, SLUG)
        session.add(Recording(activity_id=activity.id, released_at=beijing(10, 23), stretches=[]))
    async with database.read() as session:
        found = (await published(session))[activity.id]
        assert (found.first, found.materials, found.outcomes) == (beijing(10, 23), None, None)
        assert [entry.slug for entry in await column(session, "open-day")] == [SLUG]
        assert await column(session, "lecture") == []
    async with database.write() as session:
        facts = {"activity_id": activity.id, "version": 1, "sha256": "0" * 64}
        text = {"title": "t", "column": "政务开放日", "text": "t", "recording_url": None, "contact": ""}
        content: dict[str, object] = {**text, "pictures": [], "documents": [], "quotes": []}
        session.add(Material(**facts, content=content, published_at=beijing(10, 21)))
        session.add(Publication(**facts, content={}, published_at=beijing(10, 22), entry_ids={}))
    async with database.read() as session:
        found = (await published(session))[activity.id]
        assert (found.first, found.outcomes, found.recording) == (beijing(10, 21), beijing(10, 22), beijing(10, 23))
        (entry,) = await column(session, "open-day")
        assert (entry.slug, entry.recording, entry.outcomes_version, entry.published_at) == (
            SLUG,
            True,
            1,
            beijing(10, 21),
        )
        met = done_on(activity, None, found)
        assert (met.materials, met.adoption) == (date(2023, 10, 21), date(2023, 10, 22))
