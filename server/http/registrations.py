"""Citizens: what an activity's selection says, registering, and what became of it."""

import io
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import segno
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.text import clean, is_blank
from server.activities import get_activity
from server.auth.rights import Right
from server.errors import BadRequest, NotFound
from server.http.endpoint import Call, endpoint
from server.personal import Person
from server.programme import draw
from server.programme.places import (
    KEPT_DAYS,
    Category,
    PlaceAct,
    PlaceState,
    ticket,
)
from server.programme_views import SelectionContent
from server.registrations import Application, answer, find, register, waiting_places
from server.selection import find_selection
from server.selection_notices import notice_versions
from server.store.places import Registration
from server.store.tables import Activity

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]
Phone = Annotated[
    str,
    BeforeValidator(lambda value: value.replace(" ", "").replace("-", "") if isinstance(value, str) else value),
    StringConstraints(pattern=r"^1[3-9][0-9]{9}$"),
]


class QuotaView(BaseModel):
    """Places of a category."""

    category: Category
    text: str
    places: int


class SelectionNoticeView(SelectionContent):
    """遴选公告 as published."""

    version: int
    published_at: datetime
    sha256: str


class SelectionView(BaseModel):
    """How people are chosen, and the draw as far as it has come."""

    mode: Literal["open", "invited"]
    opens_at: datetime
    closes_at: datetime
    open: bool
    quotas: list[QuotaView]
    requirements: str
    kept_days: int
    notices: list[SelectionNoticeView]
    commitment: str
    roster: str | None
    roster_sha256: str | None
    record: dict[str, Any] | None


class NewRegistration(BaseModel):
    """A registration. `consent`: to the purpose that the form states; without it nothing is taken (PIPL 13, 17)."""

    model_config = ConfigDict(extra="forbid")
    name: Words = Field(min_length=2, max_length=40)
    phone: Phone
    category: Category = Category.OTHER
    organisation: Words = Field("", max_length=60)
    guardian: bool = False
    consent: bool
    invitation: str = Field("", max_length=20)


class RegistrationReceipt(BaseModel):
    """A receipt as its owner typed it."""

    model_config = ConfigDict(extra="forbid")
    receipt: str = Field(min_length=1, max_length=40)


class RegistrationAnswer(RegistrationReceipt):
    """What the person does."""

    act: Literal[PlaceAct.CONFIRM, PlaceAct.DECLINE, PlaceAct.WITHDRAW]


class RegistrationView(BaseModel):
    """What the person sees; name and phone masked. `ticket` is for the door, once the place is confirmed."""

    receipt: str
    number: int
    activity: str
    activity_title: str
    starts_at: datetime | None
    place: str
    category: Category
    category_text: str
    state: PlaceState
    state_text: str
    rank: int
    name: str
    phone: str
    at: datetime
    attended: bool
    """Whether the ticket was checked in at the door."""
    ticket: str | None
    ticket_qr: str | None


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/selection",
    right=Right.PUBLIC,
    summary="How people on the spot are chosen: notice, list and draw",
    answer=SelectionView,
)
async def show_selection(call: Call[None]) -> SelectionView:
    async with call.services.database.read() as session:
        return await selection_view(session, call.target.id, call.services.now(), public=True)


async def selection_view(session: AsyncSession, activity_id: int, now: datetime, *, public: bool) -> SelectionView:
    """The selection. Raises NotFound where there is none, and for the public before its notice."""
    selection = await find_selection(session, activity_id)
    notices = await notice_versions(session, activity_id)
    if public and not notices:
        raise NotFound("这个活动没有开放报名。")
    closed = selection.roster is not None
    return SelectionView(
        mode="open" if selection.mode == "open" else "invited",
        opens_at=selection.opens_at,
        closes_at=selection.closes_at,
        open=bool(notices) and not closed and selection.opens_at <= now < selection.closes_at,
        quotas=[
            QuotaView(category=Category(name), text=Category(name).text, places=places)
            for name, places in selection.quotas.items()
        ],
        requirements=selection.requirements,
        kept_days=KEPT_DAYS,
        notices=[
            SelectionNoticeView.model_validate(
                {"version": row.version, "published_at": row.published_at, "sha256": row.sha256, **row.content}
            )
            for row in notices
        ],
        commitment=draw.commitment(selection.seed),
        roster=selection.roster,
        roster_sha256=draw.text_sha256(selection.roster) if selection.roster is not None else None,
        record=selection.record,
    )


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/registrations",
    right=Right.PUBLIC,
    summary="Register for a place",
    body=NewRegistration,
    answer=RegistrationView,
    status=201,
)
async def create(call: Call[NewRegistration]) -> RegistrationView:
    services, new = call.services, call.body
    await services.registering.take(call.address)
    if not new.consent:
        raise BadRequest("请先阅读并同意个人信息的使用说明。", code="no_consent", field="consent")
    if is_blank(new.name):
        raise BadRequest("请填写姓名。", code="empty", field="name")
    application = Application(
        person=Person(new.name, new.phone, new.organisation),
        category=new.category,
        guardian=new.guardian,
        invitation=new.invitation,
    )
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        registration = await register(session, services.seals, activity, application, services.now())
        return _view(call, registration, activity, await waiting_places(session, activity.id, [registration]))


@endpoint(
    "POST",
    "/api/v1/registrations",
    right=Right.PUBLIC,
    summary="What became of a registration; the receipt travels in the body, so that no log keeps it",
    body=RegistrationReceipt,
    answer=RegistrationView,
)
async def look_up(call: Call[RegistrationReceipt]) -> RegistrationView:
    services = call.services
    await services.lookups.take(call.address)
    async with services.database.read() as session:
        registration = await find(session, call.body.receipt)
        activity = await session.get_one(Activity, registration.activity_id)
        return _view(call, registration, activity, await waiting_places(session, activity.id, [registration]))


@endpoint(
    "POST",
    "/api/v1/registrations/answer",
    right=Right.PUBLIC,
    summary="Confirm, decline, or withdraw and delete a registration; the receipt is the proof",
    body=RegistrationAnswer,
    answer=RegistrationView,
)
async def give_answer(call: Call[RegistrationAnswer]) -> RegistrationView:
    services = call.services
    await services.lookups.take(call.address)
    async with services.database.write() as session:
        registration = await answer(session, call.body.receipt, call.body.act, services.now())
        activity = await session.get_one(Activity, registration.activity_id)
        return _view(call, registration, activity, await waiting_places(session, activity.id, [registration]))


def _view(
    call: Call[Any], registration: Registration, activity: Activity, waiting: Mapping[int, int]
) -> RegistrationView:
    person = call.services.seals.open(registration.sealed).masked if registration.sealed else Person("", "")
    state, category = PlaceState(registration.state), Category(registration.category)
    code = ticket(call.services.key, activity.slug, registration.number) if state is PlaceState.CONFIRMED else None
    return RegistrationView(
        receipt=registration.receipt,
        number=registration.number,
        activity=activity.slug,
        activity_title=activity.title,
        starts_at=activity.starts_at,
        place=activity.place,
        category=category,
        category_text=category.text,
        state=state,
        state_text=state.text,
        rank=waiting.get(registration.number, 0),
        name=person.name,
        phone=person.phone,
        at=registration.at,
        attended=registration.attended_at is not None,
        ticket=code,
        ticket_qr=_qr(code) if code else None,
    )


def _qr(text: str) -> str:
    """A QR code as a data URI, for the page."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(buffer, kind="svg", scale=6, border=4, xmldecl=False)
    return f"data:image/svg+xml;base64,{b64encode(buffer.getvalue()).decode()}"
