"""The programme in both databases: importing a plan, publishing two at once, filing."""

import asyncio
from datetime import UTC, date, datetime
from importlib.resources import files

import pytest
from sqlalchemy import func, select

from server import plan_import
from server.activities import add_activity, get_activity
from server.auth.rights import Principal, Role
from server.errors import BadRequest, Conflict
from server.filings import file_if_due, list_filings, times_of
from server.history import history_of
from server.holidays import enter_year, working_calendar
from server.notices import announced, publish
from server.programme.calendar import Arrangement, YearTable
from server.store.database import Database
from server.store.tables import Act, Activity, Filing, HolidayYear, Notice, Unit, YearPlan

NOW = datetime(2023, 9, 1, 2, tzinfo=UTC)
TEXT = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")


@pytest.fixture
async def boss(database: Database) -> Principal:
    from server.auth.accounts import create_account, principal_of

    async with database.write() as session:
        account = await create_account(
            session,
            username="boss",
            name="统筹",
            role=Role.COORDINATOR,
            unit_id=None,
            password="a-long-password",
            generated=False,
            now=NOW,
        )
        return principal_of(account)


async def test_the_same_plan_again_changes_nothing(database: Database) -> None:
    async with database.write() as session:
        reading = await plan_import.read(session, TEXT)
        assert (reading.year, reading.changes) == (2023, ())
        assert await plan_import.apply(session, reading, now=NOW) == ()
        assert await session.scalar(select(func.count()).select_from(Act)) == 0
        plan = await session.get_one(YearPlan, 2023)
    assert (plan.first, plan.last) == (date(2023, 8, 1), date(2023, 11, 30))


async def test_a_changed_plan_is_shown_then_imported_and_logged(database: Database) -> None:
    changed = TEXT.replace("（主责单位：教委）", "（主责单位：大数据局）")
    assert changed != TEXT
    async with database.read() as session:
        reading = await plan_import.read(session, changed)
        words = plan_import.describe(reading)
        assert (await get_activity(session, "k17")).units[0].name == "教委"
    assert "修改 k17" in words
    assert "主责单位：由“jiaowei”改为“大数据局”" in words or "主责单位：由“教委”改为“大数据局”" in words
    async with database.write() as session:
        reading = await plan_import.read(session, changed)
        with pytest.raises(BadRequest):
            await plan_import.apply(session, reading, now=NOW, only=["k01"])
        assert await plan_import.apply(session, reading, now=NOW, only=["k17"]) == ("k17",)
    async with database.read() as session:
        activity = await get_activity(session, "k17")
        assert [unit.name for unit in activity.units] == ["大数据局"]
        history = await history_of(session, activity.id)
        assert (history[0].act, history[0].who) == ("import", None)
        assert [(change.label, change.before, change.after) for change in history[0].changes] == [
            ("主办单位", "教委", "大数据局")
        ]
        assert (await plan_import.read(session, changed)).changes == ()


async def test_a_correction_of_an_inferred_pairing_survives_an_import(database: Database) -> None:
    async with database.write() as session:
        activity = await get_activity(session, "k01")
        activity.units = list(await session.scalars(select(Unit).where(Unit.id == "yufa")))
    async with database.write() as session:
        reading = await plan_import.read(session, TEXT)
        assert [(change.slug, change.inferred) for change in reading.changes] == [("k01", True)]
        assert "导入时保留现有单位" in plan_import.describe(reading)
        assert await plan_import.apply(session, reading, now=NOW) == ()
    async with database.read() as session:
        assert [unit.id for unit in (await get_activity(session, "k01")).units] == ["yufa"]


async def test_another_years_plan_stands_beside_the_first(database: Database) -> None:
    async with database.write() as session:
        reading = await plan_import.read(session, TEXT.replace("2023 年 8--11", "2024 年 8--11"))
        done = await plan_import.apply(session, reading, now=NOW)
    assert reading.year == 2024
    assert (len(done), done[0]) == (22, "2024-k01")
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Activity)) == 44
        assert (await get_activity(session, "2024-k17")).plan_year == 2024


async def test_half_a_plan_imports_what_is_clear_and_names_the_rest(database: Database) -> None:
    rows = TEXT.splitlines()
    cut = next(number for number, row in enumerate(rows) if "主责单位：瀛海镇" in row)
    async with database.read() as session:
        reading = await plan_import.read(session, "\n".join(rows[: cut - 3] + rows[cut + 1 :]))
    assert reading.plan.unread
    assert all(f"第{remark.line}行" in plan_import.describe(reading) for remark in reading.plan.unread if remark.line)
    async with database.write() as session:
        nothing = await plan_import.read(session, "这里什么也没有")
        with pytest.raises(BadRequest) as refused:
            await plan_import.apply(session, nothing, now=NOW)
    assert refused.value.code == "no_period"


def test_a_file_of_the_wrong_kind_is_named() -> None:
    for content in (b"%PDF-1.7", b"PK\x03\x04", b"a\x00b", b"\xff\xfe\xff", b"x" * (plan_import.LARGEST + 1)):
        with pytest.raises(BadRequest) as refused:
            plan_import.decode(content)
        assert refused.value.code == "bad_file"
    assert plan_import.decode(b"\x01a\x7f\tb\x0c") == "a\tb\x0c"
    assert plan_import.decode("方案".encode("gb18030")) == plan_import.decode("\ufeff方案".encode()) == "方案"


async def test_a_name_that_no_table_holds_is_refused_with_its_line(database: Database) -> None:
    long = TEXT.replace("（主责单位：教委）", f"（主责单位：{'很长的单位' * 21}）")
    async with database.write() as session:
        reading = await plan_import.read(session, long)
        with pytest.raises(BadRequest) as refused:
            await plan_import.apply(session, reading, now=NOW)
    assert refused.value.code == "too_long"
    assert refused.value.message.startswith("第")


async def test_of_two_clerks_who_publish_at_once_one_is_told(database: Database, boss: Principal) -> None:
    async def once() -> str:
        try:
            async with database.write() as session:
                activity = await get_activity(session, "k05")
                await publish(session, boss, activity, None, free=(), reason="时间待定", seen=0, now=NOW)
        except Conflict as conflict:
            return conflict.code
        return "published"

    assert sorted(await asyncio.gather(once(), once())) == ["published", "stale"]
    async with database.read() as session:
        notice = await session.scalar(select(Notice))
        assert notice is not None
        assert notice.objections[-1] == "活动日期未定，无法核对公告是否按时"
        assert set(await announced(session)) == {notice.activity_id}


async def test_a_change_without_its_reason_is_not_made(database: Database, boss: Principal) -> None:
    outside = datetime(2023, 12, 5, 6, tzinfo=UTC)

    async def move(reason: str) -> None:
        async with database.write() as session:
            activity = await get_activity(session, "k05")
            before = times_of(activity)
            activity.starts_at = outside
            await file_if_due(session, boss, activity, before, reason=reason, now=NOW)

    with pytest.raises(Conflict) as refused:
        await move("  ")
    assert refused.value.code == "needs_reason"
    async with database.read() as session:
        assert (await get_activity(session, "k05")).starts_at is None
        assert await session.scalar(select(func.count()).select_from(Filing)) == 0
    await move("场地装修")
    async with database.read() as session:
        filings = await list_filings(session, boss)
        assert (await get_activity(session, "k05")).starts_at == outside
    assert [(filing.before, filing.reason) for filing in filings] == [("时间未定", "场地装修")]


async def test_a_year_entered_twice_holds_the_second(database: Database, boss: Principal) -> None:
    names = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
    days = ((1, 1), (2, 6), (4, 5), (5, 1), (6, 9), (9, 15), (10, 1))

    def table(spring: int) -> YearTable:
        dates = {name: date(2027, *day) for name, day in zip(names, days, strict=True)} | {
            "春节": date(2027, 2, spring)
        }
        return YearTable(2027, tuple(Arrangement(name, day, day) for name, day in dates.items()))

    for spring in (5, 8):
        async with database.write() as session:
            await enter_year(session, boss, table(spring), NOW)
    async with database.read() as session:
        calendar = await working_calendar(session)
        assert await session.scalar(select(func.count()).select_from(HolidayYear)) == 1
    assert (calendar.is_working(date(2027, 2, 5)), calendar.is_working(date(2027, 2, 8))) == (True, False)


async def test_own_activities_are_numbered_on(database: Database, boss: Principal) -> None:
    slugs = []
    for title in ("一", "二"):
        async with database.write() as session:
            activity = await add_activity(
                session,
                boss,
                kind="lecture",
                title=title,
                unit_ids=["yufa", "caiyu"],
                summary="",
                form=None,
                starts_at=None,
                ends_at=None,
                now=NOW,
            )
            slugs.append(activity.slug)
    assert slugs == ["x01", "x02"]
