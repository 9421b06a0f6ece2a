"""A file sent as the body of a request."""

from aiohttp import web

from server.errors import BadRequest, ServiceError


class TooLarge(ServiceError):
    """A file over the limit."""

    status, code = 413, "too_large"


async def received_file(request: web.Request, largest: int, advice: str) -> bytes:
    """The bytes, at most `largest`; `advice` says what to do about more. Raises BadRequest, TooLarge."""
    if request.content_type != "application/octet-stream":
        raise BadRequest("文件需要以 application/octet-stream 发送。", code="unsupported_media_type")
    try:
        content = await request.clone(client_max_size=largest).read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge(f"文件超过{largest // 2**20} MB，{advice}。") from None
    if not content:
        raise BadRequest("这个文件是空的。", code="bad_file")
    return content
