"""The programme: activities that units add, the deadlines day by day, the history."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from feedback.text import clean
from server.activities import add_activity, get_activity, siblings
from server.auth.rights import Right
from server.deadlines import timetable_of
from server.filings import times_of
from server.history import history_of
from server.holidays import working_calendar
from server.http.activities import activity_view
from server.http.endpoint import Call, endpoint
from server.programme.deadlines_text import as_dict
from server.programme.remarks import remarks
from server.programme_views import HistoryItem, TimetableView
from server.protocol import ActivityView, Form

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]


class NewActivity(BaseModel):
    """An activity of a unit's own, beside the plan. Staff holds it, and names the other units that do."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["open-day", "lecture"]
    title: Words = Field(min_length=1, max_length=200)
    units: list[str] = Field(default=[], max_length=10)
    summary: Words = Field("", max_length=5000)
    form: Form | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class History(BaseModel):
    """What was done to an activity, the newest first."""

    history: list[HistoryItem]


@endpoint(
    "POST",
    "/api/v1/activities",
    right=Right.EDIT,
    summary="Add an activity beside the plan",
    body=NewActivity,
    answer=ActivityView,
    status=201,
)
async def add(call: Call[NewActivity]) -> ActivityView:
    services, new = call.services, call.body
    async with services.database.write() as session:
        activity = await add_activity(
            session,
            call.staff,
            kind=new.kind,
            title=new.title,
            unit_ids=new.units,
            summary=new.summary,
            form=new.form,
            starts_at=new.starts_at,
            ends_at=new.ends_at,
            now=services.now(),
        )
    services.directory.forget(activity.slug)
    return await activity_view(services, activity.slug)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/deadlines",
    right=Right.EDIT,
    summary="The activity's deadlines, counted day by day",
    answer=TimetableView,
)
async def show_deadlines(call: Call[None]) -> TimetableView:
    services = call.services
    async with services.database.read() as session:
        activity = await get_activity(session, call.target.slug)
        table = timetable_of(await working_calendar(session), activity)
        found = list(
            remarks(
                times_of(activity),
                services.now(),
                scheduled=activity.state == "scheduled",
                others=[(other.title, times_of(other)) for other in await siblings(session, activity)],
            )
        )
    if table is None:
        unset = {"活动形式": activity.form, "开始时间": activity.starts_at}
        missing = [name for name, value in unset.items() if value is None]
        return TimetableView(form=activity.form, first=None, last=None, deadlines=[], missing=missing, remarks=found)
    return TimetableView.model_validate({**as_dict(table), "missing": [], "remarks": found})


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/history",
    right=Right.EDIT,
    summary="Who changed what, and when",
    answer=History,
)
async def show_history(call: Call[None]) -> History:
    async with call.services.database.read() as session:
        return History(history=await history_of(session, call.target.id))
