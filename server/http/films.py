"""定时播出: a unit's film, uploaded piece by piece or taken from a recording, and when it is broadcast."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.text import clean
from server.activities import get_activity, require_reach
from server.auth.rights import Right
from server.errors import BadRequest, Conflict, NotFound
from server.film_files import PIECE
from server.films import Problem
from server.http.endpoint import Call, endpoint
from server.programme.film import Phase, phase
from server.store.films import ActivityFilm
from server.store.recordings import Recording
from server.store.tables import Act, Activity
from streaming.film import Film

PATH = "/api/v1/activities/{activity}/film"
Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]


class UploadView(BaseModel):
    """An upload of which not all has come: bytes."""

    name: str
    size: int
    received: int


class FilmView(BaseModel):
    """An activity's film: what it is, when it is broadcast, and where it is now; seconds, bytes, pixels."""

    phase: Phase
    name: str
    size: int
    seconds: float
    width: int
    height: int
    sound: bool
    planned: bool
    ends_activity: bool
    begins_at: datetime | None
    began_at: datetime | None
    second: float | None
    """The second that is on air, or would be."""
    problem: Problem | None
    upload: UploadView | None
    largest: int
    """Bytes of the largest film that is taken; 0: none."""


class NewUpload(BaseModel):
    """A file that is about to come."""

    model_config = ConfigDict(extra="forbid")
    name: Words = Field(min_length=1, max_length=255)
    size: int = Field(gt=0)


class Piece(BaseModel):
    """Where in the file the body belongs."""

    model_config = ConfigDict(extra="forbid")
    offset: int = Field(ge=0)


class FromRecording(BaseModel):
    """The activity whose recording becomes the film."""

    model_config = ConfigDict(extra="forbid")
    activity: str = Field(min_length=1, max_length=32)


class Plan(BaseModel):
    """Whether it begins at the activity's hour, and whether the activity ends with it; what is absent stays."""

    model_config = ConfigDict(extra="forbid")
    planned: bool | None = None
    ends_activity: bool | None = None


@endpoint("GET", PATH, right=Right.HOST, summary="The film that is broadcast as if live", answer=FilmView)
async def show(call: Call[None]) -> FilmView:
    return await _view(call)


async def _view(call: Call[Any]) -> FilmView:
    services, slug = call.services, call.target.slug
    async with services.database.read() as session:
        film = await session.get(ActivityFilm, call.target.id) or _none(call)
        activity = await get_activity(session, slug)
    showing, now = film.showing(activity), services.now()
    running = showing.began_at is not None and showing.outcome is None
    return FilmView(
        phase=phase(showing, on_air=services.films.on_air(slug), now=now) if film.stored else Phase.NONE,
        name=film.name,
        size=film.size,
        seconds=film.seconds,
        width=film.width,
        height=film.height,
        sound=film.sound,
        planned=film.planned,
        ends_activity=film.ends_activity,
        begins_at=showing.begins_at,
        began_at=showing.began_at,
        second=min(film.seconds, max(0.0, (now - showing.began_at).total_seconds()))
        if running and showing.began_at is not None
        else None,
        problem=services.films.problem(slug),
        upload=UploadView(name=film.upload_name, size=film.upload_size, received=services.film_files.received(slug))
        if film.upload_name
        else None,
        largest=services.film_files.limit,
    )


def _none(call: Call[Any]) -> ActivityFilm:
    return ActivityFilm(
        activity_id=call.target.id,
        name="",
        size=0,
        seconds=0.0,
        width=0,
        height=0,
        sound=False,
        upload_size=0,
        planned=False,
        ends_activity=False,
    )


async def _film(call: Call[Any], session: AsyncSession) -> ActivityFilm:
    """The row for a change; made where there is none yet."""
    film = await session.get(ActivityFilm, call.target.id)
    if film is None:
        film = _none(call)
        session.add(film)
    return film


def _refuse_while_it_runs(film: ActivityFilm) -> None:
    if film.began_at is not None and film.outcome is None:
        raise Conflict("影片正在播出，请先停止播出。", code="playing")


@endpoint("POST", PATH + "/upload", right=Right.HOST, summary="Announce a file", body=NewUpload, answer=FilmView)
async def announce(call: Call[NewUpload]) -> FilmView:
    services, slug = call.services, call.target.slug
    async with services.database.write() as session:
        film = await _film(call, session)
        _refuse_while_it_runs(film)
        await services.film_files.begin(slug, call.body.size)
        film.upload_name, film.upload_size = call.body.name, call.body.size
    return await _view(call)


@endpoint(
    "PUT",
    PATH + "/upload",
    right=Right.HOST,
    summary="A piece of the file as application/octet-stream; the last one has it checked and kept",
    query=Piece,
    answer=FilmView,
)
async def upload(call: Call[Piece]) -> FilmView:
    services, slug = call.services, call.target.slug
    if call.request.content_type != "application/octet-stream":
        raise BadRequest("文件需要以 application/octet-stream 发送。", code="unsupported_media_type")
    async with services.database.read() as session:
        film = await session.get(ActivityFilm, call.target.id)
    if film is None or film.upload_name is None:
        raise NotFound("没有正在上传的文件，请重新选择文件上传。")
    received = await services.film_files.add(slug, call.body.offset, film.upload_size, _pieces(call.request))
    if received == film.upload_size:
        try:
            stored, facts = await services.film_files.finish(slug)
        except BadRequest:
            await _forget_upload(call)
            raise
        await _keep(call, film.upload_name, film.upload_size, stored, facts)
    return await _view(call)


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    waiting = bytearray()
    try:
        async for chunk in request.content.iter_any():
            waiting += chunk
            if len(waiting) >= PIECE:
                yield bytes(waiting)
                waiting.clear()
    except Exception:
        if waiting:
            yield bytes(waiting)  # what a bad line brought before it broke need not come again
        raise
    if waiting:
        yield bytes(waiting)


async def _forget_upload(call: Call[Any]) -> None:
    async with call.services.database.write() as session:
        film = await _film(call, session)
        film.upload_name, film.upload_size = None, 0


async def _keep(call: Call[Any], name: str, size: int, stored: str, facts: Film) -> None:
    """The file takes the place of the one before. Raises Conflict where that is on air."""
    services = call.services
    try:
        async with services.database.write() as session:
            film = await _film(call, session)
            _refuse_while_it_runs(film)
            before, planned = film.stored, film.planned
            film.rewind()
            film.planned = planned  # another cut of the same film keeps its hour
            film.name, film.size, film.stored = name, size, stored
            film.seconds, film.width, film.height, film.sound = facts.seconds, facts.width, facts.height, facts.sound
            film.upload_name, film.upload_size = None, 0
            session.add(_act(call, {"uploaded": name, "seconds": facts.seconds}))
    except BaseException:
        await services.film_files.remove(stored)
        raise
    if before is not None:
        await services.film_files.remove(before)


@endpoint(
    "POST",
    PATH + "/recording",
    right=Right.HOST,
    summary="Make the recording of an activity that the account reaches the film of this one",
    body=FromRecording,
    answer=FilmView,
)
async def take_recording(call: Call[FromRecording]) -> FilmView:
    services = call.services
    other = await services.directory.find(call.body.activity)
    require_reach(call.staff, other.unit_ids)
    async with services.database.read() as session:
        row = await session.get(Recording, other.id)
        title = await session.scalar(select(Activity.title).where(Activity.id == other.id))
    if row is None or row.state != "ready" or row.path is None:
        raise NotFound("这个活动没有整理好的录像。")
    path = services.settings.data_dir / row.path
    stored, facts = await services.film_files.take(call.target.slug, path)
    await _keep(call, f"{title}（录像）"[:255], services.film_files.size(stored), stored, facts)
    return await _view(call)


@endpoint("PUT", PATH, right=Right.HOST, summary="定时播出: plan it, or no longer", body=Plan, answer=FilmView)
async def plan(call: Call[Plan]) -> FilmView:
    services, wanted = call.services, call.body
    async with services.database.write() as session:
        film = await _film(call, session)
        activity = await get_activity(session, call.target.slug)
        if wanted.ends_activity is not None:
            film.ends_activity = wanted.ends_activity
        if wanted.planned is not None and wanted.planned != film.planned:
            _refuse_while_it_runs(film)
            if wanted.planned:
                _require_film(film, activity)
                if activity.starts_at is None or activity.starts_at <= services.now():
                    raise Conflict("活动的开始时间没有填写，或者已经过去，请先改好时间。", code="no_hour")
            film.rewind()
            film.planned, film.account_id = wanted.planned, call.staff.account_id
            session.add(_act(call, {"planned": wanted.planned}))
    await services.films.look()
    return await _view(call)


def _require_film(film: ActivityFilm, activity: Activity) -> None:
    if film.stored is None:
        raise NotFound("还没有影片，请先上传。")
    if activity.state == "ended":
        raise Conflict("活动已经结束，请先重新开始。", code="ended")


@endpoint("POST", PATH + "/play", right=Right.HOST, summary="Broadcast it now, from its beginning", answer=FilmView)
async def play(call: Call[None]) -> FilmView:
    services = call.services
    async with services.database.write() as session:
        film = await _film(call, session)
        _require_film(film, await get_activity(session, call.target.slug))
        _refuse_while_it_runs(film)
        if services.broadcasts.on_air(call.target.slug):
            raise Conflict("现在有人在推流，请先停止推流，再播出影片。", code="already_publishing")
        film.rewind()
        film.asked_at, film.account_id = services.now(), call.staff.account_id
        session.add(_act(call, {"asked": film.name}))
    await services.films.look()
    return await _view(call)


@endpoint("POST", PATH + "/stop", right=Right.HOST, summary="Take it off the air", answer=FilmView)
async def stop(call: Call[None]) -> FilmView:
    services = call.services
    async with services.database.write() as session:
        film = await _film(call, session)
        if film.outcome is not None or (film.began_at is None and film.asked_at is None and not film.planned):
            raise Conflict("影片没有在播出。", code="not_playing")
        film.planned, film.asked_at, film.outcome = False, None, Phase.STOPPED
        session.add(_act(call, {"over": Phase.STOPPED.value, "name": film.name}))
    await services.films.look()
    return await _view(call)


@endpoint("DELETE", PATH, right=Right.HOST, summary="Delete the film, and what came of an upload", status=204)
async def remove(call: Call[None]) -> web.Response:
    services, slug = call.services, call.target.slug
    async with services.database.write() as session:
        film = await session.get(ActivityFilm, call.target.id)
        if film is None:
            raise NotFound("还没有影片。")
        _refuse_while_it_runs(film)
        stored = film.stored
        if stored is not None:
            session.add(_act(call, {"removed": film.name}))
        await session.delete(film)
    await services.films.look()
    services.film_files.forget(slug)
    if stored is not None:
        await services.film_files.remove(stored)
    return web.Response(status=204)


def _act(call: Call[Any], detail: dict[str, object]) -> Act:
    return Act(
        at=call.services.now(),
        account_id=call.staff.account_id,
        activity_id=call.target.id,
        act="film",
        detail=detail,
    )
