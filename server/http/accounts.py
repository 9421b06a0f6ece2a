"""Accounts, for the administrator."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from feedback.text import clean
from server.auth.accounts import create_account, revoke_all, set_password
from server.auth.passwords import generate_password
from server.auth.rights import Right, Role
from server.errors import BadRequest, Conflict, NotFound
from server.http.endpoint import Call, endpoint
from server.protocol import AccountView
from server.store.tables import Account, Act, Unit


class AccountList(BaseModel):
    """All accounts."""

    accounts: list[AccountView]


class NewAccount(BaseModel):
    """A new account; without a password one is generated and told once."""

    model_config = ConfigDict(extra="forbid")
    username: str = Field(min_length=2, max_length=64)
    name: str = Field(min_length=1, max_length=64)
    role: Role
    unit: str | None = Field(None, max_length=32)
    password: str | None = Field(None, max_length=256)


class AccountChange(BaseModel):
    """What changes; what is absent stays."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(None, min_length=1, max_length=64)
    role: Role | None = None
    unit: str | None = Field(None, max_length=32)
    disabled: bool | None = None
    reset_password: bool = False


class AccountAnswer(BaseModel):
    """An account, with its generated password this once."""

    account: AccountView
    password: str | None = None


@endpoint("GET", "/api/v1/accounts", right=Right.ACCOUNTS, summary="All accounts", answer=AccountList)
async def list_accounts(call: Call[None]) -> AccountList:
    async with call.services.database.read() as session:
        accounts = await session.scalars(select(Account).order_by(Account.username))
        return AccountList(accounts=[AccountView.of(account) for account in accounts])


@endpoint(
    "POST",
    "/api/v1/accounts",
    right=Right.ACCOUNTS,
    summary="Create an account",
    body=NewAccount,
    answer=AccountAnswer,
    status=201,
)
async def create(call: Call[NewAccount]) -> AccountAnswer:
    new = call.body
    generated = None if new.password else generate_password()
    async with call.services.database.write() as session:
        account = await create_account(
            session,
            username=new.username,
            name=clean(new.name),
            role=new.role,
            unit_id=new.unit,
            password=new.password or generated or "",
            generated=generated is not None,
            now=call.services.now(),
        )
        session.add(_logged(call, "account-create", {"username": new.username, "role": new.role.value}))
        return AccountAnswer(account=AccountView.of(account), password=generated)


@endpoint(
    "PATCH",
    "/api/v1/accounts/{id:[0-9]{1,15}}",
    right=Right.ACCOUNTS,
    summary="Change, disable or enable an account, or reset its password",
    body=AccountChange,
    answer=AccountAnswer,
)
async def change(call: Call[AccountChange]) -> AccountAnswer:
    fields = call.body.model_dump(exclude_unset=True, exclude={"reset_password"})
    password = generate_password() if call.body.reset_password else None
    async with call.services.database.write() as session:
        account = await session.get(Account, int(call.request.match_info["id"]))
        if account is None:
            raise NotFound("没有这个账号。")
        if account.id == call.staff.account_id and (fields.get("disabled") or "role" in fields):
            raise Conflict("不能停用自己的账号，也不能修改自己的角色。", code="own_account")
        if fields.get("name"):
            account.name = clean(fields["name"])
        if fields.get("role"):
            account.role = Role(fields["role"]).value
        if "unit" in fields:
            account.unit_id = fields["unit"]
        if (account.role == Role.STAFF.value) != (account.unit_id is not None):
            raise BadRequest("单位工作人员需要选择所属单位，其他角色不属于某个单位。", code="bad_unit")
        if account.unit_id is not None and await session.get(Unit, account.unit_id) is None:
            raise BadRequest("没有这个单位。", code="bad_unit")
        if fields.get("disabled") is not None:
            account.disabled = fields["disabled"]
            if account.disabled:
                await revoke_all(session, account.id)
        if password is not None:
            await set_password(session, account, password, generated=True)
        changed = sorted([*fields, *(["password"] if password else [])])
        session.add(_logged(call, "account-change", {"username": account.username, "changed": changed}))
        await session.flush()
        await session.refresh(account, ["unit"])
        return AccountAnswer(account=AccountView.of(account), password=password)


def _logged(call: Call[Any], act: str, detail: dict[str, object]) -> Act:
    return Act(at=call.services.now(), account_id=call.staff.account_id, act=act, detail=detail)
