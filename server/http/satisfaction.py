"""How satisfied people were: told by a device, and the numbers."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from server.activities import get_activity
from server.auth.rights import Right
from server.errors import BadRequest
from server.http.endpoint import Call, endpoint
from server.programme.places import Satisfaction, read_ticket, satisfied_share
from server.realtime.audience import device_digest
from server.satisfaction import asked, opinion_of, tell
from server.store.tables import Activity


class SatisfactionInput(BaseModel):
    """The answer of one device; `device` is the random string that the client keeps, `ticket` that of who came."""

    model_config = ConfigDict(extra="forbid")
    device: str = Field(min_length=8, max_length=128)
    level: Satisfaction
    ticket: str = Field("", max_length=120)


class TallyView(BaseModel):
    """How many answered what; `share` is 满意率, null where nobody answered."""

    answers: int
    share: float | None
    tally: dict[Satisfaction, int]

    @classmethod
    def of(cls, tally: Mapping[Satisfaction, int]) -> "TallyView":
        return cls(
            answers=sum(tally.values()),
            share=satisfied_share(tally),
            tally={level: tally.get(level, 0) for level in Satisfaction},
        )


class SatisfactionView(TallyView):
    """All answers, then of those who came and of those who watched; `asked`: whether answers are taken now."""

    asked: bool
    present: TallyView
    online: TallyView


@endpoint(
    "PUT",
    "/api/v1/activities/{activity}/satisfaction",
    right=Right.PUBLIC,
    summary="How satisfied one device was; the last answer counts",
    body=SatisfactionInput,
    answer=SatisfactionView,
)
async def answer_satisfaction(call: Call[SatisfactionInput]) -> SatisfactionView:
    services = call.services
    await services.registering.take(call.address)
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        device = device_digest(services.key, call.body.device)
        number = None
        if call.body.ticket:
            number = read_ticket(services.key, activity.slug, call.body.ticket)
            if number is None:
                raise BadRequest("不是本活动的入场码。", code="bad_ticket", field="ticket")
        await tell(session, activity, device, call.body.level, services.now(), ticket=number)
        return await _satisfaction(session, activity, services.now())


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/satisfaction",
    right=Right.PUBLIC,
    summary="How many answered what",
    answer=SatisfactionView,
)
async def show_satisfaction(call: Call[None]) -> SatisfactionView:
    async with call.services.database.read() as session:
        return await _satisfaction(session, await get_activity(session, call.target.slug), call.services.now())


async def _satisfaction(session: AsyncSession, activity: Activity, now: datetime) -> SatisfactionView:
    opinion = await opinion_of(session, activity.id)
    return SatisfactionView(
        **TallyView.of(opinion.all).model_dump(),
        asked=asked(activity, now),
        present=TallyView.of(opinion.present),
        online=TallyView.of(opinion.online),
    )
