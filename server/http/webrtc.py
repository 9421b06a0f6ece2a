"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): SDP over HTTP in front of the relay."""

from typing import Any, Literal

from aiohttp import web
from multidict import CIMultiDict
from pydantic import BaseModel, ConfigDict

from server.activities import require_reach
from server.auth.authenticator import bearer_of
from server.auth.publishing import film_token_fits, owner_of, publish_token_fits
from server.auth.rights import Right
from server.errors import BadRequest, Conflict, Forbidden, NotFound, ServiceError, Unauthorized, Unavailable
from server.http.endpoint import Call, endpoint
from server.turn import TurnServers
from streaming import errors as relay_errors
from streaming.supervisor import Session

_LONGEST_SDP = 64 * 1024
_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After, Accept-Post, Access-Control-Allow-Methods",
}


async def expose(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages of other origins read every answer, refusals too (RFC 9725 section 4.2, Fetch section 3.2)."""
    if request.path.startswith(("/whip/", "/whep/")):
        response.headers.update(_CORS)


class NotAcceptable(ServiceError):
    """The offer asks for what cannot be carried, in whole or in part (RFC 9725, 4.4.3)."""

    status, code = 406, "not_acceptable"


class UnsupportedMediaType(ServiceError):
    """The body is of another type than the protocol's."""

    status, code = 415, "unsupported_media_type"


class PreconditionFailed(ServiceError):
    """The ETag is not the session's (RFC 9725, 4.3)."""

    status, code = 412, "precondition_failed"


class PreconditionRequired(ServiceError):
    """The request names no ETag (RFC 9725, 4.3)."""

    status, code = 428, "precondition_required"


def refusal(error: relay_errors.RelayError) -> ServiceError:
    """The answer to an error of the relay."""
    match error:
        case relay_errors.NotAcceptable():
            return NotAcceptable(f"这路音视频无法直播：{error}")
        case relay_errors.BadOffer():
            return BadRequest(f"SDP 无法使用：{error}", code="bad_sdp")
        case relay_errors.Conflict():
            return Conflict(
                "这个活动已经有人在推流；用同一个推流码可以接替。", code="already_publishing", retry_after=5
            )
        case relay_errors.NotOnAir():
            return Conflict("直播画面还没有开始，请稍候。", code="not_on_air", retry_after=2)
        case relay_errors.Full():
            return Unavailable("观看人数已满，请稍后再试。", code="full", retry_after=10)
        case relay_errors.UnknownSession():
            return NotFound("这个会话已经结束。")
        case relay_errors.PreconditionRequired():
            return PreconditionRequired("请求需要 If-Match。")
        case relay_errors.PreconditionFailed():
            return PreconditionFailed("会话已经更新，请重新连接。")
        case _:
            return Unavailable("画面服务正在恢复，请稍后再试。", retry_after=1)


async def _sdp(request: web.Request, media_type: str) -> str:
    if request.content_type != media_type:
        raise UnsupportedMediaType(f"请求需要 {media_type} 格式。")
    if request.content_length is not None and request.content_length > _LONGEST_SDP:
        raise BadRequest("SDP 太长。", code="bad_sdp")
    body = await request.content.read(_LONGEST_SDP + 1)
    while len(body) <= _LONGEST_SDP and not request.content.at_eof():
        body += await request.content.read(_LONGEST_SDP + 1 - len(body))
    if len(body) > _LONGEST_SDP:
        raise BadRequest("SDP 太长。", code="bad_sdp")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadRequest("SDP 不是有效的文本。", code="bad_sdp") from None


async def _publisher(call: Call[None]) -> str:
    """Who publishes: the activity's own token, or the API token of staff that may host it. Raises Unauthorized."""
    token = bearer_of(call.request.headers)
    if token is None:
        raise Unauthorized("推流需要推流码。")
    key, slug = call.services.key, call.target.slug
    if publish_token_fits(key, slug, token) or film_token_fits(key, slug, token):
        return owner_of(token)
    try:
        principal = await call.services.authenticator.from_request(call.request)
        require_reach(principal, call.target.unit_ids)
    except Forbidden:
        raise Unauthorized("推流码不正确。") from None
    except Unauthorized:
        raise Unauthorized("推流码不正确。") from None
    if not principal.may(Right.HOST):
        raise Unauthorized("推流码不正确。")
    return owner_of(token)


async def _limit(call: Call[Any]) -> None:
    """Count an offer or a restart against its address (RFC 9725 section 5). Raises RateLimited."""
    await call.services.sessions.take(call.address)


def _ice_servers(call: Call[None]) -> list[tuple[str, str]]:
    settings = call.services.settings
    servers = TurnServers(settings.turn_urls, settings.turn_secret)
    return [("Link", link) for link in servers.links(call.services.now())]


def _created(call: Call[None], kind: str, session: Session) -> web.Response:
    headers = [("Location", f"/{kind}/{call.target.slug}/{session.id}"), ("ETag", f'"{session.etag}"')]
    return web.Response(
        status=201,
        text=session.sdp,
        content_type=_SDP,
        headers=CIMultiDict([*headers, *_ice_servers(call), ("Cache-Control", "no-store")]),
    )


@endpoint("POST", "/whip/{activity}", right=Right.PUBLIC, summary="Publish (RFC 9725); Bearer: the publish token")
async def publish(call: Call[None]) -> web.Response:
    await _limit(call)
    owner = await _publisher(call)
    offer = await _sdp(call.request, _SDP)
    if call.target.state == "ended":
        raise Conflict("活动已经结束，不能再推流。", code="ended")
    try:
        session = await call.services.relay.publish(call.target.slug, offer, owner=owner)
    except relay_errors.RelayError as error:
        raise refusal(error) from error
    return _created(call, "whip", session)


class Watching(BaseModel):
    """How to watch: with `picture=off` the sound alone is sent."""

    model_config = ConfigDict(extra="forbid")

    picture: Literal["on", "off"] = "on"


class PictureWish(BaseModel):
    """Whether a viewer wants the picture."""

    model_config = ConfigDict(extra="forbid", strict=True)

    on: bool


@endpoint("POST", "/whep/{activity}", right=Right.PUBLIC, summary="Watch (draft-ietf-wish-whep)", query=Watching)
async def watch(call: Call[None]) -> web.Response:
    await _limit(call)
    offer = await _sdp(call.request, _SDP)
    picture = call.request.query.get("picture") != "off"
    try:
        session = await call.services.relay.watch(call.target.slug, offer, picture=picture)
    except relay_errors.RelayError as error:
        raise refusal(error) from error
    return _created(call, "whep", session)


@endpoint(
    "PUT",
    "/whep/{activity}/{session:[A-Za-z0-9_-]{16,64}}/picture",
    right=Right.PUBLIC,
    summary="Have the sound alone sent to a viewer's session, or the picture again",
    body=PictureWish,
    status=204,
)
async def set_picture(call: Call[PictureWish]) -> web.Response:
    await _limit(call)
    try:
        await call.services.relay.set_picture(call.request.match_info["session"], call.body.on)
    except relay_errors.RelayError as error:
        raise refusal(error) from error
    return web.Response(status=204)


async def _patch(call: Call[None]) -> web.Response:
    await _limit(call)
    fragment = await _sdp(call.request, _FRAGMENT)
    try:
        result = await call.services.relay.patch(
            call.request.match_info["session"], fragment, if_match=call.request.headers.get("If-Match")
        )
    except relay_errors.RelayError as error:
        raise refusal(error) from error
    if result.fragment is None:
        return web.Response(status=204)
    return web.Response(
        status=200,
        text=result.fragment,
        content_type=_FRAGMENT,
        headers={"ETag": f'"{result.etag}"'},
    )


async def _delete(call: Call[None]) -> web.Response:
    try:
        await call.services.relay.end(call.request.match_info["session"])
    except relay_errors.RelayError as error:
        raise refusal(error) from error
    return web.Response(status=200)


# A session's URL is known to who opened it alone: 128 random bits. It is the key to the session.
for _kind, _words in (("whip", "publisher's"), ("whep", "viewer's")):
    _path = f"/{_kind}/{{activity}}/{{session:[A-Za-z0-9_-]{{16,64}}}}"
    endpoint("PATCH", _path, right=Right.PUBLIC, summary=f"Trickle or restart ICE of a {_words} session")(_patch)
    endpoint("DELETE", _path, right=Right.PUBLIC, summary=f"End a {_words} session", status=200)(_delete)


async def _options(call: Call[None]) -> web.Response:
    asked = call.request.headers
    headers = CIMultiDict(
        {
            "Accept-Post": _SDP,
            "Accept-Patch": _FRAGMENT,
            "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE, OPTIONS",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, ETag",
            "Access-Control-Max-Age": "86400",
        }
    )
    if "Access-Control-Request-Method" not in asked:
        # A client that must know its servers before it makes an offer; a browser's preflight is not one.
        for name, value in _ice_servers(call):
            headers.add(name, value)
    return web.Response(status=200, headers=headers)


async def _nothing(_call: Call[None]) -> web.Response:
    return web.Response(status=204)


for _path in (
    "/whip/{activity}",
    "/whep/{activity}",
    "/whip/{activity}/{session:[A-Za-z0-9_-]{16,64}}",
    "/whep/{activity}/{session:[A-Za-z0-9_-]{16,64}}",
):
    endpoint("OPTIONS", _path, right=Right.PUBLIC, summary="What this resource takes (CORS)", status=200)(_options)
    endpoint("GET", _path, right=Right.PUBLIC, summary="Nothing: it has no representation", status=204)(_nothing)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/stream",
    right=Right.HOST,
    summary="The health of the stream: who publishes what, and how many watch",
)
async def show_stream(call: Call[None]) -> web.Response:
    stream = await call.services.broadcasts.stream(call.target.slug)
    return web.json_response(stream, headers={"Cache-Control": "no-store"})
