"""转推: where else a broadcast goes. Keys come in and never go out again."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from server.auth.rights import Right
from server.errors import Conflict, NotFound
from server.http.endpoint import Call, endpoint
from server.restreams import MOST, without_key
from server.store.restreams import Restream
from server.store.tables import Act


class RestreamView(BaseModel):
    """An address without its key, and what its process does: `off`, `waiting`, `connecting`, `on-air`, `retrying`."""

    id: int
    name: str
    address: str
    state: str
    seconds: float
    tries: int
    error: str | None


class RestreamList(BaseModel):
    """All of an activity."""

    restreams: list[RestreamView]


class NewRestream(BaseModel):
    """An address with its key."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=40)
    url: str = Field(min_length=1, max_length=500)


PATH = "/api/v1/activities/{activity}/restreams"


@endpoint("GET", PATH, right=Right.HOST, summary="Where else the broadcast goes, without keys", answer=RestreamList)
async def show(call: Call[None]) -> RestreamList:
    return await _list(call)


async def _list(call: Call[Any]) -> RestreamList:
    services = call.services
    async with services.database.read() as session:
        query = select(Restream).where(Restream.activity_id == call.target.id).order_by(Restream.id)
        rows = list(await session.scalars(query))
    return RestreamList(
        restreams=[
            RestreamView(id=row.id, name=row.name, address=row.shown, **services.restreams.state_of(row.id))
            for row in rows
        ]
    )


@endpoint(
    "POST", PATH, right=Right.HOST, summary="Push to another address", body=NewRestream, answer=RestreamList, status=201
)
async def add(call: Call[NewRestream]) -> RestreamList:
    services, new = call.services, call.body
    shown = without_key(new.url)
    async with services.database.write() as session:
        number = await session.scalar(select(func.count()).where(Restream.activity_id == call.target.id))
        if (number or 0) >= MOST:
            raise Conflict(f"一场活动最多转推到 {MOST} 个地址。", code="too_many")
        session.add(
            Restream(
                activity_id=call.target.id,
                name=new.name,
                shown=shown,
                sealed=services.restreams.seal(new.url),
                added_at=services.now(),
                account_id=call.staff.account_id,
            )
        )
        session.add(_act(call, {"added": new.name, "address": shown}))
    await _apply(call)
    return await _list(call)


@endpoint("DELETE", PATH + "/{id:[0-9]{1,9}}", right=Right.HOST, summary="Push there no longer", status=204)
async def remove(call: Call[None]) -> web.Response:
    async with call.services.database.write() as session:
        row = await session.get(Restream, int(call.request.match_info["id"]))
        if row is None or row.activity_id != call.target.id:
            raise NotFound("没有这个转推地址。")
        await session.delete(row)
        session.add(_act(call, {"removed": row.name, "address": row.shown}))
    await _apply(call)
    return web.Response(status=204)


async def _apply(call: Call[Any]) -> None:
    if call.services.packagers.folder_of(call.target.slug) is not None:
        await call.services.restreams.on_air(call.target.slug)


def _act(call: Call[Any], detail: dict[str, object]) -> Act:
    return Act(
        at=call.services.now(),
        account_id=call.staff.account_id,
        activity_id=call.target.id,
        act="restream",
        detail=detail,
    )
