"""转推: a process for each RTMP address of an activity, started with its packager and ended with it."""

import asyncio
import base64
import contextlib
import hashlib
import json
import sys
from logging import getLogger
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select

from server.errors import BadRequest
from server.store.database import Database
from server.store.restreams import Restream
from server.store.tables import Activity

log = getLogger(__name__)

MOST = 5
"""Addresses of one activity."""
STOP_SECONDS = 3.0


class Sealer:
    """Encrypts stream keys with a key derived from the service's own: a copy of the database alone has none."""

    def __init__(self, key: bytes) -> None:
        digest = hashlib.blake2b(key, digest_size=32, person=b"restream").digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def seal(self, url: str) -> str:
        """What the database gets."""
        return self._fernet.encrypt(url.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """The address; None where another key sealed it."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None


def without_key(url: str) -> str:
    """An address as people may see it: the last part of the path, and all that follows, is the key.

    Raises BadRequest for what is no address to push to.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    path = parts.path.strip("/") if host else ""
    plain = url.isascii() and url.isprintable() and " " not in url
    if not host or not plain or parts.scheme not in {"rtmp", "rtmps"} or "/" not in path or parts.username:
        raise BadRequest("推流地址应以 rtmp:// 或 rtmps:// 开头，并包含推流码。", code="bad_address")
    return f"{parts.scheme}://{parts.netloc}/{path.rsplit('/', 1)[0]}/••••"


class Restreams:
    """Owns the processes; `state_of` says what each does."""

    def __init__(self, database: Database, hls: Path, key: bytes) -> None:
        self._database = database
        self._hls = hls
        self._sealer = Sealer(key)
        self._running: dict[int, tuple[str, asyncio.subprocess.Process, asyncio.Task[None]]] = {}
        self._states: dict[int, dict[str, Any]] = {}
        self._lock = asyncio.Lock()

    def seal(self, url: str) -> str:
        """An address for the database."""
        return self._sealer.seal(url)

    def state_of(self, restream_id: int) -> dict[str, Any]:
        """What its process said last; `off` where nothing is on air."""
        return self._states.get(restream_id, {"state": "off", "seconds": 0.0, "tries": 0, "error": None})

    async def on_air(self, slug: str) -> None:
        """The activity is on air, or its addresses changed: push to each of them, and to none besides."""
        async with self._lock:
            async with self._database.read() as session:
                query = select(Restream).join(Activity, Activity.id == Restream.activity_id)
                rows = {row.id: row for row in await session.scalars(query.where(Activity.slug == slug))}
            for number in [n for n, (owner, _, _) in self._running.items() if owner == slug and n not in rows]:
                await self._stop(number)
            for number, row in rows.items():
                if number not in self._running:
                    await self._start(slug, row)

    async def off_air(self, slug: str) -> None:
        """The activity is off the air."""
        async with self._lock:
            for number in [n for n, (owner, _, _) in self._running.items() if owner == slug]:
                await self._stop(number)

    async def close(self) -> None:
        """End all of them. Idempotent."""
        async with self._lock:
            for number in list(self._running):
                await self._stop(number)

    async def _start(self, slug: str, row: Restream) -> None:
        url = self._sealer.open(row.sealed)
        if url is None:
            self._states[row.id] = {"state": "unreadable", "seconds": 0.0, "tries": 0, "error": None}
            return
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streaming.restream",
            str(self._hls / slug),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdin is not None
        # A pipe, not the command line: there everybody on the machine could read the key.
        process.stdin.write(json.dumps({"url": url}).encode() + b"\n")
        task = asyncio.create_task(self._listen(row.id, process), name=f"restream-{row.id}")
        self._running[row.id] = (slug, process, task)

    async def _listen(self, number: int, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            with contextlib.suppress(ValueError):
                self._states[number] = json.loads(line)
        status = await process.wait()
        if status:
            log.error("the restream %d ended with status %d", number, status)
            self._states[number] = {"state": "failed", "seconds": 0.0, "tries": 0, "error": f"status {status}"}

    async def _stop(self, number: int) -> None:
        _, process, task = self._running.pop(number)
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._states.pop(number, None)
