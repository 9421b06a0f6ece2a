"""Reminders by e-mail: which were sent, and the task that sends the others."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from logging import getLogger

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.accounts import principal_of
from server.auth.rights import Principal
from server.deadlines import NOTHING, done_on, published, timetable_of
from server.holidays import working_calendar
from server.listing import list_activities
from server.mail import Mailer, MailError
from server.notices import announced
from server.periodic import Periodic
from server.programme.calendar import beijing_date
from server.programme.reminders import Item, hours_open, near, words
from server.store.database import Database
from server.store.tables import Account, Reminder

log = getLogger(__name__)

EVERY_SECONDS = 600.0
_ABANDONED = timedelta(minutes=15)
"""A claim older than this was left by a process that died before it had sent."""


async def due_items(session: AsyncSession, principal: Principal, today: date) -> list[Item]:
    """What the account is to be reminded of today, whether it was already or not."""
    calendar = await working_calendar(session)
    told, after = await announced(session), await published(session)
    items = []
    for activity in await list_activities(session, principal):
        table = timetable_of(calendar, activity)
        done = done_on(activity, told.get(activity.id), after.get(activity.id, NOTHING))
        for deadline in table.deadlines if table else ():
            item = near(
                calendar,
                deadline,
                today,
                done=done.of(deadline.kind) is not None,
                activity_id=activity.id,
                title=activity.title,
                units=tuple(unit.name for unit in activity.units),
            )
            if item is not None:
                items.append(item)
    return items


class Reminders:
    """Owner of the task that looks, every ten minutes of the day, whom to remind of what.

    What is to be sent is claimed in the database first, so that several processes send it once; what could not be
    sent is given back and tried again.
    """

    def __init__(self, database: Database, mailer: Mailer, *, board: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._mailer = mailer
        self._board = board
        self._now = now
        self._looking = Periodic("reminders", self.remind, EVERY_SECONDS)

    async def start(self) -> None:
        """Begin to look, where there is a mail server."""
        if self._mailer.configured:
            await self._looking.start()

    async def close(self) -> None:
        """Stop looking. Idempotent."""
        await self._looking.close()

    async def remind(self) -> int:
        """Send what is to be sent now. Returns the number of messages."""
        now = self._now()
        if not hours_open(now):
            return 0
        async with self._database.read() as session:
            accounts = (
                await session.scalars(
                    select(Account).where(Account.email.is_not(None), Account.disabled.is_(False)).order_by(Account.id)
                )
            ).all()
            wanted = {
                account: await due_items(session, principal_of(account), beijing_date(now)) for account in accounts
            }
        sent = 0
        for account, items in wanted.items():
            if account.email is not None and (claimed := await self._claim(account.id, items, now)):
                sent += await self._send(account.id, account.email, claimed)
        return sent

    async def _claim(self, account_id: int, items: Sequence[Item], now: datetime) -> list[Item]:
        """Those of the items that nobody has sent or is sending to the account."""
        claimed = []
        async with self._database.write() as session:
            await session.execute(
                delete(Reminder).where(
                    Reminder.account_id == account_id,
                    Reminder.sent_at.is_(None),
                    Reminder.claimed_at < now - _ABANDONED,
                )
            )
            for item in items:
                row = Reminder(
                    account_id=account_id,
                    activity_id=item.activity_id,
                    kind=item.kind.value,
                    due=item.due,
                    stage=item.stage.value,
                    claimed_at=now,
                )
                try:
                    async with session.begin_nested():
                        session.add(row)
                except IntegrityError:
                    continue
                claimed.append(item)
        return claimed

    async def _send(self, account_id: int, email: str, items: Sequence[Item]) -> int:
        mine = Reminder.account_id == account_id
        keys = tuple_(Reminder.activity_id, Reminder.kind, Reminder.due, Reminder.stage).in_(
            [(item.activity_id, item.kind.value, item.due, item.stage.value) for item in items]
        )
        try:
            await self._mailer.send(email, *words(items, self._board))
        except MailError as error:
            log.error("reminders: the mail to account %s was not taken: %s", account_id, error)
            async with self._database.write() as session:
                await session.execute(delete(Reminder).where(mine, keys, Reminder.sent_at.is_(None)))
            return 0
        async with self._database.write() as session:
            await session.execute(update(Reminder).where(mine, keys).values(sent_at=self._now()))
        return 1
