"""Activities: the public list and page, editing, starting and ending, and the desk."""

from datetime import datetime
from typing import Annotated, Literal, cast

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import select

from feedback.text import clean
from server.activities import (
    check_times,
    find_units,
    get_activity,
    outcomes_versions,
)
from server.auth.publishing import publish_token
from server.auth.rights import Right
from server.errors import BadRequest, Conflict, Forbidden
from server.filings import file_if_due, times_of
from server.http.endpoint import Call, endpoint
from server.listing import list_activities, summary_fields
from server.materials import materials_version
from server.notices import announced
from server.protocol import (
    ActivityView,
    ChallengeMode,
    Form,
    IdentityMode,
    Kind,
    Mode,
    SummaryView,
    UnitView,
)
from server.services import Services
from server.store.tables import Act, Activity, Unit

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]


_MAY_BE_UNSET = {"form", "starts_at", "ends_at", "promise_days", "topic"}


class ActivityList(BaseModel):
    """Activities in the plan's order."""

    activities: list[SummaryView]


class UnitList(BaseModel):
    """All units."""

    units: list[UnitView]


class ActivityChange(BaseModel):
    """Any of an activity's facts; what is absent stays. `reason` goes with a change of time that has to be filed.

    `units` is for coordinators: the plan's pairing of points and units is partly inferred.
    """

    model_config = ConfigDict(extra="forbid")
    title: Words | None = Field(None, min_length=1, max_length=200)
    summary: Words | None = Field(None, max_length=5000)
    form: Form | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    place: Words | None = Field(None, max_length=200)
    flow: Words | None = Field(None, max_length=5000)
    participation: Words | None = Field(None, max_length=2000)
    kind: Kind | None = None
    topic: Words | None = Field(None, max_length=100)
    leader: Words | None = Field(None, max_length=200)
    attended: Words | None = Field(None, max_length=200)
    moderation: Mode | None = None
    promise_days: int | None = Field(None, ge=1, le=60)
    slow_seconds: int | None = Field(None, ge=0, le=600)
    challenge: ChallengeMode | None = None
    identity: IdentityMode | None = None
    units: list[str] | None = Field(None, min_length=1, max_length=10)
    reason: Words = Field("", max_length=500)


class StateChange(BaseModel):
    """Start or end."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["live", "ended"]


class PublishToken(BaseModel):
    """What an encoder needs."""

    token: str
    whip_url: str


async def activity_view(services: Services, slug: str) -> ActivityView:
    """The `Activity` object of the protocol."""
    async with services.database.read() as session:
        activity = await get_activity(session, slug)
        versions = await outcomes_versions(session)
        told = await announced(session, [activity.id])
        materials = await materials_version(session, activity.id)
    notice = told.get(activity.id)
    return _view(services, activity, versions.get(activity.id, 0), notice.version if notice else 0, materials)


def _view(
    services: Services, activity: Activity, version: int, notice_version: int, materials_version: int
) -> ActivityView:
    return ActivityView(
        **summary_fields(activity, on_air=services.broadcasts.on_air(activity.slug), outcomes_version=version),
        summary=activity.summary,
        flow=activity.flow,
        participation=activity.participation,
        leader=activity.leader,
        attended=activity.attended,
        live_started_at=activity.live_started_at,
        live_ended_at=activity.live_ended_at,
        watching=services.presence.watching(activity.id),
        notice_version=notice_version,
        materials_version=materials_version,
        moderation=cast("Mode", activity.moderation),
        promise_days=activity.promise_days,
        slow_seconds=activity.slow_seconds,
        challenge=cast("ChallengeMode", activity.challenge),
        identity=cast("IdentityMode", activity.identity),
    )


@endpoint("GET", "/api/v1/activities", right=Right.PUBLIC, summary="All activities", answer=ActivityList)
async def list_all(call: Call[None]) -> ActivityList:
    services = call.services
    async with services.database.read() as session:
        activities = await list_activities(session)
        versions = await outcomes_versions(session)
    return ActivityList(
        activities=[
            SummaryView(
                **summary_fields(
                    activity,
                    on_air=services.broadcasts.on_air(activity.slug),
                    outcomes_version=versions.get(activity.id, 0),
                )
            )
            for activity in activities
        ]
    )


@endpoint("GET", "/api/v1/activities/{activity}", right=Right.PUBLIC, summary="One activity", answer=ActivityView)
async def show(call: Call[None]) -> ActivityView:
    return await activity_view(call.services, call.target.slug)


@endpoint("GET", "/api/v1/units", right=Right.SIGNED_IN, summary="All units", answer=UnitList)
async def list_units(call: Call[None]) -> UnitList:
    async with call.services.database.read() as session:
        units = await session.scalars(select(Unit).order_by(Unit.id))
        return UnitList(units=[UnitView.of(unit) for unit in units])


@endpoint(
    "PATCH",
    "/api/v1/activities/{activity}",
    right=Right.EDIT,
    summary="Change an activity's facts",
    body=ActivityChange,
    answer=ActivityView,
)
async def change(call: Call[ActivityChange]) -> ActivityView:
    services, fields = call.services, call.body.model_dump(exclude_unset=True, exclude={"reason", "units"})
    if missing := next((name for name, value in fields.items() if value is None and name not in _MAY_BE_UNSET), None):
        raise BadRequest(f"请检查 {missing}：没有填写。")
    if fields.get("identity") == "phone" and not services.gateway.configured:
        raise Conflict("还没有配置短信网关，不能要求验证手机号。请联系管理员。", code="no_gateway")
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        times, before = times_of(activity), {name: _jsonable(getattr(activity, name)) for name in fields}
        planned = activity.plan_year is not None
        if planned and {"kind", "topic"} & fields.keys() and not call.staff.may(Right.COORDINATE):
            raise Forbidden("方案里的活动，类型和专题由区级统筹调整。")
        for name, value in fields.items():
            setattr(activity, name, value)
        check_times(activity.starts_at, activity.ends_at)
        after = {name: _jsonable(value) for name, value in fields.items()}
        if call.body.units is not None:
            if not call.staff.may(Right.COORDINATE):
                raise Forbidden("主办单位由区级统筹调整，请联系区级统筹。")
            before["units"] = [unit.id for unit in activity.units]
            activity.units = await find_units(session, call.body.units)
            after["units"] = [unit.id for unit in activity.units]
        session.add(
            Act(
                at=services.now(),
                account_id=call.staff.account_id,
                activity_id=activity.id,
                act="edit",
                detail={"from": before, "to": after},
            )
        )
        await file_if_due(session, call.staff, activity, times, reason=call.body.reason, now=services.now())
    services.directory.forget(call.target.slug)
    if {"slow_seconds", "identity", "moderation", "challenge"} & fields.keys():
        await services.hub.announce(call.target.slug)
    return await activity_view(services, call.target.slug)


def _jsonable(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/state",
    right=Right.HOST,
    summary="Start or end an activity",
    body=StateChange,
    answer=ActivityView,
)
async def set_state(call: Call[StateChange]) -> ActivityView:
    slug = call.target.slug
    await call.services.stage.set_state(slug, call.body.state, account_id=call.staff.account_id)
    return await activity_view(call.services, slug)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/publish-token",
    right=Right.HOST,
    summary="What an encoder needs to publish",
    answer=PublishToken,
)
async def show_publish_token(call: Call[None]) -> PublishToken:
    services, slug = call.services, call.target.slug
    scheme = "https" if services.authenticator.secure(call.request) else "http"
    return PublishToken(token=publish_token(services.key, slug), whip_url=f"{scheme}://{call.request.host}/whip/{slug}")
