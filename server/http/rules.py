"""The rules of an activity: word lists and the bans that hold; and the author's own withdrawal."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy import select

from feedback.text import clean
from feedback.words import Severity
from server.auth.rights import Principal, Right
from server.errors import BadRequest, Conflict, Forbidden
from server.http.endpoint import Call, endpoint
from server.moderation_rules import DISTRICT, explain
from server.outcomes_views import ReceiptView
from server.receipts import find_receipt
from server.store.tables import Act, Ban, Unit, WordTable
from server.withdrawal import withdraw

MOST_WORDS = 100_000
LARGEST_LIST = 8 * 1024 * 1024
"""Bytes of a list as it is sent: 100,000 words of some length."""

Word = Annotated[
    str,
    BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value),
    StringConstraints(max_length=50),
]
Level = Literal["block", "hold", "mark"]


class WordListView(BaseModel):
    """The words of one severity; `unit` is null for the district's. `revision` 0: never written."""

    unit: str | None
    severity: Level
    words: list[str]
    revision: int
    changed_at: datetime | None
    editable: bool


class WordLists(BaseModel):
    """The lists that the account may see: the district's, and its own unit's (coordinators: all)."""

    lists: list[WordListView]


class WordListChange(BaseModel):
    """A whole list; `revision` is the one that was seen."""

    model_config = ConfigDict(extra="forbid")
    unit: str | None = Field(None, max_length=32)
    severity: Level
    words: list[Word] = Field(max_length=MOST_WORDS)
    revision: int = Field(ge=0)


class Sentence(BaseModel):
    """A sentence to try the lists on."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=1000)
    unit: str | None = Field(None, max_length=32)


class HitView(BaseModel):
    """A word found: in which list, where in the text, and how."""

    unit: str | None
    word: str
    listed: Level
    severity: Level
    how: str
    why: str
    start: int
    end: int


class Finding(BaseModel):
    """What would happen to the sentence; null where nothing was found."""

    severity: Level | None
    hits: list[HitView]


class BanView(BaseModel):
    """A ban that holds: the entry for which it was spoken, and until when."""

    entry: int
    text: str
    nickname: str
    reason: str
    at: datetime
    until: datetime
    by: str | None
    network: bool
    """Whether it is for the whole address range."""


class BanList(BaseModel):
    """The bans of an activity, the newest first."""

    bans: list[BanView]


class WithdrawalRequest(BaseModel):
    """A receipt code as its owner typed it."""

    model_config = ConfigDict(extra="forbid")
    receipt: str = Field(min_length=1, max_length=40)


def _edits(principal: Principal, unit: str | None) -> bool:
    return principal.may(Right.COORDINATE) or (unit is not None and unit == principal.unit_id)


def _sees(principal: Principal, unit: str | None) -> bool:
    return unit is None or _edits(principal, unit)


@endpoint(
    "GET", "/api/v1/word-lists", right=Right.HOST, summary="Word lists of the district and the unit", answer=WordLists
)
async def list_words(call: Call[None]) -> WordLists:
    async with call.services.database.read() as session:
        tables = {(table.scope, table.severity): table for table in await session.scalars(select(WordTable))}
    scopes = {DISTRICT, *(scope for scope, _ in tables)}
    if call.staff.unit_id is not None:
        scopes.add(call.staff.unit_id)
    units = [None if scope == DISTRICT else scope for scope in sorted(scopes)]
    return WordLists(
        lists=[
            _list_view(call.staff, unit, severity, tables.get((unit or DISTRICT, severity.value)))
            for unit in units
            if _sees(call.staff, unit)
            for severity in Severity
        ]
    )


def _list_view(principal: Principal, unit: str | None, severity: Severity, table: WordTable | None) -> WordListView:
    return WordListView(
        unit=unit,
        severity=severity.value,
        words=table.words if table else [],
        revision=table.revision if table else 0,
        changed_at=table.changed_at if table else None,
        editable=_edits(principal, unit),
    )


@endpoint(
    "PUT",
    "/api/v1/word-lists",
    right=Right.HOST,
    summary="Replace a word list: coordinators any, staff the own unit's",
    body=WordListChange,
    answer=WordListView,
    largest=LARGEST_LIST,
)
async def replace_words(call: Call[WordListChange]) -> WordListView:
    services, change = call.services, call.body
    if not _edits(call.staff, change.unit):
        raise Forbidden("区级词表由区级统筹维护，您可以修改本单位的词表。")
    severity, scope = Severity(change.severity), change.unit or DISTRICT
    words = list(dict.fromkeys(word for word in change.words if word))
    async with services.database.write() as session:
        if change.unit is not None and await session.get(Unit, change.unit) is None:
            raise BadRequest("没有这个单位。", code="bad_unit", field="unit")
        table = await session.get(WordTable, (scope, severity.value), with_for_update=True)
        if (table.revision if table else 0) != change.revision:
            raise Conflict("别人刚刚修改了这份词表，请刷新后再改。", code="stale")
        before = set(table.words) if table else set()
        if table is None:
            table = WordTable(scope=scope, severity=severity.value, revision=0)
            session.add(table)
        table.words, table.revision = words, change.revision + 1
        table.changed_at, table.account_id = services.now(), call.staff.account_id
        detail: dict[str, object] = {
            "scope": scope,
            "severity": severity.value,
            "count": len(words),
            "added": len(set(words) - before),
            "removed": len(before - set(words)),
        }
        session.add(Act(at=services.now(), account_id=call.staff.account_id, act="words", detail=detail))
    await services.rules.refresh()
    return _list_view(call.staff, change.unit, severity, table)


@endpoint(
    "POST",
    "/api/v1/word-lists/test",
    right=Right.HOST,
    summary="Try the lists on a sentence; nothing is stored",
    body=Sentence,
    answer=Finding,
)
async def try_words(call: Call[Sentence]) -> Finding:
    unit = call.body.unit or call.staff.unit_id
    if not _sees(call.staff, unit):
        raise Forbidden("您可以试用区级和本单位的词表。")
    found = call.services.rules.find(call.body.text, frozenset({unit} if unit else ()))
    severity = explain(found)
    return Finding(
        severity=severity.value if severity else None,
        hits=[
            HitView(
                unit=None if scope == DISTRICT else scope,
                word=hit.word,
                listed=hit.listed.value,
                severity=hit.severity.value,
                how=hit.how.value,
                why=hit.how.text,
                start=hit.start,
                end=hit.end,
            )
            for scope, hits in found
            for hit in hits
        ],
    )


@endpoint("GET", "/api/v1/activities/{activity}/bans", right=Right.HOST, summary="The bans that hold", answer=BanList)
async def list_bans(call: Call[None]) -> BanList:
    now = call.services.now()
    query = (
        select(Ban)
        .where(Ban.activity_id == call.target.id, Ban.lifted_at.is_(None), Ban.until > now)
        .order_by(Ban.id.desc())
    )
    async with call.services.database.read() as session:
        bans = (await session.scalars(query)).all()
    return BanList(
        bans=[
            BanView(
                entry=ban.entry_id,
                text=ban.entry.text,
                nickname=ban.entry.nickname,
                reason=ban.reason,
                at=ban.at,
                until=ban.until,
                by=ban.account.name if ban.account else None,
                network=ban.network is not None,
            )
            for ban in bans
        ]
    )


@endpoint(
    "POST",
    "/api/v1/receipts/withdraw",
    right=Right.PUBLIC,
    summary="Withdraw an entry and delete its text and name; the code is the proof",
    body=WithdrawalRequest,
    answer=ReceiptView,
)
async def withdraw_entry(call: Call[WithdrawalRequest]) -> ReceiptView:
    services = call.services
    await services.lookups.take(call.address)
    async with services.database.write() as session:
        changed = await withdraw(session, call.body.receipt, services.now())
        view = await find_receipt(session, call.body.receipt)
    services.hub.withdrawn(*changed)
    return view
