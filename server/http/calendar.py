"""The calendar: feeds to subscribe to, and the holidays that a coordinator enters."""

import hashlib
import hmac
from datetime import date

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.accounts import principal_of
from server.auth.rights import Right
from server.calendar_feed import feed_of
from server.errors import BadRequest, NotFound
from server.holidays import enter_year, entered_tables, working_calendar
from server.http.endpoint import Call, endpoint
from server.http.notices import address_of_site
from server.programme.calendar import BadYearTableError, YearTable
from server.programme.calendar_feed import CONTENT_TYPE
from server.programme_views import CalendarFeedView, HolidaysView, HolidayYearView
from server.store.tables import Account, Unit


class NewHoliday(BaseModel):
    """One line of the notice."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=20)
    first: date
    last: date
    makeup: list[date] = Field(default=[], max_length=10)


class NewYear(BaseModel):
    """A year's holidays, as the State Council's notice has them."""

    model_config = ConfigDict(extra="forbid")
    holidays: list[NewHoliday] = Field(min_length=1, max_length=20)


def _answer(text: str, *, public: bool) -> web.Response:
    return web.Response(
        body=text.encode(),
        headers={
            "Content-Type": CONTENT_TYPE,
            "Cache-Control": "public, max-age=300" if public else "private, no-store",
        },
    )


@endpoint("GET", "/calendar.ics", right=Right.PUBLIC, summary="All activities with a date, to subscribe to")
async def show_all(call: Call[None]) -> web.Response:
    async with call.services.database.read() as session:
        text = await feed_of(session, "政民互动活动", address_of_site(call), now=call.services.now())
    return _answer(text, public=True)


@endpoint("GET", "/calendar/{unit}.ics", right=Right.PUBLIC, summary="One unit's activities, to subscribe to")
async def show_unit(call: Call[None]) -> web.Response:
    async with call.services.database.read() as session:
        unit = await session.get(Unit, call.request.match_info["unit"])
        if unit is None:
            raise NotFound("没有这个单位。")
        text = await feed_of(
            session, f"{unit.name}政民互动活动", address_of_site(call), now=call.services.now(), unit_id=unit.id
        )
    return _answer(text, public=True)


@endpoint(
    "GET",
    "/calendar/deadlines/{token}.ics",
    right=Right.PUBLIC,
    summary="An account's activities with their deadlines; the address is signed and is the account's own",
)
async def show_deadlines(call: Call[None]) -> web.Response:
    token = call.request.match_info["token"]
    number = token.partition("-")[0]
    async with call.services.database.read() as session:
        known = number.isascii() and number.isdecimal() and len(number) < 10
        account = await session.get(Account, int(number)) if known else None
        if account is None or account.disabled or not hmac.compare_digest(_token(call.services.key, account), token):
            raise NotFound("这个日历地址已经失效，请到工作台重新复制。")
        text = await feed_of(
            session,
            "政民互动期限",
            address_of_site(call),
            now=call.services.now(),
            unit_id=principal_of(account).unit_id,
            calendar=await working_calendar(session),
        )
    return _answer(text, public=False)


@endpoint(
    "GET",
    "/api/v1/calendar-feed",
    right=Right.SIGNED_IN,
    summary="The address of the own calendar with deadlines; a new password makes a new one",
    answer=CalendarFeedView,
)
async def show_address(call: Call[None]) -> CalendarFeedView:
    base = address_of_site(call)
    async with call.services.database.read() as session:
        account = await session.get_one(Account, call.staff.account_id)
    public = f"/calendar/{account.unit_id}.ics" if account.unit_id else "/calendar.ics"
    return CalendarFeedView(
        url=f"{base}/calendar/deadlines/{_token(call.services.key, account)}.ics", public_url=base + public
    )


def _token(key: bytes, account: Account) -> str:
    # The password's hash is signed along: whoever resets a password ends the address too.
    words = f"calendar:{account.id}:{account.password_hash}".encode()
    return f"{account.id}-{hmac.new(key, words, hashlib.sha256).hexdigest()[:40]}"


@endpoint(
    "GET",
    "/api/v1/holidays",
    right=Right.SIGNED_IN,
    summary="The years whose working days are known, and those entered here",
    answer=HolidaysView,
)
async def show_holidays(call: Call[None]) -> HolidaysView:
    async with call.services.database.read() as session:
        return await _holidays(session)


async def _holidays(session: AsyncSession) -> HolidaysView:
    calendar, tables = await working_calendar(session), await entered_tables(session)
    return HolidaysView(
        known=sorted(calendar.years), entered=[HolidayYearView.model_validate(table.as_dict()) for table in tables]
    )


@endpoint(
    "PUT",
    "/api/v1/holidays/{year:[0-9]{1,15}}",
    right=Right.COORDINATE,
    summary="Enter or correct a year's holidays",
    body=NewYear,
    answer=HolidaysView,
)
async def enter_holidays(call: Call[NewYear]) -> HolidaysView:
    year = int(call.request.match_info["year"])
    try:
        table = YearTable.from_dict({"year": year, **call.body.model_dump(mode="json")})
    except BadYearTableError as error:
        raise BadRequest(f"{error}。", code="bad_year_table") from None
    async with call.services.database.write() as session:
        await enter_year(session, call.staff, table, call.services.now())
        return await _holidays(session)
