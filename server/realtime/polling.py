"""What polls (Engine.IO over plain HTTP) is checked before the library sees it.

python-engineio ends a session whose message is too long or unknown, and waits until the client has taken in what was
sent to it; one that never polls again would hold the request for good.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from server.realtime.hub import LARGEST_MESSAGE

PATH = "/socket.io/"
POST_SECONDS = 10.0
"""For all of a message's body and what is done with it."""


@web.middleware
async def polling(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Bound the size and the time of what a client posts."""
    if request.path != PATH or request.method != "POST":
        return await handler(request)
    if (request.content_length or 0) > LARGEST_MESSAGE:
        raise web.HTTPRequestEntityTooLarge(LARGEST_MESSAGE, request.content_length or 0)
    try:
        async with asyncio.timeout(POST_SECONDS):
            return await handler(request)
    except (TimeoutError, KeyError):
        # KeyError: the library's word for a session that has ended.
        raise web.HTTPBadRequest from None
