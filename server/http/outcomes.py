"""Suggestions, decisions, the published outcomes, receipts, and the documents made of them."""

import asyncio
import json
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision
from feedback.digest import FORMATS
from feedback.text import clean
from server.activities import get_activity
from server.adoption_report import collect_record, write_record
from server.auth.rights import Principal, Right
from server.digests import collect, write_apart
from server.followup import needs_release
from server.http.endpoint import Call, endpoint
from server.outcomes import content_digest, decide, draft
from server.outcomes_views import LedgerView, OutcomesView, ReceiptView, SuggestionView
from server.publishing import Window, prepare, publish, serve
from server.receipts import find_receipt
from server.store.outcomes import ReleaseRequest
from server.store.tables import Act, Activity

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]


class Release(BaseModel):
    """复核: whether a second person has to release, and who put what forward, with which 更正说明."""

    required: bool
    note: str
    requested_by: str | None
    requested_at: datetime | None
    current: bool
    """Whether what was put forward is what would be published now."""
    own: bool
    """Whether the account itself put it forward."""
    sha256: str | None
    """Of what was put forward."""
    returned_by: str | None
    """Who gave it back to be changed (退回修改), and in `remark` what is to be changed."""
    remark: str


class SuggestionList(BaseModel):
    """What a unit works on, and what still stands in the way of publishing."""

    suggestions: list[SuggestionView]
    ledger: LedgerView
    problems: list[str]
    release: Release


class DecisionChange(BaseModel):
    """A decision on a suggestion; `revision` is the one that was seen."""

    model_config = ConfigDict(extra="forbid")
    decision: Decision
    reason: str = Field("", max_length=4000)
    transferred_to: str | None = Field(None, max_length=32)
    revision: int = Field(ge=1)


class SuggestionAnswer(BaseModel):
    """A suggestion after a decision."""

    suggestion: SuggestionView


class NewVersion(BaseModel):
    """`note` (更正说明) says why there is a new version; where a second person releases, it was put forward with it."""

    model_config = ConfigDict(extra="forbid")
    note: Words = Field("", max_length=500)


class VersionQuery(BaseModel):
    """Which version (the newest), and which part of its lists (whole): `limit` items from `questions` and `suggestions`
    on, or the first pages up to the one that holds `question` (by its id) or `suggestion` (by its number); of
    suggestions only those under `topic`.
    """

    model_config = ConfigDict(extra="forbid")
    version: int | None = Field(None, ge=1, lt=2**31)
    limit: int | None = Field(None, ge=1, le=500)
    questions: int = Field(0, ge=0, lt=2**31)
    suggestions: int = Field(0, ge=0, lt=2**31)
    question: int | None = Field(None, ge=1, lt=2**53)
    suggestion: int | None = Field(None, ge=1, lt=2**31)
    topic: str | None = Field(None, max_length=20)


class ReceiptQuery(BaseModel):
    """A receipt code as its owner typed it."""

    model_config = ConfigDict(extra="forbid")
    receipt: str = Field(min_length=1, max_length=40)


class DigestQuery(BaseModel):
    """Which form."""

    model_config = ConfigDict(extra="forbid")
    format: Literal["docx", "pdf", "xlsx", "csv", "json"]


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/suggestions",
    right=Right.HOST,
    summary="Suggestions with their decisions",
    answer=SuggestionList,
)
async def list_suggestions(call: Call[None]) -> SuggestionList:
    async with call.services.database.read() as session:
        activity = await get_activity(session, call.target.slug)
        work = await draft(session, activity)
        return SuggestionList(
            suggestions=[SuggestionView.of(item) for item in work.suggestions],
            ledger=LedgerView.model_validate(work.ledger, from_attributes=True),
            problems=work.problems,
            release=await _release(session, call.staff, activity, ready=not work.problems),
        )


async def _release(session: AsyncSession, principal: Principal, activity: Activity, *, ready: bool) -> Release:
    request = await session.get(ReleaseRequest, activity.id)
    current = False
    if request is not None and ready and request.returned_by is None:
        _, content = await prepare(session, activity, request.note)
        current = content_digest(content) == request.sha256
    return Release(
        required=needs_release(activity),
        note=request.note if request else "",
        requested_by=request.account.name if request else None,
        requested_at=request.at if request else None,
        current=current,
        own=request is not None and request.account_id == principal.account_id,
        sha256=request.sha256 if request else None,
        returned_by=request.returner.name if request and request.returner else None,
        remark=request.remark if request else "",
    )


@endpoint(
    "PUT",
    "/api/v1/suggestions/{id:[0-9]{1,15}}/decision",
    right=Right.DECIDE,
    summary="Decide on a suggestion",
    body=DecisionChange,
    answer=SuggestionAnswer,
)
async def set_decision(call: Call[DecisionChange]) -> SuggestionAnswer:
    change = call.body
    async with call.services.database.write() as session:
        view = await decide(
            session,
            call.staff,
            int(call.request.match_info["id"]),
            decision=change.decision,
            reason=change.reason,
            transferred_to=change.transferred_to,
            revision=change.revision,
            now=call.services.now(),
        )
    return SuggestionAnswer(suggestion=view)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/outcomes",
    right=Right.DECIDE,
    summary="Publish the outcomes as a new version",
    body=NewVersion,
    answer=OutcomesView,
    status=201,
)
async def publish_outcomes(call: Call[NewVersion]) -> web.Response:
    note = call.body.note
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        publication = await publish(session, call.staff, activity, call.services.now(), note)
        content = await serve(session, activity)
    await call.services.hub.published(call.target.id, publication.version)
    call.services.subscriptions.wake()
    return web.json_response(text=_json(content), status=201, headers={"Cache-Control": "no-store"})


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/outcomes",
    right=Right.PUBLIC,
    summary="A published version of the outcomes, the newest by default, whole by default",
    query=VersionQuery,
    answer=OutcomesView,
)
async def show_outcomes(call: Call[VersionQuery]) -> web.Response:
    wanted = call.body
    window = None
    if wanted.limit is not None:
        window = Window(**wanted.model_dump(exclude={"version"}))
    async with call.services.database.read() as session:
        activity = await get_activity(session, call.target.slug)
        content = await serve(session, activity, wanted.version, window)
    # Public data: any site may read it from a page of its own.
    headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
    return web.json_response(text=_json(content), headers=headers)


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@endpoint(
    "POST",
    "/api/v1/receipts",
    right=Right.PUBLIC,
    summary="What became of an entry; the code travels in the body, so that no log keeps it",
    body=ReceiptQuery,
    answer=ReceiptView,
)
async def look_up_receipt(call: Call[ReceiptQuery]) -> ReceiptView:
    services = call.services
    await services.lookups.take(call.address)
    async with services.database.read() as session:
        return await find_receipt(session, call.body.receipt)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/digest",
    right=Right.HOST,
    summary="The digest as a document",
    query=DigestQuery,
)
async def download_digest(call: Call[DigestQuery]) -> web.Response:
    services, slug, name = call.services, call.target.slug, call.body.format
    async with services.database.read() as session:
        digest = await collect(session, await get_activity(session, slug), services.now())
    content = await write_apart(digest, name)
    await _log_download(call, "digest", name)
    return _file(content, f"{slug}-digest", f"{digest.activity.title}活动摘要", name)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/adoption-report",
    right=Right.HOST,
    summary="The newest published outcomes as a document (采纳情况反馈)",
    query=DigestQuery,
)
async def download_adoption_report(call: Call[DigestQuery]) -> web.Response:
    services, slug, name = call.services, call.target.slug, call.body.format
    async with services.database.read() as session:
        record = await collect_record(session, await get_activity(session, slug))
    content = await asyncio.to_thread(write_record, record, name)
    await _log_download(call, "adoption-report", name)
    return _file(content, f"{slug}-adoption-{record.version}", f"{record.title}采纳情况反馈", name)


async def _log_download(call: Call[Any], what: str, form: str) -> None:
    async with call.services.database.write() as session:
        session.add(
            Act(
                at=call.services.now(),
                account_id=call.staff.account_id,
                activity_id=call.target.id,
                act="download",
                detail={"what": what, "format": form},
            )
        )


def _file(content: bytes, name: str, title: str, form: str) -> web.Response:
    known = FORMATS[form]
    shown = quote(f"{title}.{known.extension}")
    return web.Response(
        body=content,
        headers={
            "Content-Type": known.media_type,
            "Content-Disposition": f"attachment; filename=\"{name}.{known.extension}\"; filename*=UTF-8''{shown}",
            "Cache-Control": "no-store",
        },
    )
