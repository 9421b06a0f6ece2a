"""What the command line does with the database of a service, running or not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import select

from feedback.text import clean
from server import plan_import
from server.activities import get_activity
from server.adoption_report import collect_record, write_record
from server.auth.accounts import create_account, find_account, issue, set_password
from server.auth.passwords import generate_password
from server.auth.publishing import publish_token
from server.auth.rights import Role
from server.config import Settings
from server.digests import collect, write
from server.errors import NotFound
from server.holidays import entered_tables
from server.identity import author_of
from server.personal import Seals
from server.programme.calendar import YearTable
from server.receipts import receipt_code
from server.services import utc_now
from server.store.database import Database
from server.store.migrate import migrate
from server.store.tables import Account, Activity


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database, migrated."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await migrate(settings.sqlalchemy_url)
    database = Database(settings.sqlalchemy_url)
    try:
        yield database
    finally:
        await database.close()


async def add_user(settings: Settings, username: str, name: str, role: str, unit: str | None) -> str:
    """Create an account; returns its generated password."""
    password = generate_password()
    async with opened(settings) as database, database.write() as session:
        await create_account(
            session,
            username=username,
            name=clean(name),
            role=Role(role),
            unit_id=unit,
            password=password,
            generated=True,
            now=utc_now(),
        )
    return password


async def reset_password(settings: Settings, username: str) -> str:
    """Give the account a generated password, and return it."""
    password = generate_password()
    async with opened(settings) as database, database.write() as session:
        account = await find_account(session, username)
        if account is None:
            raise NotFound(f"没有 {username} 这个账号。")
        await set_password(session, account, password, generated=True)
    return password


async def new_token(settings: Settings, username: str) -> str:
    """A new API token of the account."""
    async with opened(settings) as database, database.write() as session:
        account = await find_account(session, username)
        if account is None or account.disabled:
            raise NotFound(f"没有 {username} 这个账号。")
        return await issue(session, account.id, kind="api", now=utc_now())


async def describe_users(settings: Settings) -> list[str]:
    """A line for each account: user name, role, unit, whether it is disabled."""
    async with opened(settings) as database, database.read() as session:
        accounts = (await session.scalars(select(Account).order_by(Account.username))).all()
    return [
        "\t".join((item.username, item.role, item.unit_id or "-", "disabled" if item.disabled else "active"))
        for item in accounts
    ]


async def publish_token_of(settings: Settings, slug: str) -> str:
    """The publish token of an activity. Raises NotFound."""
    async with opened(settings) as database, database.read() as session:
        if await session.scalar(select(Activity.id).where(Activity.slug == slug)) is None:
            raise NotFound(f"没有 {slug} 这个活动。")
    return publish_token(settings.signing_key(), slug)


async def digest_of(settings: Settings, slug: str, form: str) -> bytes:
    """The digest of an activity as the bytes of a file."""
    async with opened(settings) as database, database.read() as session:
        digest = await collect(session, await get_activity(session, slug), utc_now())
    return write(digest, form)


async def adoption_report_of(settings: Settings, slug: str, form: str) -> bytes:
    """The newest published outcomes of an activity as the bytes of a file."""
    async with opened(settings) as database, database.read() as session:
        record = await collect_record(session, await get_activity(session, slug))
    return write_record(record, form)


async def author(settings: Settings, receipt: str, reason: str) -> str:
    """The phone behind an entry; why somebody looked stands in the log."""
    async with opened(settings) as database, database.write() as session:
        return await author_of(session, Seals(settings.signing_key()), receipt_code(receipt), reason, utc_now())


async def import_plan(settings: Settings, content: bytes, *, confirm: bool, only: tuple[str, ...]) -> tuple[str, bool]:
    """Read a plan; with `confirm` import it. Returns what to print, and whether all of it was clear."""
    text = plan_import.decode(content)
    async with opened(settings) as database:
        if not confirm:
            async with database.read() as session:
                reading = await plan_import.read(session, text)
            words = "没有改变任何内容。确认导入请加 --confirm；只导入其中几项请加 --only 编号。"
        else:
            async with database.write() as session:
                reading = await plan_import.read(session, text)
                done = await plan_import.apply(session, reading, now=utc_now(), only=only)
            words = f"已导入{len(done)}项改变。" if done else "没有需要导入的改变。"
    return f"{plan_import.describe(reading)}\n\n{words}", not reading.plan.unread


async def entered_holidays(settings: Settings) -> tuple[YearTable, ...]:
    """The holidays that a coordinator entered in the service."""
    async with opened(settings) as database, database.read() as session:
        return await entered_tables(session)
