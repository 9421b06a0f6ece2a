"""Subscriptions to what becomes of suggestions: asked for, confirmed by the address's owner, told, ended by one click.

An address is kept for this and nothing else: unconfirmed for three days, confirmed until its owner ends it.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from logging import getLogger

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.changes import Change
from server.errors import Conflict, NotFound, RateLimited, Unavailable
from server.followup import Version, versions
from server.mail import Mailer, MailError
from server.periodic import Periodic
from server.store.database import Database
from server.store.outcomes import Publication
from server.store.subscriptions import Subscription
from server.store.tables import Activity

log = getLogger(__name__)

EVERY_SECONDS = 60.0
CONFIRM_WITHIN = timedelta(days=3)
ASK_AGAIN_AFTER = timedelta(minutes=10)
MOST_OF_ONE = 50
"""Subscriptions of one address."""
MOST_WAITING = 5
"""Of these, those that nobody has confirmed: nobody's letterbox is filled by others."""
MOST_AT_ONCE = 200


def token_of(key: bytes, subscription_id: int, act: str) -> str:
    """What a link in a mail carries: the subscription's number and a proof that we wrote it."""
    proof = hmac.new(key, f"subscription:{act}:{subscription_id}".encode(), hashlib.sha256).hexdigest()[:40]
    return f"{subscription_id}-{proof}"


def read_token(key: bytes, token: str, act: str) -> int:
    """The subscription that *token* is for. Raises NotFound for any other text."""
    number = token.partition("-")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise NotFound("这个链接不完整或已失效。")
    if not hmac.compare_digest(token_of(key, int(number), act).encode(), token.encode()):
        raise NotFound("这个链接不完整或已失效。")
    return int(number)


async def subscribe(
    session: AsyncSession, activity: Activity, number: int, email: str, now: datetime
) -> Subscription | None:
    """Note a wish; None where the address has confirmed it already. The caller sends the question to the address.

    Raises NotFound for a suggestion that is not published, RateLimited where the address was just asked, Conflict.
    """
    email = email.lower()
    newest = await _newest(session, activity.id)
    if number and (newest is None or str(number) not in newest.entry_ids):
        raise NotFound("没有找到这条意见建议。")
    mine = (await session.scalars(select(Subscription).where(Subscription.email == email))).all()
    known = next((row for row in mine if (row.activity_id, row.number) == (activity.id, number)), None)
    if known is None:
        if len(mine) >= MOST_OF_ONE or sum(row.confirmed_at is None for row in mine) >= MOST_WAITING:
            raise Conflict("这个邮箱待确认或已订阅的太多，请先处理邮件里的确认或退订链接。", code="too_many")
        known = Subscription(activity_id=activity.id, number=number, email=email, asked_at=now)
        session.add(known)
        await session.flush()
        return known
    if known.confirmed_at is not None:
        return None
    wait = known.asked_at + ASK_AGAIN_AFTER - now
    if wait > timedelta(0):
        raise RateLimited("确认邮件刚刚发出，请先查收。", retry_after=wait.total_seconds())
    known.asked_at = now
    return known


async def confirm(session: AsyncSession, subscription_id: int, now: datetime) -> Subscription:
    """The address's owner agrees. Twice is as good as once. Raises NotFound for one that ran out or was ended."""
    row = await session.get(Subscription, subscription_id)
    if row is None or (row.confirmed_at is None and row.asked_at + CONFIRM_WITHIN < now):
        raise NotFound("这个订阅已经过期或取消，请重新订阅。")
    if row.confirmed_at is None:
        newest = await _newest(session, row.activity_id)
        row.confirmed_at, row.told_version = now, newest.version if newest else 0
    return row


async def cancel(session: AsyncSession, subscription_id: int) -> None:
    """End it and forget the address. Twice is as good as once."""
    await session.execute(delete(Subscription).where(Subscription.id == subscription_id))


async def _newest(session: AsyncSession, activity_id: int) -> Publication | None:
    row: Publication | None = await session.scalar(
        select(Publication).where(Publication.activity_id == activity_id).order_by(Publication.version.desc()).limit(1)
    )
    return row


def news(found: Sequence[Version], number: int, told: int) -> list[tuple[Version, list[Change]]]:
    """What a subscriber was not told yet, version by version; of one suggestion only what concerns it."""
    name = f"第{number}号意见建议"
    fresh = [version for version in reversed(found) if version.version > told]
    if number == 0:
        return [(version, list(version.changes)) for version in fresh]
    concerned = ((version, [item for item in version.changes if _about(item, name)]) for version in fresh)
    return [(version, mine) for version, mine in concerned if mine]


def _about(change: Change, name: str) -> bool:
    return change.label == name or change.label.startswith(f"{name}的")


class Subscriptions:
    """Owner of the task that tells confirmed subscribers, once a minute, of versions that they were not told of.

    What is sent is noted first, so that several processes send it once; what the mail server does not take is noted
    back and tried again.
    """

    def __init__(
        self, database: Database, mailer: Mailer, *, key: bytes, site: str, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._mailer = mailer
        self._key = key
        self._site = site
        self._now = now
        self._looking = Periodic("subscriptions", self.tell, EVERY_SECONDS)

    def wake(self) -> None:
        """Something was published: look at once."""
        self._looking.wake()

    async def start(self) -> None:
        """Begin to look, where there is a mail server."""
        if self._mailer.configured:
            await self._looking.start()

    async def close(self) -> None:
        """Stop looking. Idempotent."""
        await self._looking.close()

    async def ask(self, row: Subscription) -> None:
        """Send the question whether the address's owner wants it. Raises Unavailable."""
        what = f"第{row.number}号意见建议" if row.number else "意见建议采纳情况"
        text = (
            f"有人用这个邮箱订阅“{row.activity.title}”{what}的后续进展。\n\n"
            f"如果是您本人，请在三天内打开下面的链接确认：\n{self._link('confirm', row.id)}\n\n"
            "如果不是您本人，不用理会，三天后这个邮箱会从系统中删除。\n"
        )
        try:
            await self._mailer.send(row.email, f"请确认订阅：{row.activity.title}", text)
        except MailError as error:
            log.error("subscriptions: a question was not taken: %s", error)
            raise Unavailable("邮件没有发出，请稍后再试。", code="no_mail") from error

    async def tell(self) -> int:
        """Send what is to be sent now, and forget what was never confirmed. Returns the number of messages."""
        newest = (
            select(Publication.activity_id, func.max(Publication.version).label("version"))
            .group_by(Publication.activity_id)
            .subquery()
        )
        async with self._database.write() as session:
            await session.execute(
                delete(Subscription).where(
                    Subscription.confirmed_at.is_(None), Subscription.asked_at < self._now() - CONFIRM_WITHIN
                )
            )
        async with self._database.read() as session:
            rows = await session.execute(
                select(Subscription, newest.c.version)
                .join(newest, newest.c.activity_id == Subscription.activity_id)
                .where(Subscription.confirmed_at.is_not(None), Subscription.told_version < newest.c.version)
                .order_by(Subscription.id)
                .limit(MOST_AT_ONCE)
            )
            waiting = [(row, version) for row, version in rows]
            told = {activity: await versions(session, activity) for activity in {row.activity_id for row, _ in waiting}}
        return sum([await self._tell(row, version, told[row.activity_id]) for row, version in waiting])

    async def _tell(self, row: Subscription, version: int, found: Sequence[Version]) -> int:
        if not await self._note(row.id, row.told_version, version):
            return 0  # another process was first
        fresh = news(found, row.number, row.told_version)
        if not fresh:
            return 0
        lines = []
        for item, changed in fresh:
            lines.append(f"第{item.version}版" if item.version > 1 else "首次公布")
            lines += [f"{change.label}：{change.before} → {change.after}" for change in changed]
        link = self._link("cancel", row.id)
        text = (
            f"“{row.activity.title}”的意见建议采纳情况有更新。\n\n" + "\n".join(lines) + "\n\n"
            f"查看：{self._site}/a/{row.activity.slug}\n退订：{link}\n"
        )
        one_click = f"{self._site}/api/v1/subscriptions/cancel/{token_of(self._key, row.id, 'cancel')}"
        headers = {"List-Unsubscribe": f"<{one_click}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        try:
            await self._mailer.send(row.email, f"采纳情况有更新：{row.activity.title}", text, headers=headers)
        except MailError as error:
            log.error("subscriptions: the mail of subscription %s was not taken: %s", row.id, error)
            await self._note(row.id, version, row.told_version)
            return 0
        return 1

    async def _note(self, subscription_id: int, before: int, after: int) -> bool:
        async with self._database.write() as session:
            noted = await session.scalar(
                update(Subscription)
                .where(Subscription.id == subscription_id, Subscription.told_version == before)
                .values(told_version=after)
                .returning(Subscription.id)
                .execution_options(synchronize_session=False)
            )
        return noted is not None

    def _link(self, act: str, subscription_id: int) -> str:
        return f"{self._site}/subscription/{act}/{token_of(self._key, subscription_id, act)}"
