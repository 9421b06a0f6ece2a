"""After the decisions: many at once, progress, release by a second person, versions, and what other units are asked."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import select

from feedback.decisions import Decision, Progress
from feedback.text import clean
from server.activities import get_activity
from server.auth.rights import Right
from server.errors import NotFound, ServiceError
from server.followup import (
    HandoverAct,
    HandoverState,
    add_update,
    hand_over,
    handle,
    list_handovers,
    request_release,
    return_release,
    versions,
)
from server.http.endpoint import Call, endpoint
from server.outcomes import content_digest, decide
from server.outcomes_views import SuggestionView
from server.programme.calendar import beijing_date
from server.programme_views import ChangeView
from server.protocol import UnitView
from server.publishing import prepare
from server.store.outcomes import Handover, Suggestion
from server.store.tables import Act, Unit

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]
MOST_AT_ONCE = 500


class SuggestionAnswer(BaseModel):
    """A suggestion after a change."""

    suggestion: SuggestionView


class Seen(BaseModel):
    """A suggestion, and the revision of it that was seen."""

    model_config = ConfigDict(extra="forbid")
    id: int = Field(ge=1, lt=2**53)
    revision: int = Field(ge=1)


class ManyDecisions(BaseModel):
    """One decision on many suggestions."""

    model_config = ConfigDict(extra="forbid")
    suggestions: list[Seen] = Field(min_length=1, max_length=MOST_AT_ONCE)
    decision: Decision
    reason: str = Field("", max_length=4000)
    transferred_to: str | None = Field(None, max_length=32)


class Refused(BaseModel):
    """A suggestion that was not decided, and why."""

    id: int
    message: str


class ManyDecided(BaseModel):
    """What was decided and what was not; each stands for itself."""

    decided: list[SuggestionView]
    refused: list[Refused]


class NewUpdate(BaseModel):
    """How far a suggestion has come."""

    model_config = ConfigDict(extra="forbid")
    progress: Progress
    text: Words = Field(min_length=1, max_length=2000)


class VersionView(BaseModel):
    """A published version, and what it changed in the one before.

    `note` says why there is it; `removed` items were shortened later, at an author's request.
    """

    version: int
    published_at: datetime
    sha256: str
    note: str
    removed: int
    verifiable: bool
    changes: list[ChangeView]


class VersionList(BaseModel):
    """All published versions, the newest first."""

    versions: list[VersionView]


class Forward(BaseModel):
    """What is put forward; `note` (更正说明) says why there is a new version."""

    model_config = ConfigDict(extra="forbid")
    note: Words = Field("", max_length=500)


class Return(BaseModel):
    """What a second person gives back: the content that was seen, and what is to be changed."""

    model_config = ConfigDict(extra="forbid")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    remark: Words = Field(min_length=1, max_length=500)


class ReleaseRequested(BaseModel):
    """The content that was put forward to a second person."""

    sha256: str


class UnitSettings(BaseModel):
    """A unit's own rules."""

    id: str
    name: str
    four_eyes: bool


class UnitSettingsList(BaseModel):
    """The rules of all units."""

    units: list[UnitSettings]


class UnitChange(BaseModel):
    """New rules."""

    model_config = ConfigDict(extra="forbid")
    four_eyes: bool


class NewHandover(BaseModel):
    """An entry offered to another unit; `due` is the day by which a reply is asked for."""

    model_config = ConfigDict(extra="forbid")
    unit: str = Field(min_length=1, max_length=32)
    due: date | None = None
    note: Words = Field("", max_length=500)


class HandoverChange(BaseModel):
    """What is done about it; `words` says why it is returned, or is the reply."""

    model_config = ConfigDict(extra="forbid")
    act: HandoverAct
    words: Words = Field("", max_length=4000)


class HandoverView(BaseModel):
    """An entry that another unit was asked to deal with. `received`: by the unit of who looks."""

    id: int
    entry: int
    text: str
    activity: str
    activity_title: str
    owners: list[UnitView]
    unit: UnitView
    due: date | None
    late: bool
    note: str
    state: HandoverState
    words: str
    offered_at: datetime
    changed_at: datetime
    received: bool


class HandoverList(BaseModel):
    """The newest first."""

    handovers: list[HandoverView]


class HandoverAnswer(BaseModel):
    """One after a change."""

    handover: HandoverView


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/decisions",
    right=Right.DECIDE,
    summary="One decision on many suggestions; those that cannot be decided are told",
    body=ManyDecisions,
    answer=ManyDecided,
)
async def decide_many(call: Call[ManyDecisions]) -> ManyDecided:
    change, now = call.body, call.services.now()
    done, refused = [], []
    async with call.services.database.write() as session:
        here = set(await session.scalars(select(Suggestion.id).where(Suggestion.activity_id == call.target.id)))
        for seen in change.suggestions:
            try:
                if seen.id not in here:
                    raise NotFound("没有找到这条意见建议。")
                view = await decide(
                    session,
                    call.staff,
                    seen.id,
                    decision=change.decision,
                    reason=change.reason,
                    transferred_to=change.transferred_to,
                    revision=seen.revision,
                    now=now,
                )
            except ServiceError as error:
                refused.append(Refused(id=seen.id, message=error.message))
            else:
                done.append(view)
    return ManyDecided(decided=done, refused=refused)


@endpoint(
    "POST",
    "/api/v1/suggestions/{id:[0-9]{1,15}}/updates",
    right=Right.DECIDE,
    summary="Tell how far a decided suggestion has come",
    body=NewUpdate,
    answer=SuggestionAnswer,
    status=201,
)
async def tell_progress(call: Call[NewUpdate]) -> SuggestionAnswer:
    number, now = int(call.request.match_info["id"]), call.services.now()
    async with call.services.database.write() as session:
        view = await add_update(session, call.staff, number, call.body.progress, call.body.text, now)
    return SuggestionAnswer(suggestion=view)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/outcomes/versions",
    right=Right.PUBLIC,
    summary="All published versions of the outcomes, with what each changed",
    answer=VersionList,
)
async def list_versions(call: Call[None]) -> VersionList:
    async with call.services.database.read() as session:
        found = await versions(session, call.target.id)
    return VersionList(versions=[VersionView.model_validate(version, from_attributes=True) for version in found])


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/outcomes/release",
    right=Right.DECIDE,
    summary="Put the outcomes forward for a second person to release (复核)",
    body=Forward,
    answer=ReleaseRequested,
    status=202,
)
async def put_forward(call: Call[Forward]) -> ReleaseRequested:
    note = call.body.note
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        _, content = await prepare(session, activity, note)
        digest = content_digest(content)
        await request_release(session, call.staff, activity, digest, note, call.services.now())
    return ReleaseRequested(sha256=digest)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/outcomes/release/return",
    right=Right.DECIDE,
    summary="Give back what was put forward, with what is to be changed (退回修改)",
    body=Return,
    answer=ReleaseRequested,
)
async def give_back(call: Call[Return]) -> ReleaseRequested:
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        await return_release(session, call.staff, activity, call.body.sha256, call.body.remark, call.services.now())
    return ReleaseRequested(sha256=call.body.sha256)


@endpoint(
    "GET", "/api/v1/unit-settings", right=Right.COORDINATE, summary="The units' own rules", answer=UnitSettingsList
)
async def list_unit_settings(call: Call[None]) -> UnitSettingsList:
    async with call.services.database.read() as session:
        units = await session.scalars(select(Unit).order_by(Unit.id))
        return UnitSettingsList(units=[UnitSettings.model_validate(unit, from_attributes=True) for unit in units])


@endpoint(
    "PUT",
    "/api/v1/unit-settings/{unit:[a-z0-9-]{1,32}}",
    right=Right.COORDINATE,
    summary="Whether a unit's publications are released by a second person",
    body=UnitChange,
    answer=UnitSettings,
)
async def change_unit(call: Call[UnitChange]) -> UnitSettings:
    async with call.services.database.write() as session:
        unit = await session.get(Unit, call.request.match_info["unit"])
        if unit is None:
            raise NotFound("没有这个单位。")
        unit.four_eyes = call.body.four_eyes
        detail: dict[str, object] = {"unit": unit.id, "four_eyes": unit.four_eyes}
        session.add(Act(at=call.services.now(), account_id=call.staff.account_id, act="unit-change", detail=detail))
    return UnitSettings.model_validate(unit, from_attributes=True)


@endpoint(
    "POST",
    "/api/v1/entries/{id:[0-9]{1,15}}/handovers",
    right=Right.HOST,
    summary="Offer an entry to another unit (转办)",
    body=NewHandover,
    answer=HandoverAnswer,
    status=201,
)
async def offer(call: Call[NewHandover]) -> HandoverAnswer:
    now, new = call.services.now(), call.body
    async with call.services.database.write() as session:
        handover = await hand_over(
            session,
            call.staff,
            int(call.request.match_info["id"]),
            new.unit,
            due=new.due,
            note=new.note,
            today=beijing_date(now),
            now=now,
        )
    call.services.hub.handed(handover.entry_id)
    return HandoverAnswer(handover=_handover(call, handover))


@endpoint(
    "GET",
    "/api/v1/handovers",
    right=Right.HOST,
    summary="What the unit was asked to deal with, and what it asked of others",
    answer=HandoverList,
)
async def show_handovers(call: Call[None]) -> HandoverList:
    async with call.services.database.read() as session:
        found = await list_handovers(session, call.staff)
    return HandoverList(handovers=[_handover(call, handover) for handover in found])


@endpoint(
    "POST",
    "/api/v1/handovers/{id:[0-9]{1,15}}",
    right=Right.HOST,
    summary="Accept, return, reply to, or recall what was offered",
    body=HandoverChange,
    answer=HandoverAnswer,
)
async def change_handover(call: Call[HandoverChange]) -> HandoverAnswer:
    number = int(call.request.match_info["id"])
    async with call.services.database.write() as session:
        handover = await handle(session, call.staff, number, call.body.act, call.body.words, call.services.now())
    call.services.hub.handed(handover.entry_id)
    return HandoverAnswer(handover=_handover(call, handover))


def _handover(call: Call[Any], handover: Handover) -> HandoverView:
    waiting = handover.state in (HandoverState.OFFERED, HandoverState.ACCEPTED)
    return HandoverView(
        id=handover.id,
        entry=handover.entry_id,
        text=handover.entry.text,
        activity=handover.activity.slug,
        activity_title=handover.activity.title,
        owners=[UnitView.of(unit) for unit in handover.activity.units],
        unit=UnitView.of(handover.unit),
        due=handover.due,
        late=waiting and handover.due is not None and handover.due < beijing_date(call.services.now()),
        note=handover.note,
        state=HandoverState(handover.state),
        words=handover.words,
        offered_at=handover.offered_at,
        changed_at=handover.changed_at,
        received=call.staff.unit_id == handover.unit_id,
    )
