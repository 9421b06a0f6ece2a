"""After a decision: how far it has come, release by a second person, and what another unit is asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import seals
from feedback.changes import Change, changes
from feedback.decisions import Progress
from feedback.states import State
from feedback.text import clean
from server.activities import require_reach
from server.auth.rights import Principal, Right
from server.errors import BadRequest, Conflict, Forbidden, NotFound
from server.outcomes_views import SuggestionView
from server.store.entries import get_entry
from server.store.outcomes import Handover, Publication, ReleaseRequest, Suggestion, SuggestionUpdate
from server.store.tables import Act, Activity, ActivityUnit, Unit


async def add_update(
    session: AsyncSession, principal: Principal, suggestion_id: int, progress: Progress, text: str, now: datetime
) -> SuggestionView:
    """Tell how far a decided suggestion has come. The unit that it was handed to may as well as the activity's own.

    Raises NotFound, Forbidden, BadRequest without words, Conflict (`undecided`).
    """
    suggestion = await session.get(Suggestion, suggestion_id)
    if suggestion is None:
        raise NotFound("没有找到这条意见建议。")
    activity = await session.get_one(Activity, suggestion.activity_id)
    if principal.unit_id is None or principal.unit_id != suggestion.transferred_to:
        require_reach(principal, frozenset(unit.id for unit in activity.units))
    if suggestion.decision is None:
        raise Conflict("先作出决定，再填写落实情况。", code="undecided")
    words = clean(text)
    if not words:
        raise BadRequest("请填写落实情况。", code="empty", field="text")
    update = SuggestionUpdate(
        suggestion_id=suggestion.id,
        at=now,
        account_id=principal.account_id,
        unit_id=principal.unit_id,
        progress=progress.value,
        text=words,
    )
    session.add(update)
    session.add(_line(principal, suggestion.activity_id, suggestion.entry_id, "progress", now, to=progress.value))
    await session.flush()
    await session.refresh(suggestion, ["updates"])
    return SuggestionView.of(suggestion)


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of the outcomes, and what it changed in the one before."""

    version: int
    published_at: datetime
    sha256: str
    note: str
    """更正说明, in the unit's words."""
    removed: int
    """How many items of it were shortened later, at an author's request."""
    verifiable: bool
    """Whether its digest can still be computed (feedback.seals)."""
    changes: Sequence[Change]


_NOTHING: dict[str, object] = {"suggestions": [], "questions": [], "numbers": {}}


async def versions(session: AsyncSession, activity_id: int, *, from_nothing: bool = False) -> list[Version]:
    """All published versions, the newest first. *from_nothing*: the first one changed everything that it says."""
    rows = (
        await session.scalars(
            select(Publication).where(Publication.activity_id == activity_id).order_by(Publication.version)
        )
    ).all()
    told = [
        Version(
            row.version,
            row.published_at,
            row.sha256,
            str(row.content.get("note", "")),
            seals.shortened(row.content, row.published_at),
            seals.verifiable(row.content),
            changes(before.content, row.content)
            if before
            else changes(_NOTHING | {"numbers": row.content["numbers"]}, row.content)
            if from_nothing
            else (),
        )
        for before, row in zip([None, *rows], rows, strict=False)
    ]
    return told[::-1]


# 复核


def needs_release(activity: Activity) -> bool:
    """Whether a second person releases what this activity publishes: where one of its units wants it so."""
    return any(unit.four_eyes for unit in activity.units)


async def note_put_forward(session: AsyncSession, activity: Activity) -> str:
    """The 更正说明 of what waits to be released; empty where nothing waits."""
    request = await session.get(ReleaseRequest, activity.id)
    return request.note if request else ""


async def request_release(
    session: AsyncSession, principal: Principal, activity: Activity, sha256: str, note: str, now: datetime
) -> None:
    """Put content forward for another person to release, in place of what was put forward before."""
    request = await session.get(ReleaseRequest, activity.id)
    if request is None:
        session.add(
            ReleaseRequest(activity_id=activity.id, sha256=sha256, account_id=principal.account_id, at=now, note=note)
        )
    else:
        request.sha256, request.account_id, request.at, request.note = sha256, principal.account_id, now, note
        request.returned_by, request.remark = None, ""
    session.add(_line(principal, activity.id, None, "release-request", now, sha256=sha256))
    await session.flush()


async def return_release(
    session: AsyncSession, principal: Principal, activity: Activity, sha256: str, remark: str, now: datetime
) -> None:
    """Give back what was put forward, with what is to be changed. Raises Conflict where this content does not wait."""
    request = await session.get(ReleaseRequest, activity.id)
    if request is None or request.returned_by is not None or request.sha256 != sha256:
        raise Conflict("没有等待复核的内容，或者内容已经改动，请刷新后再看。", code="stale")
    if request.account_id == principal.account_id:
        raise Conflict("这是您自己提交的，需要修改时直接修改后再提交即可。", code="own_request")
    request.returned_by, request.remark = principal.account_id, remark
    session.add(_line(principal, activity.id, None, "release-return", now, sha256=sha256, remark=remark))


async def require_release(session: AsyncSession, principal: Principal, activity: Activity, sha256: str) -> None:
    """Raise Conflict (`needs_release`) unless this very content was put forward, and by somebody else."""
    if not needs_release(activity):
        return
    request = await session.get(ReleaseRequest, activity.id)
    if request is None or request.returned_by is not None or request.sha256 != sha256:
        raise Conflict("本单位的公布需要复核：请先提交，由另一位同事复核后公布。", code="needs_release")
    if request.account_id == principal.account_id:
        raise Conflict("提交复核的人不能自己公布，请另一位同事复核。", code="needs_release")
    await session.delete(request)


# 转办


class HandoverState(StrEnum):
    """Where an entry that was offered to another unit stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    REPLIED = "replied"
    RECALLED = "recalled"

    @property
    def text(self) -> str:
        return {
            HandoverState.OFFERED: "待接收",
            HandoverState.ACCEPTED: "办理中",
            HandoverState.RETURNED: "已退回",
            HandoverState.REPLIED: "已回复",
            HandoverState.RECALLED: "已收回",
        }[self]


class HandoverAct(StrEnum):
    """What the receiving unit does (ACCEPT, RETURN, REPLY), or the one that offered (RECALL)."""

    ACCEPT = "accept"
    RETURN = "return"
    REPLY = "reply"
    RECALL = "recall"


_STEPS = {
    (HandoverState.OFFERED, HandoverAct.ACCEPT): HandoverState.ACCEPTED,
    (HandoverState.OFFERED, HandoverAct.RETURN): HandoverState.RETURNED,
    (HandoverState.OFFERED, HandoverAct.RECALL): HandoverState.RECALLED,
    (HandoverState.ACCEPTED, HandoverAct.RETURN): HandoverState.RETURNED,
    (HandoverState.ACCEPTED, HandoverAct.REPLY): HandoverState.REPLIED,
    (HandoverState.ACCEPTED, HandoverAct.RECALL): HandoverState.RECALLED,
    (HandoverState.REPLIED, HandoverAct.REPLY): HandoverState.REPLIED,  # a correction
}
WAITING = (HandoverState.OFFERED, HandoverState.ACCEPTED)
"""The states in which a reply is still to come."""


def step(state: HandoverState, act: HandoverAct) -> HandoverState:
    """The state after an act. Raises Conflict (`illegal_transition`)."""
    try:
        return _STEPS[state, act]
    except KeyError:
        raise Conflict(f"这件转办{state.text}，不能这样操作。", code="illegal_transition") from None


async def hand_over(
    session: AsyncSession,
    principal: Principal,
    entry_id: int,
    unit_id: str,
    *,
    due: date | None,
    note: str,
    today: date,
    now: datetime,
) -> Handover:
    """Offer an entry to another unit, with a day by which a reply is asked for.

    Raises NotFound, Forbidden, BadRequest (`bad_unit`, `bad_due`), Conflict where a unit is at it already.
    """
    entry = await get_entry(session, entry_id)
    activity = await session.get_one(Activity, entry.activity_id)
    require_reach(principal, frozenset(unit.id for unit in activity.units))
    if State(entry.state) in {State.HIDDEN, State.MERGED, State.WITHDRAWN}:
        raise Conflict("已隐藏、已合并或已撤回的内容不能转办。", code="illegal_transition")
    if await session.get(Unit, unit_id) is None or unit_id in {unit.id for unit in activity.units}:
        raise BadRequest("请选择主办单位以外的单位。", code="bad_unit", field="unit")
    if due is not None and due < today:
        raise BadRequest("办理期限不能早于今天。", code="bad_due", field="due")
    waiting = await session.scalar(
        select(Handover)
        .where(Handover.entry_id == entry.id, Handover.state.in_([state.value for state in WAITING]))
        .limit(1)
    )
    if waiting is not None:
        raise Conflict(f"这条已转给{waiting.unit.name}，收回以后才能转给其他单位。", code="handed_over")
    handover = Handover(
        entry_id=entry.id,
        activity_id=activity.id,
        unit_id=unit_id,
        due=due,
        note=clean(note),
        state=HandoverState.OFFERED.value,
        offered_at=now,
        offered_by=principal.account_id,
        changed_at=now,
        changed_by=principal.account_id,
    )
    session.add(handover)
    session.add(_line(principal, activity.id, entry.id, "hand-over", now, to=unit_id, due=due and due.isoformat()))
    await session.flush()
    await session.refresh(handover, ["unit", "entry", "activity"])
    return handover


async def handle(
    session: AsyncSession, principal: Principal, handover_id: int, act: HandoverAct, words: str, now: datetime
) -> Handover:
    """Accept, return, reply or recall. Raises NotFound, Forbidden, BadRequest without needed words, Conflict."""
    handover = await session.get(Handover, handover_id, with_for_update=True)
    if handover is None:
        raise NotFound("没有找到这件转办。")
    owners = frozenset(unit.id for unit in handover.activity.units)
    if not principal.reaches(owners if act is HandoverAct.RECALL else frozenset({handover.unit_id})):
        raise Forbidden("这件转办由其他单位办理，您没有权限。")
    text = clean(words)
    if act in (HandoverAct.RETURN, HandoverAct.REPLY) and not text:
        raise BadRequest("请填写内容。", code="empty", field="words")
    before = handover.state
    handover.state = step(HandoverState(before), act).value
    handover.words = text or handover.words
    handover.changed_at, handover.changed_by = now, principal.account_id
    session.add(
        _line(principal, handover.activity_id, handover.entry_id, f"hand-over-{act.value}", now, to=handover.state)
    )
    await session.flush()
    return handover


async def list_handovers(session: AsyncSession, principal: Principal) -> Sequence[Handover]:
    """Those that the account's unit received or offered, the newest first; all for a coordinator."""
    query = select(Handover).order_by(Handover.id.desc()).limit(500)
    if not principal.may(Right.COORDINATE):
        own = select(ActivityUnit.activity_id).where(ActivityUnit.unit_id == principal.unit_id)
        query = query.where(or_(Handover.unit_id == principal.unit_id, Handover.activity_id.in_(own)))
    return (await session.scalars(query)).unique().all()


def _line(
    principal: Principal, activity_id: int, entry_id: int | None, act: str, now: datetime, **detail: object
) -> Act:
    return Act(
        at=now, account_id=principal.account_id, activity_id=activity_id, entry_id=entry_id, act=act, detail=detail
    )
