"""Turns errors into answers: the service's own with their status, anything else logged once and told as 500."""

from collections.abc import Awaitable, Callable
from logging import getLogger
from math import ceil

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from server.errors import ServiceError, Unavailable

log = getLogger(__name__)

_WORDS = {
    403: "没有权限。",
    404: "没有找到这个页面。",
    405: "不支持这种请求方式。",
    413: "内容太大。",
}


def answer_of(error: ServiceError) -> web.Response:
    """The JSON answer of an error."""
    headers = {"Cache-Control": "no-store"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(ceil(error.retry_after))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    answer = web.json_response({"error": error.as_dict()}, status=error.status, headers=headers)
    if error.status == 408:
        answer.force_close()  # RFC 9110 section 15.5.9; what is still to come of the body is no request
    return answer


@web.middleware
async def errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The outermost middleware."""
    try:
        return await handler(request)
    except ServiceError as error:
        return answer_of(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        words = _WORDS.get(error.status, "请求没有完成。")
        answer = web.json_response({"error": {"code": f"http_{error.status}", "message": words}}, status=error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except (SQLAlchemyError, OSError) as error:
        log.error("%s %s: %s", request.method, request.raw_path, error)
        return answer_of(Unavailable("系统正在恢复，请稍后再试。", retry_after=3))
    except Exception:
        log.exception("%s %s", request.method, request.raw_path)
        return web.json_response(
            {"error": {"code": "internal", "message": "系统出错了，我们已经记录，请稍后再试。"}}, status=500
        )
