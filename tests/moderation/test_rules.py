"""The rules on both databases: what they learn, what they keep when the database is away, and what they say."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from feedback.states import Kind, Reason, State
from feedback.words import Severity
from server.activities import Known
from server.auth.accounts import create_account
from server.auth.rights import Principal, Role
from server.commands import parse_command
from server.errors import BadRequest, Conflict, Forbidden, Unavailable
from server.moderation import moderate
from server.moderation_rules import Muted, Rules, first_state, muted_words
from server.realtime.shared import SharedMemory
from server.store.database import Database
from server.store.journal import Journal, NewEntry
from server.store.tables import Act, Activity, Ban, Entry, WordTable
from server.withdrawal import withdraw

NOW = datetime(2023, 9, 27, 6, tzinfo=UTC)
ADMIN = Principal(1, "admin", "管理员", Role.ADMIN, None)
K01 = Known(1, "k01", "live", frozenset({"caiyu"}))

ALONE = SharedMemory(None, b"key")
"""A process that shares nothing."""


@pytest.fixture
async def receipts(database: Database) -> list[tuple[int, str]]:
    """A shown comment of device `d`, and a pending one of device `e`: id and receipt."""
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
    journal = Journal(database)
    await journal.start()
    stored = [
        await journal.add(NewEntry(1, "comment", device, "1", "王小明", "住在三号楼", state, NOW))
        for device, state in (("d", "shown"), ("e", "pending"))
    ]
    await journal.close()
    return [(item.id, item.receipt) for item in stored]


@pytest.mark.parametrize(
    ("mode", "severity", "newcomer", "state"),
    [
        ("after", None, False, State.SHOWN),
        ("after", Severity.MARK, False, State.SHOWN),
        ("after", Severity.HOLD, False, State.PENDING),
        ("before", None, False, State.PENDING),
        ("suspicious", None, False, State.SHOWN),
        ("suspicious", None, True, State.PENDING),
        ("suspicious", Severity.MARK, False, State.PENDING),
    ],
)
def test_where_a_comment_begins(mode: str, severity: Severity | None, newcomer: bool, state: State) -> None:
    assert first_state(Kind.COMMENT, mode, severity, newcomer=newcomer) is state
    assert first_state(Kind.QUESTION, mode, severity, newcomer=newcomer) is State.PENDING


def test_a_citizen_is_told_the_end_of_a_ban_in_beijing_time() -> None:
    assert "9月27日15:30" in muted_words(Muted(NOW + timedelta(hours=1, minutes=30), Reason.ABUSE))


async def test_a_ban_holds_until_it_ends_or_is_lifted(database: Database, receipts: list[tuple[int, str]]) -> None:
    clock = [NOW]
    rules = Rules(database, ALONE, now=lambda: clock[0])
    entry_id = receipts[0][0]
    with pytest.raises(Unavailable):
        rules.require_voice(1, "d")  # nobody speaks before the rules are known
    for minutes in (5, 30):  # the second replaces the first
        command = parse_command({"act": "ban", "minutes": minutes, "reason": "abuse"})
        await moderate(database, ADMIN, entry_id, command, NOW)
    await rules.refresh()
    with pytest.raises(Forbidden) as caught:
        rules.require_voice(1, "d")
    assert caught.value.retry_after == 1800
    rules.require_voice(1, "e")
    rules.require_voice(2, "d")  # another activity
    clock[0] = NOW + timedelta(minutes=31)
    rules.require_voice(1, "d")

    clock[0] = NOW
    await moderate(database, ADMIN, entry_id, parse_command({"act": "unban"}), NOW)
    await rules.refresh()
    rules.require_voice(1, "d")
    with pytest.raises(Conflict):
        await moderate(database, ADMIN, entry_id, parse_command({"act": "unban"}), NOW)
    async with database.read() as session:
        assert len((await session.scalars(select(Ban))).all()) == 2
        acts = (await session.scalars(select(Act).order_by(Act.id))).all()
    assert [(act.act, act.account_id) for act in acts] == [("ban", 1), ("ban", 1), ("unban", 1)]


async def test_lists_are_read_again_when_they_change(database: Database, receipts: list[tuple[int, str]]) -> None:
    del receipts
    rules = Rules(database, ALONE, now=lambda: NOW)
    await rules.refresh()
    assert rules.admit(K01, Kind.COMMENT, "d", "代开发票", "网友").state is State.SHOWN
    async with database.write() as session:
        session.add(WordTable(scope="*", severity="hold", words=["发票"], revision=1, changed_at=NOW))
        session.add(WordTable(scope="yufa", severity="block", words=["代开"], revision=1, changed_at=NOW))
    await rules.refresh()
    held = rules.admit(K01, Kind.COMMENT, "d", "代开发票", "网友")
    assert held.state is State.PENDING
    assert held.flags is not None
    assert (held.flags[0]["word"], held.flags[0]["list"], held.flags[0]["field"]) == ("发票", "*", "text")
    with pytest.raises(BadRequest) as caught:
        rules.admit(Known(2, "k02", "live", frozenset({"yufa"})), Kind.COMMENT, "d", "代开发票", "网友")
    assert "代开" not in caught.value.message
    async with database.write() as session:
        table = await session.get_one(WordTable, ("*", "hold"))
        table.words, table.revision = [], 2
    await rules.refresh()
    assert rules.admit(K01, Kind.COMMENT, "d", "发票", "网友").flags is None


async def test_trust_follows_what_hosts_do(database: Database, receipts: list[tuple[int, str]]) -> None:
    async with database.write() as session:
        activity = await session.get_one(Activity, 1)
        activity.moderation, activity.state = "suspicious", "live"
    rules = Rules(database, ALONE, now=lambda: NOW)
    await rules.refresh()
    watched = Known(1, "k01", "live", frozenset({"caiyu"}), "suspicious")

    def state_of(device: str) -> State:
        return rules.admit(watched, Kind.COMMENT, device, "你好", "网友").state

    assert (state_of("d"), state_of("e")) == (State.SHOWN, State.PENDING)
    await moderate(database, ADMIN, receipts[1][0], parse_command({"act": "approve"}), NOW)
    await moderate(database, ADMIN, receipts[0][0], parse_command({"act": "hide", "reason": "spam"}), NOW)
    await rules.refresh()
    assert (state_of("d"), state_of("e")) == (State.PENDING, State.SHOWN)


async def test_what_is_withdrawn_leaves_no_word_in_the_row_or_the_log(
    database: Database, receipts: list[tuple[int, str]]
) -> None:
    for _ in range(2):
        async with database.write() as session:
            assert await withdraw(session, receipts[0][1], NOW) == (receipts[0][0],)
    async with database.read() as session:
        row = await session.get_one(Entry, receipts[0][0])
        lines = (await session.scalars(select(Act))).all()
    assert (row.state, row.text, row.nickname, row.flags) == ("withdrawn", "", "", None)
    assert [(line.act, line.account_id, line.detail) for line in lines] == [
        ("withdraw", None, {"from": "shown", "to": "withdrawn"})
    ]


async def test_the_last_rules_hold_while_the_database_is_away(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'x.db'}")
    rules = Rules(database, ALONE, now=lambda: NOW)
    await rules.start()
    with pytest.raises(Unavailable):
        rules.require_voice(1, "d")
    await rules.close()
    await rules.close()
    await database.close()
    await asyncio.sleep(0.2)  # the driver's thread of a connection that failed says a last word to this loop
