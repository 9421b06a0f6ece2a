"""Authors ask for what was published to be deleted; the unit does so, or says why not."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from feedback.text import clean
from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.outcomes_views import ReceiptView
from server.programme.calendar import beijing_date
from server.receipts import find_receipt
from server.removals import ask, refuse, remove, waiting_removals
from server.store.removals import ASKED, Removal

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]


class RemovalRequest(BaseModel):
    """The author's request: the code is the proof; `note` is for the unit."""

    model_config = ConfigDict(extra="forbid")
    receipt: str = Field(min_length=1, max_length=40)
    note: Words = Field("", max_length=500)


class RemovalView(BaseModel):
    """What an author asked, and what became of it."""

    id: int
    entry: int
    text: str
    """What was published; empty once it is deleted."""
    state: Literal["asked", "done", "refused"]
    note: str
    asked_at: datetime
    due: date
    late: bool
    decided_at: datetime | None
    reason: str
    version: int | None

    @classmethod
    def of(cls, removal: Removal, today: date) -> "RemovalView":
        return cls(
            id=removal.id,
            entry=removal.entry_id,
            text=removal.entry.text,
            state=removal.state,
            note=removal.note,
            asked_at=removal.asked_at,
            due=removal.due,
            late=removal.state == ASKED and removal.due < today,
            decided_at=removal.decided_at,
            reason=removal.reason,
            version=removal.version,
        )


class RemovalList(BaseModel):
    """Those that wait first."""

    removals: list[RemovalView]


class RemovalAct(BaseModel):
    """`remove` deletes, with `reply` also what the unit wrote about it; `refuse` needs a reason for the author."""

    model_config = ConfigDict(extra="forbid")
    act: Literal["remove", "refuse"]
    reply: bool = False
    reason: Words = Field("", max_length=1000)


class RemovalAnswer(BaseModel):
    """One after the act."""

    removal: RemovalView


@endpoint(
    "POST",
    "/api/v1/receipts/removal",
    right=Right.PUBLIC,
    summary="Ask the unit to delete from the published versions what one wrote; the code is the proof",
    body=RemovalRequest,
    answer=ReceiptView,
    status=202,
)
async def ask_removal(call: Call[RemovalRequest]) -> ReceiptView:
    services = call.services
    await services.lookups.take(call.address)
    async with services.database.write() as session:
        await ask(session, call.body.receipt, call.body.note, services.now())
        return await find_receipt(session, call.body.receipt)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/removals",
    right=Right.HOST,
    summary="What authors asked to be deleted from the published versions",
    answer=RemovalList,
)
async def list_removals(call: Call[None]) -> RemovalList:
    async with call.services.database.read() as session:
        found = await waiting_removals(session, call.target.id)
    return RemovalList(removals=[_view(call, row) for row in found])


@endpoint(
    "POST",
    "/api/v1/removals/{id:[0-9]{1,15}}",
    right=Right.DECIDE,
    summary="Delete it from every version and publish a corrected one, or say why not",
    body=RemovalAct,
    answer=RemovalAnswer,
)
async def answer_removal(call: Call[RemovalAct]) -> RemovalAnswer:
    services, number, now = call.services, int(call.request.match_info["id"]), call.services.now()
    if call.body.act == "refuse":
        async with services.database.write() as session:
            refused = await refuse(session, call.staff, number, call.body.reason, now)
        return RemovalAnswer(removal=_view(call, refused))
    async with services.database.write() as session:
        publication, changed = await remove(session, call.staff, number, reply=call.body.reply, now=now)
        removal = await session.get_one(Removal, number)
    services.hub.withdrawn(*changed)
    await services.hub.published(publication.activity_id, publication.version)
    services.subscriptions.wake()
    return RemovalAnswer(removal=_view(call, removal))


def _view(call: Call[Any], removal: Removal) -> RemovalView:
    return RemovalView.of(removal, beijing_date(call.services.now()))
