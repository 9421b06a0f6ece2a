"""Importing a year's plan on the desk: read and compared first, and imported when that very reading is confirmed."""

import hashlib
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from server.auth.rights import Right
from server.errors import Conflict
from server.http.endpoint import Call, endpoint
from server.http.received_file import received_file
from server.plan_import import LARGEST, Reading, apply, decode, read
from server.programme.plan import Remark
from server.programme_views import ChangeView, change_view


class PlanQuery(BaseModel):
    """`confirm`: the digest of the reading that was seen; without it nothing is changed."""

    model_config = ConfigDict(extra="forbid")
    confirm: str | None = Field(None, pattern="^[0-9a-f]{64}$")


class RemarkView(BaseModel):
    """A place in the text: its line from 1, 0 for the whole."""

    line: int
    text: str
    why: str


class PlanChangeView(BaseModel):
    """What the import does to one activity; an absent one stays as it is."""

    slug: str
    effect: Literal["new", "changed", "absent"]
    inferred: bool
    """Units were paired by their order alone; those of an activity that is there are kept."""
    fields: list[ChangeView]


class PlanReading(BaseModel):
    """A plan as read, beside what is stored."""

    title: str
    document_number: str
    year: int | None
    first: date | None
    last: date | None
    activities: int
    units: int
    unread: list[RemarkView]
    """Not clear, and not imported."""
    doubts: list[RemarkView]
    """Imported; to be looked at."""
    changes: list[PlanChangeView]
    digest: str
    """Of this reading: what is confirmed with it is what was seen."""
    imported: list[str] | None
    """The slugs that were changed, None where nothing was confirmed."""


@endpoint(
    "POST",
    "/api/v1/plan",
    right=Right.COORDINATE,
    summary="Read a plan's text (the body), and import it where this reading is confirmed",
    query=PlanQuery,
    answer=PlanReading,
    largest=LARGEST,
)
async def import_plan(call: Call[PlanQuery]) -> PlanReading:
    services, confirmed = call.services, call.body.confirm
    text = decode(await received_file(call.request, LARGEST, "不像方案的文本"))
    if confirmed is None:
        async with services.database.read() as session:
            return _view(await read(session, text), None)
    async with services.database.write() as session:
        reading = await read(session, text)
        if _digest(reading) != confirmed:
            raise Conflict("方案或活动在您查看之后有了变化，请重新核对。", code="stale")
        done = await apply(session, reading, now=services.now(), account_id=call.staff.account_id)
    for slug in done:
        services.directory.forget(slug)
    return _view(reading, list(done))


def _digest(reading: Reading) -> str:
    # All of it, not the shortened words for people.
    return hashlib.sha256(repr(reading).encode()).hexdigest()


def _view(reading: Reading, imported: list[str] | None) -> PlanReading:
    plan = reading.plan
    return PlanReading(
        title=plan.title or "",
        document_number=plan.document_number or "",
        year=reading.year,
        first=plan.first,
        last=plan.last,
        activities=len(plan.activities),
        units=len(plan.units),
        unread=_remarks(plan.unread),
        doubts=_remarks(plan.doubts),
        changes=[
            PlanChangeView(
                slug=change.slug,
                effect=change.effect.value,
                inferred=change.inferred,
                fields=[change_view(field) for field in change.fields],
            )
            for change in reading.changes
        ],
        digest=_digest(reading),
        imported=imported,
    )


def _remarks(remarks: tuple[Remark, ...]) -> list[RemarkView]:
    return [RemarkView(line=remark.line, text=remark.text, why=remark.why) for remark in remarks]
