"""Reminders of deadlines by e-mail: where an account wants them, and what they would say today."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, EmailStr

from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.programme.calendar import beijing_date
from server.reminders import due_items
from server.store.tables import Account, Act


class ReminderItem(BaseModel):
    """A deadline that is near and not met."""

    title: str
    kind: str
    due: date
    stage: str


class ReminderSettings(BaseModel):
    """Where the account's reminders go; `configured`: whether this service has a mail server."""

    configured: bool
    email: str | None
    items: list[ReminderItem]


class ReminderChange(BaseModel):
    """A new address; null stops the reminders."""

    model_config = ConfigDict(extra="forbid")
    email: EmailStr | None


@endpoint(
    "GET", "/api/v1/reminders", right=Right.SIGNED_IN, summary="The account's own reminders", answer=ReminderSettings
)
async def show(call: Call[None]) -> ReminderSettings:
    return await _settings(call)


async def _settings(call: Call[Any]) -> ReminderSettings:
    services = call.services
    async with services.database.read() as session:
        account = await session.get_one(Account, call.staff.account_id)
        items = await due_items(session, call.staff, beijing_date(services.now()))
    return ReminderSettings(
        configured=services.mailer.configured,
        email=account.email,
        items=[
            ReminderItem(title=item.title, kind=item.kind.label, due=item.due, stage=item.stage.label) for item in items
        ],
    )


@endpoint(
    "PUT",
    "/api/v1/reminders",
    right=Right.SIGNED_IN,
    summary="Set where the account's reminders go",
    body=ReminderChange,
    answer=ReminderSettings,
)
async def change(call: Call[ReminderChange]) -> ReminderSettings:
    async with call.services.database.write() as session:
        account = await session.get_one(Account, call.staff.account_id)
        account.email = call.body.email
        detail: dict[str, object] = {"on": call.body.email is not None}
        session.add(Act(at=call.services.now(), account_id=account.id, act="reminders", detail=detail))
    return await _settings(call)
