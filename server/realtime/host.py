"""The namespace `/host`: staff sees entries with their scores, and moderates."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

import socketio
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from socketio.exceptions import ConnectionRefusedError as Refused
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from server.activities import Directory, Known, require_reach
from server.auth.rights import Principal, Right
from server.commands import ACTS, parse_command
from server.duplicates import Duplicates
from server.errors import BadRequest, Forbidden, ServiceError
from server.moderation import Moderated, NetworkOf, moderate
from server.protocol import EntryView, dump
from server.realtime.acknowledgement import acknowledge
from server.realtime.channels import HOST, room
from server.store.database import Database
from server.store.entries import COMMENT, QUESTION, handovers_of, staff_page, suggestion_ids, waiting_before
from server.store.outcomes import Handed
from server.store.tables import Entry

NEWCOMER_ENTRIES = 200

Authenticate = Callable[[dict[str, Any], str | None], Awaitable[Principal]]
"""From the connection's headers, or a token sent along, to an account; raises Unauthorized."""


class HostHello(BaseModel):
    """What a console says when it connects."""

    model_config = ConfigDict(strict=True)
    activity: str = Field(min_length=1, max_length=32)
    token: str | None = Field(None, max_length=200)


_Beside = tuple[dict[int, int], dict[int, Handed]]
"""What belongs to entries: the suggestions that they are, and to whom they were handed; by entry id."""


async def _beside(session: AsyncSession, entries: Sequence[Entry]) -> _Beside:
    ids = [entry.id for entry in entries]
    return await suggestion_ids(session, ids), await handovers_of(session, ids)


class Doing(BaseModel):
    """What a host is at: the entry for which an answer or a refusal is being written, if any."""

    model_config = ConfigDict(strict=True)
    entry: int | None = Field(None, ge=1, lt=2**53)
    form: Literal["answer", "decline"] | None = None


class History(BaseModel):
    """A page of older entries."""

    model_config = ConfigDict(strict=True)
    kind: str = Field(pattern="^(comment|question)$")
    before: int | None = Field(None, ge=1, lt=2**53)


class HostNamespace(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio carries no types
    """Staff of the activities' units; each socket is in the room of one activity."""

    def __init__(
        self,
        *,
        database: Database,
        duplicates: Duplicates,
        directory: Directory,
        authenticate: Authenticate,
        snapshot: Callable[[str], Awaitable[dict[str, Any]]],
        health: Callable[[], dict[str, str]],
        on_moderated: Callable[[Moderated], Awaitable[None]],
        network_of: NetworkOf,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(HOST)
        self._database = database
        self._duplicates = duplicates
        self._directory = directory
        self._authenticate = authenticate
        self._snapshot = snapshot
        self._health = health
        self._on_moderated = on_moderated
        self._network_of = network_of
        self._now = now
        for act in ACTS:
            setattr(self, f"on_{act}", self._handler(act))

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        """Admit staff of the activity's unit, and send what is there."""
        try:
            hello = HostHello.model_validate(auth)
            principal = await self._authenticate(environ, hello.token)
            activity = await self._directory.find(hello.activity)
            self._require(principal, activity)
        except ValidationError:
            raise Refused("bad_request") from None
        except ServiceError as error:
            raise Refused(error.code) from None
        except (SQLAlchemyError, OSError):
            raise Refused("unavailable") from None
        known = {"slug": activity.slug, "activity_id": activity.id, "name": principal.name}
        await self.save_session(sid, {"token": hello.token, **known})
        await self.enter_room(sid, room(activity.id))
        await self.emit("state", await self._snapshot(activity.slug), to=sid)
        await self.emit("health", self._health(), to=sid)
        for kind, name in ((COMMENT, "comments"), (QUESTION, "questions")):
            page = await self._page(activity.id, kind, None)
            waiting = await self._waiting(activity.id, kind, page["next"])
            await self.emit(name, waiting + list(reversed(page["entries"])), to=sid)

    async def on_doing(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """What this host is at: the others are told, nothing is kept. Said again now and then, lest they forget."""
        return await acknowledge(self._doing(sid, data))

    async def _doing(self, sid: str, data: object) -> dict[str, Any]:
        doing = Doing.model_validate(data)
        await self._tell_colleagues(sid, doing.model_dump())
        return {}

    async def on_disconnect(self, sid: str, reason: object = None) -> None:
        """One host less; the others need not wait to notice."""
        del reason
        await self._tell_colleagues(sid, None)

    async def _tell_colleagues(self, sid: str, doing: dict[str, Any] | None) -> None:
        session = await self.get_session(sid)
        if "activity_id" not in session:
            return  # refused at the door
        who = {"who": blake2b(sid.encode(), digest_size=8).hexdigest(), "name": session["name"], "doing": doing}
        await self.emit("colleague", who, room=room(session["activity_id"]), skip_sid=sid)

    async def on_history(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """Older entries."""
        return await acknowledge(self._history(sid, data))

    @staticmethod
    def _require(principal: Principal, activity: Known) -> None:
        if not principal.may(Right.HOST):
            raise Forbidden("您没有主持活动的权限。")
        require_reach(principal, activity.unit_ids)

    async def _principal(self, sid: str) -> tuple[Principal, Known]:
        """Who acts, looked up anew: a session that ended or an account disabled since then acts no more."""
        session = await self.get_session(sid)
        principal = await self._authenticate(self.server.get_environ(sid, HOST), session["token"])
        activity = await self._directory.find(session["slug"])
        self._require(principal, activity)
        return principal, activity

    async def _history(self, sid: str, data: object) -> dict[str, Any]:
        history = History.model_validate(data)
        _, activity = await self._principal(sid)
        return await self._page(activity.id, history.kind, history.before)

    async def _page(self, activity_id: int, kind: str, before: int | None) -> dict[str, Any]:
        async with self._database.read() as session:
            entries = await staff_page(session, activity_id, kind=kind, before=before, limit=NEWCOMER_ENTRIES)
            beside = await _beside(session, entries)
        return {
            "entries": await self._views(activity_id, entries, beside),
            "next": entries[-1].id if len(entries) == NEWCOMER_ENTRIES else None,
        }

    async def _waiting(self, activity_id: int, kind: str, before: int | None) -> list[dict[str, Any]]:
        """Those of before the page that still wait for a host: the longest waiting first."""
        if before is None:
            return []
        async with self._database.read() as session:
            entries = await waiting_before(session, activity_id, kind, before)
            beside = await _beside(session, entries)
        return await self._views(activity_id, entries, beside)

    async def _views(self, activity_id: int, entries: Sequence[Entry], beside: _Beside) -> list[dict[str, Any]]:
        suggestions, handed = beside
        similar = await self._duplicates.likely(activity_id, entries)
        return dump(
            EntryView.of(entry, suggestions.get(entry.id), similar.get(entry.id, ()), handed.get(entry.id))
            for entry in entries
        )

    def _handler(self, act: str) -> Callable[..., Awaitable[dict[str, Any]]]:
        async def handle(sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
            return await acknowledge(self._act(sid, act, data))

        return handle

    async def _act(self, sid: str, act: str, data: object) -> dict[str, Any]:
        if not isinstance(data, dict) or not isinstance(data.get("id"), int):
            raise BadRequest("发送的内容格式不正确。")
        entry_id = data["id"]
        command = parse_command({**{name: value for name, value in data.items() if name != "id"}, "act": act})
        principal, activity = await self._principal(sid)
        result = await moderate(
            self._database,
            principal,
            entry_id,
            command,
            self._now(),
            within=activity.id,
            network_of=self._network_of,
        )
        await self._on_moderated(result)
        view = EntryView.of(result.entry, result.suggestion, handover=result.handover)
        told: dict[str, Any] = {"entry": view.model_dump(mode="json")}
        return told | {"swept": list(result.swept)} if result.swept else told
