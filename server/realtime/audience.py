"""The namespace `/audience`: what citizens send is checked here, once, and acknowledged when it is on disk."""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from logging import getLogger
from typing import Any

import socketio
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from socketio.exceptions import ConnectionRefusedError as Refused
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from feedback.states import Kind
from feedback.text import ANONYMOUS, clean, is_blank
from server.activities import Directory, Known
from server.errors import BadRequest, Conflict, NotFound, ServiceError, Unavailable
from server.identity import Code, Identities, Phone
from server.merging import head_of
from server.moderation_rules import Rules
from server.realtime.acknowledgement import acknowledge
from server.realtime.challenge import Solution
from server.realtime.channels import AUDIENCE, room
from server.realtime.delivery import Delivery
from server.realtime.greetings import Greetings
from server.realtime.hub import broadcast_news
from server.realtime.limits import network_of, range_of
from server.realtime.pace import Pace
from server.realtime.presence import Presence
from server.scoring import Scoring
from server.store.database import Database
from server.store.entries import (
    COMMENT,
    PUBLIC_COMMENT_STATES,
    PUBLIC_QUESTION_STATES,
    QUESTION,
)
from server.store.journal import Journal, NewEntry, NewVote
from server.store.tables import Entry

log = getLogger(__name__)

LONGEST_TEXT = 1000
LONGEST_NICKNAME = 20


class _Payload(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Hello(_Payload):
    """What a client says when it connects."""

    activity: str = Field(min_length=1, max_length=32)
    device: str = Field(min_length=8, max_length=128)
    last: int | None = Field(None, ge=0, lt=2**53)
    counted: bool = True
    """False for a page that nobody watches by itself, such as the one that an encoder lays over the picture."""


class Speech(_Payload):
    """A comment or a question."""

    key: str = Field(min_length=1, max_length=64)
    text: str  # as long as the message may be: who wrote too much is told so
    nickname: str | None = Field(None, max_length=200)


class Ballot(_Payload):
    """A vote for a question, or with `on` false its withdrawal."""

    question: int = Field(ge=1, lt=2**53)
    on: bool = True


class Resume(_Payload):
    """The last id that a client has."""

    last: int = Field(ge=0, lt=2**53)


def device_digest(key: bytes, device: str) -> str:
    """What is kept of a device: a keyed digest of 128 bits. The client's own string is never stored."""
    return blake2b(device.encode(errors="replace"), key=key[:64], digest_size=16).hexdigest()


class AudienceNamespace(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio carries no types
    """Citizens of all activities; each socket is in the room of one."""

    def __init__(
        self,
        *,
        key: bytes,
        database: Database,
        directory: Directory,
        journal: Journal,
        scoring: Scoring,
        delivery: Delivery,
        greetings: Greetings,
        presence: Presence,
        rules: Rules,
        identities: Identities,
        pace: Pace,
        on_air: Callable[[str], bool],
        address_of: Callable[[dict[str, Any]], str],
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(AUDIENCE)
        self._key = key
        self._database = database
        self._directory = directory
        self._journal = journal
        self._scoring = scoring
        self._delivery = delivery
        self._greetings = greetings
        self._presence = presence
        self._rules = rules
        self._identities = identities
        self._on_air = on_air
        self._address_of = address_of
        self._now = now
        self._pace = pace

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        """Join the activity's room and get what is there."""
        try:
            hello = Hello.model_validate(auth)
            activity = await self._directory.find(hello.activity)
        except ValidationError:
            raise Refused("bad_request") from None
        except NotFound:
            raise Refused("not_found") from None
        except (SQLAlchemyError, OSError):
            raise Refused("unavailable") from None
        device = device_digest(self._key, f"{hello.device}")
        await self.save_session(
            sid,
            {
                "slug": activity.slug,
                "activity_id": activity.id,
                "device": device,
                "address": network_of(self._address_of(environ)),
                "range": device_digest(self._key, f"range {range_of(self._address_of(environ))}"),
                "counted": hello.counted,
            },
        )
        # In the room before the look at the database: what comes in between arrives twice rather than never.
        await self.enter_room(sid, room(activity.id))
        if hello.counted:
            self._presence.arrived(activity.id, device, live=activity.state == "live")
        await self._greet(sid, activity, hello.last)

    async def _greet(self, sid: str, activity: Known, last: int | None) -> None:
        await self.emit("broadcast", broadcast_news(activity, on_air=self._on_air(activity.slug)), to=sid)
        await self.emit("presence", {"watching": self._presence.watching(activity.id)}, to=sid)
        try:
            await self._greetings.greet(sid, activity.id, last)
        except (SQLAlchemyError, OSError) as error:
            log.error("audience: no history for a newcomer of %s: %s", activity.slug, error)

    async def on_disconnect(self, sid: str, reason: object = None) -> None:
        """One socket of a device less."""
        del reason
        session = await self.get_session(sid)
        if session.get("counted"):
            self._presence.left(session["activity_id"], session["device"])

    async def on_comment(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """评论."""
        return await acknowledge(self._speak(sid, COMMENT, data))

    async def on_question(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """提问."""
        return await acknowledge(self._speak(sid, QUESTION, data))

    async def on_suggestion(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """建议: a comment that its author wants to be considered."""
        return await acknowledge(self._speak(sid, COMMENT, data, proposed=True))

    async def on_vote(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """附议: one device, one vote."""
        return await acknowledge(self._vote(sid, data))

    async def on_prove(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """The solution of a challenge."""
        return await acknowledge(self._prove(sid, data))

    async def on_phone(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """A phone to which a code is to be sent."""
        return await acknowledge(self._phone(sid, data))

    async def on_code(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """The code of the text message."""
        return await acknowledge(self._code(sid, data))

    async def on_resume(self, sid: str, data: object = None, *_rest: object) -> dict[str, Any]:
        """What was missed since an id."""
        return await acknowledge(self._resume(sid, data))

    async def _speak(self, sid: str, kind: str, data: object, *, proposed: bool = False) -> dict[str, Any]:
        speech = Speech.model_validate(data)
        text, nickname = clean(speech.text), clean(speech.nickname or "")[:LONGEST_NICKNAME] or ANONYMOUS
        if is_blank(text):
            raise BadRequest("请先写点内容。", code="empty")
        if len(text) > LONGEST_TEXT:
            raise BadRequest(f"内容最多{LONGEST_TEXT}个字，现在有{len(text)}个字。", code="too_long")
        session = await self.get_session(sid)
        activity = await self._directory.find(session["slug"])
        key = clean(speech.key)
        try:
            await self._admit(session, activity)
            await self._identities.require(activity, session["device"])
            admitted = self._rules.admit(activity, Kind(kind), session["device"], text, nickname)
            turn = await self._pace.slow(activity, session["device"])
        except ServiceError:
            # A key that is stored already gets its first acknowledgement again, whatever has happened since.
            known = await self._known(activity.id, session["device"], key)
            if known is None:
                raise
            return known
        entry = NewEntry(
            activity_id=activity.id,
            kind=kind,
            device=session["device"],
            key=key,
            nickname=nickname,
            text=text,
            state=admitted.state.value,
            at=self._now(),
            flags=admitted.flags,
            proposed=proposed,
        )
        try:
            stored = await self._journal.add(entry)
        except Unavailable:
            await self._pace.give_back(turn)
            raise
        if stored.fresh:
            self._delivery.arrived(stored.id, public=stored.state in PUBLIC_COMMENT_STATES)
            self._scoring.wake()
        return {"id": stored.id, "receipt": stored.receipt, "state": stored.state}

    async def _admit(self, session: dict[str, Any], activity: Known) -> None:
        if activity.state != "live":
            words = "活动还没有开始" if activity.state == "scheduled" else "活动已经结束"
            raise Conflict(f"{words}，现在不能留言。", code="not_live")
        self._rules.require_voice(activity.id, session["device"], session["range"])
        device, address = session["device"], session["address"]
        await self._rules.heard(device, session["range"])
        await self._pace.admit(activity, device, address)

    async def _prove(self, sid: str, data: object) -> dict[str, Any]:
        solution = Solution.model_validate(data)
        session = await self.get_session(sid)
        await self._pace.prove(session["device"], session["address"], solution)
        return {}

    async def _phone(self, sid: str, data: object) -> dict[str, Any]:
        phone = Phone.model_validate(data)
        session = await self.get_session(sid)
        activity = await self._directory.find(session["slug"])
        self._rules.require_voice(activity.id, session["device"], session["range"])
        await self._identities.send(activity, session["device"], session["address"], phone.phone)
        return {}

    async def _code(self, sid: str, data: object) -> dict[str, Any]:
        code = Code.model_validate(data)
        session = await self.get_session(sid)
        await self._pace.address_speech.take(session["address"])
        await self._pace.device_votes.take(session["device"])
        activity = await self._directory.find(session["slug"])
        await self._identities.prove(activity, session["device"], code.code)
        return {}

    async def _known(self, activity_id: int, device: str, key: str) -> dict[str, Any] | None:
        async with self._database.read() as database:
            entry = await database.scalar(
                select(Entry).where(Entry.activity_id == activity_id, Entry.device == device, Entry.key == key)
            )
        return None if entry is None else {"id": entry.id, "receipt": entry.receipt, "state": entry.state}

    async def _vote(self, sid: str, data: object) -> dict[str, Any]:
        ballot = Ballot.model_validate(data)
        session = await self.get_session(sid)
        self._rules.require_voice(session["activity_id"], session["device"], session["range"])
        activity = await self._directory.find(session["slug"])
        await self._pace.vote(activity, session["device"], session["address"])
        async with self._database.read() as database:
            entry = await database.get(Entry, ballot.question)
            entry = await head_of(database, entry) if entry is not None else None
        if (
            entry is None
            or entry.activity_id != session["activity_id"]
            or entry.kind != QUESTION
            or entry.state not in PUBLIC_QUESTION_STATES
        ):
            raise NotFound("这个提问已经不在列表中。")
        if activity.state != "live":
            raise Conflict("活动不在直播中，现在不能附议。", code="not_live")
        votes = await self._journal.vote(NewVote(entry.id, session["device"], ballot.on))
        self._delivery.changed(entry.id)
        return {"id": entry.id, "votes": votes, "state": entry.state}

    async def _resume(self, sid: str, data: object) -> dict[str, Any]:
        resume = Resume.model_validate(data)
        session = await self.get_session(sid)
        greeting = await self._greetings.find(session["activity_id"], resume.last)
        return greeting.missed
