"""`minsheng publish`: a source is sent to WHIP until it ends, again and again where that is wished."""

import asyncio
import sys
from contextlib import suppress

from server.serve import stop_signal
from streaming.publish import Progress, PublishError, publish
from streaming.source import is_stream

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two tries of a source that broke off."""


async def publish_file(source: str, whip_url: str, token: str, *, loop: bool, reconnect: bool) -> int:
    """Publish until the source ends or Ctrl-C. Returns the exit status.

    With `reconnect` a source or a line that breaks off is tried again, for as long as another try may help.
    """
    stop = stop_signal()
    work = asyncio.create_task(_publish_again_and_again(source, whip_url, token, loop=loop, reconnect=reconnect))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
    except PublishError as error:
        print(f"\nminsheng: {error}", file=sys.stderr)
        return 1
    finally:
        stopping.cancel()
    print(file=sys.stderr)
    return 0


async def _publish_again_and_again(source: str, whip_url: str, token: str, *, loop: bool, reconnect: bool) -> None:
    pause = _FIRST_PAUSE

    def progress(made: Progress) -> None:
        nonlocal pause
        pause = _FIRST_PAUSE
        print(f"\r{made}", end="", file=sys.stderr, flush=True)

    while True:
        try:
            await publish(source, whip_url, token, loop=loop, on_progress=progress)
            if not reconnect or not is_stream(source):
                return
            words = "the source ended"
        except PublishError as error:
            if not reconnect or error.final:
                raise
            words = str(error)
        print(f"\nminsheng: {words}; trying again in {pause:.0f} s", file=sys.stderr, flush=True)
        await asyncio.sleep(pause)
        pause = min(_LONGEST_PAUSE, 2 * pause)
