"""Citizens follow what becomes of suggestions: by e-mail that they confirm, and by Atom feeds."""

from types import ModuleType
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, EmailStr, Field
from sqlalchemy.ext.asyncio import AsyncSession

from server.activities import get_activity
from server.auth.rights import Right
from server.errors import NotFound, Unavailable
from server.followup import Version, versions
from server.http.endpoint import Call, endpoint
from server.http.notices import address_of_site
from server.programme import atom, rss
from server.store.tables import Activity
from server.subscriptions import cancel, confirm, news, read_token, subscribe


class SubscriptionInput(BaseModel):
    """An address, and the suggestion's number; 0 follows all of the activity."""

    model_config = ConfigDict(extra="forbid")
    email: EmailStr = Field(max_length=254)
    number: int = Field(0, ge=0, lt=2**31)


class SubscriptionToken(BaseModel):
    """What the link in the mail carries."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=80)


class Subscribed(BaseModel):
    """The same for an address that is subscribed already: nobody learns who is."""

    state: str = "asked"


class Confirmed(BaseModel):
    """What is followed from now on."""

    slug: str
    title: str
    number: int


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/subscriptions",
    right=Right.PUBLIC,
    summary="Ask to be told by e-mail; the address's owner is asked to confirm",
    body=SubscriptionInput,
    answer=Subscribed,
    status=202,
)
async def ask(call: Call[SubscriptionInput]) -> Subscribed:
    services = call.services
    await services.letters.take(call.address)
    if not services.mailer.configured:
        raise Unavailable("这里没有开通邮件，请用订阅源（Atom）或回执码。", code="no_mail")
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        row = await subscribe(session, activity, call.body.number, str(call.body.email), services.now())
        if row is not None:
            await session.refresh(row, ["activity"])
    if row is not None:
        await services.subscriptions.ask(row)
    return Subscribed()


@endpoint(
    "POST",
    "/api/v1/subscriptions/confirm",
    right=Right.PUBLIC,
    summary="The address's owner agrees",
    body=SubscriptionToken,
    answer=Confirmed,
)
async def agree(call: Call[SubscriptionToken]) -> Confirmed:
    number = read_token(call.services.key, call.body.token, "confirm")
    async with call.services.database.write() as session:
        row = await confirm(session, number, call.services.now())
        await session.refresh(row, ["activity"])
        return Confirmed(slug=row.activity.slug, title=row.activity.title, number=row.number)


@endpoint(
    "POST",
    "/api/v1/subscriptions/cancel/{token:[0-9a-f-]{1,80}}",
    right=Right.PUBLIC,
    summary="End a subscription with one click (RFC 8058) and forget the address",
    status=204,
)
async def end(call: Call[None]) -> web.Response:
    number = read_token(call.services.key, call.request.match_info["token"], "cancel")
    async with call.services.database.write() as session:
        await cancel(session, number)
    return web.Response(status=204)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/outcomes.atom",
    right=Right.PUBLIC,
    summary="Each published version and what it changed, as an Atom feed",
)
async def follow_activity(call: Call[None]) -> web.Response:
    return await _feed(call, 0)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/suggestions/{number:[0-9]{1,9}}.atom",
    right=Right.PUBLIC,
    summary="What became of one published suggestion, as an Atom feed",
)
async def follow_suggestion(call: Call[None]) -> web.Response:
    return await _feed(call, int(call.request.match_info["number"]))


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/outcomes.rss",
    right=Right.PUBLIC,
    summary="Each published version, as RSS 2.0",
)
async def follow_activity_rss(call: Call[None]) -> web.Response:
    return await _feed(call, 0, rss)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/suggestions/{number:[0-9]{1,9}}.rss",
    right=Right.PUBLIC,
    summary="What became of one published suggestion, as RSS 2.0",
)
async def follow_suggestion_rss(call: Call[None]) -> web.Response:
    return await _feed(call, int(call.request.match_info["number"]), rss)


async def _feed(call: Call[Any], number: int, form: ModuleType = atom) -> web.Response:
    base = address_of_site(call)
    async with call.services.database.read() as session:
        activity = await get_activity(session, call.target.slug)
        found = await _told(session, activity, number)
    title = f"{activity.title}：{f'第{number}号意见建议' if number else '意见建议采纳情况'}"
    entries = [
        atom.Entry(
            id=f"{base}/a/{activity.slug}#outcomes-{version.version}{f'-{number}' if number else ''}",
            title=f"{title}（第{version.version}版）",
            author="、".join(unit.name for unit in activity.units),
            link=f"{base}/a/{activity.slug}#{f's{number}' if number else 'outcomes'}",
            updated=version.published_at,
            text=text,
        )
        for version, text in found
    ]
    content: str = form.feed(title, f"{base}/a/{activity.slug}", f"{base}{call.request.path}", entries)
    headers = {"Content-Type": form.CONTENT_TYPE, "Cache-Control": "public, max-age=60"}
    return web.Response(body=content.encode(), headers=headers)


async def _told(session: AsyncSession, activity: Activity, number: int) -> list[tuple[Version, str]]:
    """The newest first. Raises NotFound for a suggestion that never was in a version."""
    all_versions = await versions(session, activity.id, from_nothing=True)
    told = [
        (version, "\n".join(f"{change.label}：{change.before} → {change.after}" for change in changed) or "首次公布")
        for version, changed in news(all_versions, number, 0)
    ]
    if number and not told:
        raise NotFound("没有找到这条意见建议。")
    return told[::-1]
