"""Files of films: received piece by piece, checked, kept one for each activity.

A film is gigabytes: its pieces go to the disk as they come, and an upload that broke off goes on where it was.
"""

import asyncio
import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from server.errors import BadRequest, Conflict, NotFound, ServiceError
from streaming.film import Film, NoFilm, check

RESERVE = 1024 * 1024 * 1024
"""Bytes of the disk that films leave free: the database and recordings need them more."""
LONGEST_SECONDS = 12 * 3600
PIECE = 1024 * 1024
"""Bytes that are written at a time."""


class NoRoom(ServiceError):
    """The disk, or what is allowed of it, has no room for the file."""

    status, code = 413, "too_large"


class FilmFiles:
    """Owns the folder of films. An unfinished upload is `{activity}.part`."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        """Bytes of one film."""
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def received(self, slug: str) -> int:
        """Bytes of an unfinished upload that are here."""
        draft = self._draft(slug)
        return draft.stat().st_size if draft.exists() else 0

    async def begin(self, slug: str, size: int) -> None:
        """Make room for a new upload; what came of one before is forgotten. Raises NoRoom."""
        if size > self.limit:
            raise NoRoom(f"文件超过{self.limit / 1e9:g} GB，请压缩后再上传。")
        async with self._locks[slug]:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._draft(slug).unlink(missing_ok=True)
            if shutil.disk_usage(self.folder).free - size < RESERVE:
                raise NoRoom("服务器磁盘空间不够存放这个文件，请联系管理员。")
            self._draft(slug).touch()

    async def add(self, slug: str, offset: int, size: int, pieces: AsyncIterator[bytes]) -> int:
        """Put down what comes from `offset` on, of `size` in all. Returns how much is here then.

        Raises Conflict (`wrong_offset`) where something else is due, BadRequest for more than was announced.
        """
        if self._locks[slug].locked():
            raise Conflict("这个文件正在从另一个页面上传。", code="busy", retry_after=5)
        async with self._locks[slug]:
            draft = self._draft(slug)
            if not draft.exists():
                raise NotFound("没有正在上传的文件，请重新选择文件上传。")
            if draft.stat().st_size != offset:
                raise Conflict("上传的位置不对，请从已收到的地方继续。", code="wrong_offset")
            with draft.open("ab") as file:
                async for piece in pieces:
                    offset += len(piece)
                    if offset > size:
                        raise BadRequest("收到的内容比文件还长，请重新上传。", code="bad_file")
                    await asyncio.to_thread(file.write, piece)
            return offset

    async def finish(self, slug: str) -> tuple[str, Film]:
        """Check an upload of which all is here, and keep it. Raises BadRequest (`bad_file`), and forgets it then."""
        async with self._locks[slug]:
            return await self._keep(slug, self._draft(slug))

    async def take(self, slug: str, recording: Path) -> tuple[str, Film]:
        """Keep a recording of this service as a film. Raises NotFound where its file is gone."""
        async with self._locks[slug]:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = self.folder / f"{slug}.copy"
            draft.unlink(missing_ok=True)
            try:
                os.link(recording, draft)  # the same bytes on the disk, for as long as either is wanted
            except FileNotFoundError:
                raise NotFound("录像文件不在了，请联系管理员。") from None
            except OSError:  # another disk
                await asyncio.to_thread(shutil.copyfile, recording, draft)
            return await self._keep(slug, draft)

    async def _keep(self, slug: str, draft: Path) -> tuple[str, Film]:
        try:
            film = await check(str(draft))
        except NoFilm:
            await self.remove(draft.name)
            raise BadRequest(
                "这个文件里没有可以播放的画面或声音。请上传 MP4、MKV、MOV、TS 等视频文件。", code="bad_file"
            ) from None
        if film.seconds > LONGEST_SECONDS:
            await self.remove(draft.name)
            raise BadRequest(f"影片超过{LONGEST_SECONDS // 3600}小时，请分成几段。", code="bad_file")
        stored = f"{slug}-{secrets.token_hex(8)}"
        await asyncio.to_thread(_keep, draft, self.folder / stored)
        return stored, film

    def size(self, stored: str) -> int:
        """Bytes of a film."""
        return (self.folder / stored).stat().st_size

    def forget(self, slug: str) -> None:
        """Delete an unfinished upload."""
        self._draft(slug).unlink(missing_ok=True)

    async def remove(self, stored: str) -> None:
        """Delete a film. It does not matter if it is gone."""
        await asyncio.to_thread((self.folder / stored).unlink, missing_ok=True)

    def _draft(self, slug: str) -> Path:
        return self.folder / f"{slug}.part"


def _keep(draft: Path, path: Path) -> None:
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
