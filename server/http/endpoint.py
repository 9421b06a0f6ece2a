"""Declares a handler once: its path, right, input and answer. Routing, checking and the OpenAPI text follow from it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from server.activities import Known, require_reach
from server.auth.rights import Principal, Right
from server.errors import BadRequest, Forbidden, NotFound, Unauthorized
from server.realtime.limits import network_of
from server.services import SERVICES, Services

B = TypeVar("B")
NUL = "\0"
_IN_TURN = ("/api/", "/notices", "/calendar")
"""What is computed for whoever reads it. Files are sent after their handler, and those who watch wait for nobody."""
_ESCAPED_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Call(Generic[B]):
    """What a handler gets: everything checked."""

    request: web.Request
    services: Services
    principal: Principal | None
    activity: Known | None
    body: B

    @property
    def staff(self) -> Principal:
        """The signed-in account; handlers with a right above PUBLIC have one."""
        if self.principal is None:
            raise Unauthorized("请先登录。")
        return self.principal

    @property
    def address(self) -> str:
        """What limits count as the caller's address."""
        return network_of(self.services.authenticator.address_of(self.request))

    @property
    def target(self) -> Known:
        """The activity of the path; handlers with ``{activity}`` in it have one."""
        if self.activity is None:
            raise LookupError("the path names no activity")
        return self.activity


Handler = Callable[[Call[Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One declared handler."""

    method: str
    path: str
    right: Right
    summary: str
    body: TypeAdapter[Any] | None
    query: type[BaseModel] | None
    answer: type[Any] | None
    status: int
    handler: Handler
    largest: int | None
    """Bytes of a body, where more than the service's usual limit is meant."""


ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str,
    path: str,
    *,
    right: Right,
    summary: str,
    body: Any = None,
    query: type[BaseModel] | None = None,
    answer: type[Any] | None = None,
    status: int = 200,
    largest: int | None = None,
) -> Callable[[Handler], Handler]:
    """Declare a handler. `body` and `query` are checked before it runs; `answer` is what it returns (None: its own).

    An answer is a pydantic model or a dataclass.

    A handler with ``{activity}`` in its path gets that activity; staff reaches its own unit alone, unless the right is
    PUBLIC.
    """

    def declare(handler: Handler) -> Handler:
        ENDPOINTS.append(
            Endpoint(
                method,
                path,
                right,
                summary,
                TypeAdapter(body) if body is not None else None,
                query,
                answer,
                status,
                handler,
                largest,
            )
        )
        return handler

    return declare


def routes() -> list[web.RouteDef]:
    """A route for each declared handler."""
    return [web.route(item.method, item.path, _adapt(item)) for item in ENDPOINTS]


def _adapt(item: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    written = TypeAdapter(item.answer) if item.answer is not None else None

    in_turn = item.method == "GET" and item.right is Right.PUBLIC and item.path.startswith(_IN_TURN)

    async def handle(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        if not in_turn:
            return await answered(request, services)
        async with services.turns.turn(network_of(services.authenticator.address_of(request))):
            return await answered(request, services)

    async def answered(request: web.Request, services: Services) -> web.StreamResponse:
        principal = None
        if item.right is not Right.PUBLIC:
            principal = await services.authenticator.from_request(request)
            if not principal.may(item.right):
                raise Forbidden("您没有这项操作的权限。")
        activity = None
        if any(NUL in value for value in request.match_info.values()):
            raise NotFound("没有找到这个页面。")
        if "activity" in request.match_info:
            activity = await services.directory.find(request.match_info["activity"])
            if principal is not None:
                require_reach(principal, activity.unit_ids)
        body = await _checked_body(item, request)
        answer = await item.handler(Call(request, services, principal, activity, body))
        if isinstance(answer, web.StreamResponse):
            return answer
        if written is None:
            raise TypeError(f"{item.method} {item.path} declares no answer")
        return web.Response(
            body=written.dump_json(answer),
            content_type="application/json",
            charset="utf-8",
            status=item.status,
            headers={"Cache-Control": "no-store"},
        )

    return handle


async def _checked_body(item: Endpoint, request: web.Request) -> Any:
    try:
        if item.query is not None:
            query = dict(request.query)
            _refuse_nul(query)
            return item.query.model_validate(query)
        if item.body is None:
            return None
        if not request.can_read_body:
            return item.body.validate_python({})  # nothing sent says nothing: enough where nothing is required
        if request.content_type != "application/json":
            raise BadRequest("请求需要 application/json 格式。", code="unsupported_media_type")
        if item.largest is not None:
            request = request.clone(client_max_size=item.largest)
        content = await request.read()
        checked = item.body.validate_json(content)
        if _ESCAPED_NUL in content:
            _refuse_nul(json.loads(content))
        return checked
    except ValidationError as error:
        raise explain(error) from None


def _refuse_nul(value: object) -> None:
    """Raise BadRequest where a text has a NUL in it: no keyboard makes one, and PostgreSQL takes none."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _refuse_nul(item)
    elif isinstance(value, str) and NUL in value:
        raise BadRequest("内容里有不能使用的字符（NUL），请删除后再试。", code="bad_text")


def explain(error: ValidationError) -> BadRequest:
    """A validation error as a refusal that says which field is meant, and what is wrong with it."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    words = {
        "missing": "没有填写",
        "string_too_long": "太长",
        "string_too_short": "太短",
        "extra_forbidden": "不认识",
        "json_invalid": "不是有效的 JSON",
        "too_long": "太多",
        "too_short": "太少",
        "literal_error": "不是可选的值",
        "date_from_datetime_parsing": "不是有效的日期",
        "date_parsing": "不是有效的日期",
        "datetime_from_date_parsing": "不是有效的时间",
        "datetime_parsing": "不是有效的时间",
        "timezone_aware": "没有写明时区",
    }
    what = words.get(first["type"], first["msg"])
    return BadRequest(f"请检查 {field or '内容'}：{what}。", field=field or None)
