"""Accounts and their credentials in the database."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.passwords import hash_password
from server.auth.rights import Principal, Role
from server.errors import BadRequest, Conflict
from server.store.tables import Account, Credential, Unit

SESSION_LIFETIME = timedelta(hours=12)


def principal_of(account: Account) -> Principal:
    """The part of an account that decisions need."""
    return Principal(account.id, account.username, account.name, Role(account.role), account.unit_id)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def find_account(session: AsyncSession, username: str) -> Account | None:
    """The account of that name, disabled or not."""
    return cast("Account | None", await session.scalar(select(Account).where(Account.username == username)))


async def create_account(
    session: AsyncSession,
    *,
    username: str,
    name: str,
    role: Role,
    unit_id: str | None,
    password: str,
    generated: bool,
    now: datetime,
) -> Account:
    """Store a new account. Raises BadRequest or Conflict with what is wrong."""
    if not username.isascii() or not username.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise BadRequest("用户名只能用英文字母、数字、点、横线和下划线。", code="bad_username")
    if (role is Role.STAFF) != (unit_id is not None):
        raise BadRequest("单位工作人员需要选择所属单位，其他角色不属于某个单位。", code="bad_unit")
    if unit_id is not None and await session.get(Unit, unit_id) is None:
        raise BadRequest("没有这个单位。", code="bad_unit")
    if await find_account(session, username) is not None:
        raise Conflict("这个用户名已经有人使用。", code="username_taken")
    account = Account(
        username=username,
        name=name,
        role=role.value,
        unit_id=unit_id,
        password_hash=hash_password(password),
        password_generated=generated,
        disabled=False,
        created_at=now,
    )
    session.add(account)
    await session.flush()
    await session.refresh(account, ["unit"])
    return account


async def set_password(session: AsyncSession, account: Account, password: str, *, generated: bool) -> None:
    """Change the password and end every session of the account."""
    account.password_hash = hash_password(password)
    account.password_generated = generated
    await session.execute(delete(Credential).where(Credential.account_id == account.id, Credential.kind == "session"))


async def revoke_all(session: AsyncSession, account_id: int) -> None:
    """End every session and token of an account."""
    await session.execute(delete(Credential).where(Credential.account_id == account_id))


async def issue(session: AsyncSession, account_id: int, *, kind: str, now: datetime) -> str:
    """A new token of the kind ``session`` (ends after 12 hours) or ``api`` (ends when revoked)."""
    token = secrets.token_urlsafe(32)
    expires = now + SESSION_LIFETIME if kind == "session" else None
    session.add(Credential(digest=_digest(token), account_id=account_id, kind=kind, created_at=now, expires_at=expires))
    return token


async def revoke(session: AsyncSession, token: str) -> None:
    """End one session or token."""
    await session.execute(delete(Credential).where(Credential.digest == _digest(token)))


async def resolve(session: AsyncSession, token: str, *, kind: str, now: datetime) -> Account | None:
    """The account behind a token of that kind, None where it is unknown, over, or its account disabled."""
    return await session.scalar(
        select(Account)
        .join(Credential, Credential.account_id == Account.id)
        .where(
            Credential.digest == _digest(token),
            Credential.kind == kind,
            Account.disabled.is_(False),
            Credential.expires_at.is_(None) | (Credential.expires_at > now),
        )
    )


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Delete sessions that are over."""
    await session.execute(delete(Credential).where(Credential.expires_at <= now))
