"""Reminders by e-mail: each stage of each deadline once, through a real SMTP server."""

import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from server.auth.accounts import create_account
from server.auth.rights import Role
from server.mail import Mailer, MailError
from server.programme.calendar import WorkingCalendar
from server.programme.reminders import Stage, stage
from server.reminders import Reminders
from server.store.database import Database
from server.store.tables import Activity, Notice
from tests.service import ServiceProcess, Staff, free_port

BOARD = "https://minsheng.example.gov.cn/admin"


class Letterbox:
    """What an SMTP server took; with `refuses` it says no."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        del server, session
        if self.refuses:
            return "451 try again later"
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
        return "250 OK"


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def mailer(letterbox: Letterbox) -> Iterator[Mailer]:
    port = free_port(socket.SOCK_STREAM)
    controller = Controller(letterbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield Mailer(f"smtp://127.0.0.1:{port}", "minsheng@example.gov.cn")
    controller.stop()


def test_the_stages_follow_working_days_and_not_the_week() -> None:
    calendar = WorkingCalendar()
    # 2023-10-07 and 2023-10-08 were worked; the holiday ran from 09-29 to 10-06.
    told = [stage(calendar, date(2023, 10, 9), date(2023, 9, day)) for day in (26, 27, 28, 30)]
    assert told == [None, None, Stage.SOON, Stage.SOON]
    assert stage(calendar, date(2023, 10, 9), date(2023, 10, 7)) is Stage.SOON
    assert stage(calendar, date(2023, 10, 9), date(2023, 10, 8)) is Stage.NEXT
    assert stage(calendar, date(2023, 10, 9), date(2023, 10, 9)) is Stage.TODAY
    assert stage(calendar, date(2023, 10, 9), date(2023, 10, 10)) is Stage.LATE


@given(due=st.dates(date(2005, 1, 1), date(2026, 12, 31)), days=st.integers(0, 40))
def test_a_deadline_only_comes_nearer(due: date, days: int) -> None:
    calendar = WorkingCalendar()
    order = [None, Stage.SOON, Stage.NEXT, Stage.TODAY, Stage.LATE]
    earlier = stage(calendar, due, date.fromordinal(due.toordinal() - days - 1))
    later = stage(calendar, due, date.fromordinal(due.toordinal() - days))
    assert order.index(earlier) <= order.index(later)


async def _prepare(database: Database) -> None:
    """An activity of 采育镇 and one of 榆垡镇 on 2023-10-10; a clerk and the coordinator want mail."""
    async with database.write() as session:
        for username, role, unit, email in (
            ("caiyu", Role.STAFF, "caiyu", "caiyu@example.gov.cn"),
            ("boss", Role.COORDINATOR, None, "boss@example.gov.cn"),
            ("root", Role.ADMIN, None, None),
        ):
            account = await create_account(
                session,
                username=username,
                name=username,
                role=role,
                unit_id=unit,
                password="a-long-password",
                generated=False,
                now=datetime(2023, 8, 1, tzinfo=UTC),
            )
            account.email = email
        for number in (1, 2):
            activity = await session.get_one(Activity, number)
            activity.form = "online"
            activity.starts_at = datetime(2023, 10, 10, 1, tzinfo=UTC)
            activity.ends_at = datetime(2023, 10, 10, 3, tzinfo=UTC)


async def test_each_stage_is_sent_once_to_whom_it_concerns(
    database: Database, letterbox: Letterbox, mailer: Mailer
) -> None:
    await _prepare(database)
    now = datetime(2023, 9, 20, 2, tzinfo=UTC)
    reminders = Reminders(database, mailer, board=BOARD, now=lambda: now)
    assert await reminders.remind() == 0, "the notice is due on 10-07: nothing to say on 09-20"
    now = datetime(2023, 9, 27, 20, tzinfo=UTC)
    assert await reminders.remind() == 0, "nobody is written to at four in the morning"
    now = datetime(2023, 9, 28, 2, tzinfo=UTC)
    assert await reminders.remind() == 2
    assert await reminders.remind() == 0
    again = Reminders(database, mailer, board=BOARD, now=lambda: now)  # the service was started again
    assert await again.remind() == 0
    letters = {str(letter["To"]): letter for letter in letterbox.letters}
    assert set(letters) == {"caiyu@example.gov.cn", "boss@example.gov.cn"}
    assert letters["caiyu@example.gov.cn"]["Subject"] == "民声提醒：1项期限临近"
    text = letters["boss@example.gov.cn"].get_content()
    assert text.count("公告，最迟2023-10-07（周六），还有1个工作日") == 2
    assert BOARD in text
    # The notice of one is published in time; the other is late, and its clerk is told once more.
    async with database.write() as session:
        activity = await session.get_one(Activity, 2)
        session.add(
            Notice(
                activity_id=2,
                version=1,
                published_at=now,
                starts_at=activity.starts_at,
                ends_at=activity.ends_at,
                sha256="0" * 64,
                content={},
                facts={},
                objections=[],
                reason="",
            )
        )
    letterbox.letters.clear()
    now = datetime(2023, 10, 8, 2, tzinfo=UTC)
    await reminders.remind()
    boss = next(letter for letter in letterbox.letters if letter["To"] == "boss@example.gov.cn")
    assert boss["Subject"] == "民声提醒：1项期限，其中1项已逾期"
    assert boss.get_content().count("已经逾期") == 1


async def test_what_the_server_refuses_is_sent_later(database: Database, letterbox: Letterbox, mailer: Mailer) -> None:
    await _prepare(database)
    now = datetime(2023, 10, 7, 2, tzinfo=UTC)
    reminders = Reminders(database, mailer, board=BOARD, now=lambda: now)
    letterbox.refuses = True
    assert await reminders.remind() == 0
    letterbox.refuses = False
    assert await reminders.remind() == 2
    assert (mailer.sent, mailer.failed) == (2, 2)


async def test_a_server_that_is_not_there_is_an_error_that_says_so() -> None:
    with pytest.raises(MailError):
        await Mailer("smtp://127.0.0.1:9", "minsheng@example.gov.cn").send("a@example.gov.cn", "s", "t")
    assert not Mailer("", "minsheng@example.gov.cn").configured


async def test_nobody_adds_a_header(letterbox: Letterbox, mailer: Mailer) -> None:
    with pytest.raises(ValueError, match=r"header|character|newline|CR"):
        await mailer.send("a@example.gov.cn", "s\r\nBcc: b@example.gov.cn", "t")
    assert letterbox.letters == []


async def test_an_account_sets_its_own_address(service: ServiceProcess, admin: Staff) -> None:
    assert (await admin.done("GET", "/api/v1/reminders"))["email"] is None
    for bad in ("", "nobody", "a@b@c", "a@example.gov.cn\r\nBcc: b@example.gov.cn"):
        assert (await admin.call("PUT", "/api/v1/reminders", {"email": bad}))[0] == 400
    changed = await admin.done("PUT", "/api/v1/reminders", {"email": "admin@example.gov.cn"})
    assert (changed["email"], changed["configured"]) == ("admin@example.gov.cn", False)
    accounts = (await admin.done("GET", "/api/v1/accounts"))["accounts"]
    assert all("email" not in account for account in accounts)
    assert (await admin.done("PUT", "/api/v1/reminders", {"email": None}))["email"] is None


async def test_a_unit_promises_a_day_for_the_adoption_report(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity()
    path = f"/api/v1/activities/{slug}"
    times = {"form": "online", "starts_at": "2024-03-05T01:00:00Z", "ends_at": "2024-03-05T02:00:00Z"}
    await admin.done("PATCH", path, {**times, "promise_days": 10})
    assert (await admin.done("GET", path))["promise_days"] == 10
    row = next(row for row in (await admin.done("GET", "/api/v1/desk"))["activities"] if row["slug"] == slug)
    assert [(item["kind"], item["due"]) for item in row["deadlines"]] == [
        ("notice", "2024-02-29"),
        ("materials", "2024-03-12"),
        ("adoption", "2024-03-19"),
    ]
    table = (await admin.done("GET", f"{path}/deadlines"))["deadlines"]
    assert [item["promised"] for item in table] == [False, False, True]
    await admin.done("PATCH", path, {"promise_days": None})
    assert (await admin.call("PATCH", path, {"promise_days": 0}))[0] == 400
