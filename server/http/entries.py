"""Entries for staff: pages of them, and the acts of moderation."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from server.act_log import PAGE, ActView, acts_of
from server.auth.rights import Right
from server.commands import Command
from server.http.endpoint import Call, endpoint
from server.moderation import moderate
from server.protocol import EntryView
from server.store.entries import handovers_of, staff_page, suggestion_ids


class EntryQuery(BaseModel):
    """Which entries."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["comment", "question"] | None = None
    state: str | None = Field(None, max_length=16)
    q: str | None = Field(None, max_length=100)
    sentiment: Literal["positive", "negative", "uncertain", "unscored"] | None = None
    """As a host corrected it, else as the model says."""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    public: bool = False
    """Only what everybody sees."""
    before: int | None = Field(None, ge=1, lt=2**53)
    limit: int = Field(100, ge=1, le=500)


class EntryPage(BaseModel):
    """Entries, newest first; `next` is the `before` of the next page, null at the end."""

    entries: list[EntryView]
    next: int | None


class EntryAnswer(BaseModel):
    """An entry after an act, and the ids of those that a ban hid along with it."""

    entry: EntryView
    swept: list[int] = []


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/entries",
    right=Right.HOST,
    summary="Entries of an activity with their scores",
    query=EntryQuery,
    answer=EntryPage,
)
async def list_entries(call: Call[EntryQuery]) -> EntryPage:
    query = call.body
    async with call.services.database.read() as session:
        entries = await staff_page(
            session,
            call.target.id,
            kind=query.kind,
            state=query.state,
            text=query.q,
            sentiment=query.sentiment,
            since=query.since,
            until=query.until,
            public=query.public,
            before=query.before,
            limit=query.limit,
        )
        ids = [entry.id for entry in entries]
        suggestions, handed = await suggestion_ids(session, ids), await handovers_of(session, ids)
    return EntryPage(
        entries=[EntryView.of(entry, suggestions.get(entry.id), handover=handed.get(entry.id)) for entry in entries],
        next=entries[-1].id if len(entries) == query.limit else None,
    )


@endpoint(
    "POST",
    "/api/v1/entries/{id:[0-9]{1,15}}/acts",
    right=Right.HOST,
    summary="Moderate a comment or a question",
    body=Command,
    answer=EntryAnswer,
)
async def act(call: Call[Any]) -> EntryAnswer:
    services = call.services
    entry_id = int(call.request.match_info["id"])
    result = await moderate(
        services.database, call.staff, entry_id, call.body, services.now(), network_of=services.rules.network_of
    )
    await services.hub.moderated(result)
    return EntryAnswer(
        entry=EntryView.of(result.entry, result.suggestion, handover=result.handover), swept=list(result.swept)
    )


class ActsQuery(BaseModel):
    """Which lines of the log."""

    model_config = ConfigDict(extra="forbid")
    before: int | None = Field(None, ge=1, lt=2**53)


class ActPage(BaseModel):
    """Lines of the log, newest first; `next` is the `before` of the next page, null at the end."""

    acts: list[ActView]
    next: int | None


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/acts",
    right=Right.HOST,
    summary="The log of what was done with entries: who, when, what and why",
    query=ActsQuery,
    answer=ActPage,
)
async def list_acts(call: Call[ActsQuery]) -> ActPage:
    async with call.services.database.read() as session:
        acts = await acts_of(session, call.target.id, call.body.before)
    return ActPage(acts=acts, next=acts[-1].id if len(acts) == PAGE else None)
