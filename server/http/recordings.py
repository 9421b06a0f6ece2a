"""The recording: what its unit sees and decides, and the replay that the public gets once it is released."""

from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from server.auth.rights import Right
from server.errors import Conflict, NotFound
from server.http.endpoint import Call, endpoint
from server.recordings import recording_of
from server.replay import Mark, timeline
from server.store.entries import PUBLIC_COMMENT_STATES, PUBLIC_QUESTION_STATES
from server.store.recordings import Recording, public_recording
from server.store.tables import Account, Act, Entry

MOST_MARKS = 5_000
"""Entries in a replay: the newest. A phone shows no more at its side anyway."""


class RecordingView(BaseModel):
    """What staff sees of an activity's recording; sizes in bytes, length in seconds."""

    allowed: bool
    state: str
    stopped: str | None
    seconds: float
    bytes: int
    sha256: str | None
    interruptions: int
    released_at: datetime | None
    released_by: str | None


class RecordingChange(BaseModel):
    """Whether to record, and whether the public may see what was recorded."""

    model_config = ConfigDict(extra="forbid")
    allowed: bool | None = None
    released: bool | None = None


class MarkView(BaseModel):
    """An entry at its second of the recording."""

    id: int
    kind: str
    nickname: str
    text: str
    at: float
    answered: float | None
    answer: str | None


class ReplayView(BaseModel):
    """A released recording: where it is, how long, and who said what when."""

    playlist: str
    file: str
    seconds: float
    marks: list[MarkView]


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/recording",
    right=Right.HOST,
    summary="What is recorded of an activity",
    answer=RecordingView,
)
async def show(call: Call[None]) -> RecordingView:
    return await _view(call)


async def _view(call: Call[Any]) -> RecordingView:
    async with call.services.database.read() as session:
        row = await session.get(Recording, call.target.id)
        releaser = await session.get(Account, row.released_by) if row and row.released_by else None
    if row is None:
        row = Recording(allowed=True, state="none", stretches=[], seconds=0.0, bytes=0)
    report = call.services.packagers.reports.get(call.target.slug)
    live = report is not None and row.state == "recording"
    return RecordingView(
        allowed=row.allowed,
        state=row.state,
        stopped=(report["stopped"] if live and report else None) or row.stopped,
        seconds=report["kept_seconds"] if live and report else row.seconds,
        bytes=report["kept_bytes"] if live and report else row.bytes,
        sha256=row.sha256,
        interruptions=max(0, len(row.stretches) - 1),
        released_at=row.released_at,
        released_by=releaser.name if releaser else None,
    )


@endpoint(
    "PUT",
    "/api/v1/activities/{activity}/recording",
    right=Right.DECIDE,
    summary="Allow or stop recording; release the replay to the public, or take it back",
    body=RecordingChange,
    answer=RecordingView,
)
async def change(call: Call[RecordingChange]) -> RecordingView:
    services, wanted = call.services, call.body
    async with services.database.write() as session:
        row = await recording_of(session, call.target.id)
        if wanted.allowed is not None:
            row.allowed = wanted.allowed
        if wanted.released is not None:
            if wanted.released and row.state != "ready":
                raise Conflict("录像还没有整理好，不能公开。", code="not_ready")
            row.released_at = services.now() if wanted.released else None
            row.released_by = call.staff.account_id if wanted.released else None
        session.add(
            Act(
                at=services.now(),
                account_id=call.staff.account_id,
                activity_id=call.target.id,
                act="recording",
                detail=wanted.model_dump(exclude_none=True),
            )
        )
    if wanted.allowed is not None:
        await services.recordings.changed(call.target.slug)
    return await _view(call)


@endpoint(
    "DELETE",
    "/api/v1/activities/{activity}/recording",
    right=Right.DECIDE,
    summary="Delete the recording for good",
    answer=RecordingView,
)
async def delete(call: Call[None]) -> RecordingView:
    services = call.services
    async with services.database.write() as session:
        await services.recordings.remove(call.target.slug, session, call.target.id)
        session.add(
            Act(
                at=services.now(),
                account_id=call.staff.account_id,
                activity_id=call.target.id,
                act="recording",
                detail={"deleted": True},
            )
        )
    return await _view(call)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/recording/file",
    right=Right.HOST,
    summary="The recording as one MP4, for those who decide whether it becomes public",
)
async def file_for_staff(call: Call[None]) -> web.StreamResponse:
    async with call.services.database.read() as session:
        row = await session.get(Recording, call.target.id)
    answer = _file(call, row if row is not None and row.state == "ready" else None, "no-store")
    if "Range" not in call.request.headers or call.request.headers["Range"].startswith("bytes=0-"):
        async with call.services.database.write() as session:
            session.add(
                Act(
                    at=call.services.now(),
                    account_id=call.staff.account_id,
                    activity_id=call.target.id,
                    act="download",
                    detail={"what": "recording"},
                )
            )
    return answer


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/recording.mp4",
    right=Right.PUBLIC,
    summary="The released recording as one MP4; takes range requests",
)
async def file_for_all(call: Call[None]) -> web.StreamResponse:
    async with call.services.database.read() as session:
        row = await public_recording(session, call.target.id)
    return _file(call, row, "no-cache")


def _file(call: Call[None], row: Recording | None, cache: str) -> web.FileResponse:
    path = call.services.settings.data_dir / row.path if row is not None and row.path else None
    if path is None or not path.is_file():
        raise NotFound("没有可以回放的录像。")
    headers = {
        "Content-Type": "video/mp4",
        "Cache-Control": cache,
        "Content-Disposition": f'inline; filename="{call.target.slug}.mp4"',
    }
    return web.FileResponse(path, headers=headers)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/replay",
    right=Right.PUBLIC,
    summary="The released recording with comments, questions and answers at their second",
    answer=ReplayView,
)
async def replay(call: Call[None]) -> ReplayView:
    slug = call.target.slug
    async with call.services.database.read() as session:
        row = await public_recording(session, call.target.id)
        if row is None:
            raise NotFound("没有可以回放的录像。")
        query = (
            select(Entry.id, Entry.kind, Entry.nickname, Entry.text, Entry.at, Entry.answered_at, Entry.answer)
            .where(
                Entry.activity_id == call.target.id,
                Entry.state.in_((*PUBLIC_COMMENT_STATES, *PUBLIC_QUESTION_STATES)),
            )
            .order_by(Entry.id.desc())
            .limit(MOST_MARKS)
        )
        marks = [Mark(*columns) for columns in await session.execute(query)]
    return ReplayView(
        playlist=f"/hls/{slug}/index.m3u8",
        file=f"/api/v1/activities/{slug}/recording.mp4",
        seconds=row.seconds,
        marks=[
            MarkView(
                id=mark.id,
                kind=mark.kind,
                nickname=mark.nickname,
                text=mark.text,
                at=second,
                answered=answered,
                answer=mark.answer,
            )
            for mark, second, answered in timeline(marks, row.spans)
        ],
    )
