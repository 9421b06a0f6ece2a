"""What hosts do to comments and questions: one function behind the HTTP endpoint and the socket's commands."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import states
from feedback.states import IllegalTransition, Kind, State
from feedback.text import clean
from server.act_log import ActView, view_of
from server.activities import require_reach
from server.arranging import arrange
from server.auth.rights import Principal
from server.commands import (
    Answer,
    Approve,
    Command,
    Correct,
    Decline,
    Hide,
    Label,
    Lift,
    Lower,
    Merge,
    Mute,
    Note,
    Reopen,
    Restore,
    Screen,
    Split,
    Suggest,
    Unmute,
)
from server.errors import BadRequest, Conflict, NotFound
from server.merging import merge, split
from server.store.database import Database
from server.store.entries import QUESTION, get_entry, handovers_of
from server.store.outcomes import Handed, Suggestion
from server.store.tables import Act, Activity, Ban, Entry
from server.sweeping import sweep

_STEPS = (states.Act.APPROVE.value, states.Act.ANSWER.value, states.Act.DECLINE.value)


@dataclass(frozen=True, slots=True)
class Moderated:
    """What an act changed: the entry, others that it touched (the one that left the screen); its line in the log."""

    entry: Entry
    suggestion: int | None
    handover: Handed | None
    touched: tuple[int, ...]
    swept: tuple[int, ...]
    """Entries that a ban hid along with it."""
    line: ActView


NetworkOf = Callable[[str], Awaitable[str | None]]
"""From a device to the digest of the address range from which it spoke last, where that is known."""


async def unheard(_device: str) -> None:
    """Nobody knows a range."""


async def moderate(
    database: Database,
    principal: Principal,
    entry_id: int,
    command: Command,
    now: datetime,
    *,
    within: int | None = None,
    network_of: NetworkOf = unheard,
) -> Moderated:
    """Carry out one act in one transaction, with its line in the log; `within` is the activity it must be of.

    `network_of` knows the digest of the address range from which a device spoke last.
    Raises NotFound, Forbidden (another unit's activity), BadRequest, Conflict (`illegal_transition`, `stale`,
    `no_network`).
    """
    async with database.write() as session:
        if isinstance(command, (Lift, Lower, Screen)) or (isinstance(command, Mute) and command.sweep):
            # Acts on several entries of an activity come one after another, and never wait for each other crosswise.
            activity_id = (await get_entry(session, entry_id)).activity_id
            await session.get(Activity, activity_id, with_for_update=True)
        entry = await get_entry(session, entry_id, lock=True)
        if within is not None and entry.activity_id != within:
            raise NotFound("没有找到这条留言。")
        activity = await session.get_one(Activity, entry.activity_id)
        require_reach(principal, frozenset(unit.id for unit in activity.units))
        _require_seen(entry, command)
        before = entry.state
        if isinstance(command, Mute):
            await _mute(session, principal, entry, command, await network_of(entry.device), now)
        swept = await sweep(session, principal, entry, command, now)
        touched = await _apply(session, principal, entry, command, now)
        if entry.state not in states.UNDECIDED:
            entry.lifted = None
        entry.revision += 1
        entry.handled_by, entry.changed_at = principal.name, now
        act = Act(
            at=now,
            account_id=principal.account_id,
            activity_id=entry.activity_id,
            entry_id=entry.id,
            act=command.act,
            detail={**_detail(command), "from": before, "to": entry.state},
        )
        session.add(act)
        await session.flush()
        suggestion = await session.scalar(select(Suggestion.id).where(Suggestion.entry_id == entry.id))
        handover = (await handovers_of(session, [entry.id])).get(entry.id)
    return Moderated(entry, suggestion, handover, (*touched, *swept), swept, view_of(act, principal.name, entry))


def _require_seen(entry: Entry, command: Command) -> None:
    if command.revision is not None and command.revision != entry.revision:
        who = entry.handled_by or "提交的人"
        now = State(entry.state).text
        raise Conflict(f"{who}刚刚处理过这条，现在是“{now}”，您的操作没有执行。请看过以后再决定。", code="stale")


def _detail(command: Command) -> dict[str, object]:
    """What the log keeps of a command; not the words of a note, which can be taken away."""
    unkept = {"act", "revision"} | ({"text"} if isinstance(command, Note) else set())
    return command.model_dump(mode="json", exclude=unkept)


async def _apply(
    session: AsyncSession, principal: Principal, entry: Entry, command: Command, now: datetime
) -> tuple[int, ...]:
    match command:
        case Mute():
            return ()
        case Correct():
            if entry.state == State.WITHDRAWN:
                raise Conflict("本人已撤回，内容已删除。", code="illegal_transition")
            entry.corrected = command.sentiment.value if command.sentiment else None
            return ()
        case Unmute():
            if not await _lift(session, entry, now):
                raise Conflict("这位网友现在没有被禁言。", code="illegal_transition")
            return ()
        case Screen():
            return await _screen(session, entry, on=command.on)
        case Label() | Note() | Lift() | Lower():
            return await arrange(session, principal.name, entry, command, now)
        case Suggest():
            await _suggest(session, entry, on=command.on, now=now)
            return ()
        case Answer() if command.mode == "written" and not clean(command.text):
            raise BadRequest("请填写答复内容。", code="empty")
    try:
        state = states.apply(
            Kind(entry.kind),
            State(entry.state),
            states.Act(command.act),
            await _way_back(session, entry, command),
        )
    except IllegalTransition as error:
        raise Conflict(f"{error.text}。", code="illegal_transition") from error
    await _note(session, entry, command, state, now)
    match command:
        case Merge():
            entry.state_before, entry.state, entry.reason = entry.state, state.value, None
            return ((await merge(session, entry, command.into)).id,)
        case Split():
            entry.state, entry.state_before = state.value, None
            return ((await split(session, entry)).id,)
    entry.state = state.value
    return ()


async def _note(session: AsyncSession, entry: Entry, command: Command, state: State, now: datetime) -> None:
    """What belongs to the new state: reason, answer, and whether the question stays on screen."""
    match command:
        case Hide():
            if entry.state != State.HIDDEN:
                entry.state_before = entry.state
            entry.reason, entry.on_screen = command.reason.value, False
        case Restore():
            entry.state_before = None
            entry.reason = await _refusal(session, entry.id) if state is State.DECLINED else None
        case Decline():
            entry.reason, entry.on_screen = clean(command.reason), False
        case Answer():
            entry.answer_mode, entry.answer = command.mode, clean(command.text)
            entry.answered_at = await _begun(session, entry, now) if command.mode == "live" else now
        case Approve():
            entry.reason = None
        case Reopen():
            entry.answer_mode = entry.answer = entry.answered_at = entry.reason = None
            entry.on_screen = entry.on_screen and state in states.ON_SCREEN


async def _begun(session: AsyncSession, entry: Entry, now: datetime) -> datetime:
    """When an answer by word of mouth began: a question on screen is being answered since it was put there.

    A host says that it was answered when it is over; who looks it up in the recording wants to hear it from the start.
    """
    if not entry.on_screen:
        return now
    put = await session.scalar(
        select(Act).where(Act.entry_id == entry.id, Act.act == "screen").order_by(Act.id.desc()).limit(1)
    )
    return put.at if put is not None and put.detail.get("on") is True else now


async def _way_back(session: AsyncSession, entry: Entry, command: Command) -> State | None:
    if not isinstance(command, Reopen):
        return State(entry.state_before) if entry.state_before else None
    log = await session.scalars(
        select(Act).where(Act.entry_id == entry.id, Act.act.in_(_STEPS)).order_by(Act.id.desc())
    )
    steps = [(states.Act(line.act), State(str(line.detail["from"]))) for line in log]
    return states.before_step(Kind(entry.kind), State(entry.state), steps)


async def _refusal(session: AsyncSession, entry_id: int) -> str | None:
    """The reason that a declined question had before it was hidden."""
    line = await session.scalar(
        select(Act)
        .where(Act.entry_id == entry_id, Act.act == states.Act.DECLINE.value)
        .order_by(Act.id.desc())
        .limit(1)
    )
    return clean(str(line.detail["reason"])) if line is not None else None


async def _mute(
    session: AsyncSession, principal: Principal, entry: Entry, command: Mute, network: str | None, now: datetime
) -> None:
    if command.network and network is None:
        raise Conflict("已经不知道这条来自哪个网段，只能按设备禁言。", code="no_network")
    await _lift(session, entry, now)  # the newest one holds
    session.add(
        Ban(
            activity_id=entry.activity_id,
            device=entry.device,
            network=network if command.network else None,
            entry_id=entry.id,
            at=now,
            until=now + timedelta(minutes=command.minutes),
            reason=command.reason.value,
            account_id=principal.account_id,
        )
    )


async def _lift(session: AsyncSession, entry: Entry, now: datetime) -> bool:
    """End the bans that hold for the entry's device; returns whether there were any."""
    lifted = await session.scalars(
        update(Ban)
        .where(
            Ban.activity_id == entry.activity_id, Ban.device == entry.device, Ban.lifted_at.is_(None), Ban.until > now
        )
        .values(lifted_at=now, network=None)
        .returning(Ban.id)
        .execution_options(synchronize_session=False)
    )
    return bool(lifted.all())


async def _screen(session: AsyncSession, entry: Entry, *, on: bool) -> tuple[int, ...]:
    if entry.kind != QUESTION or (on and entry.state not in states.ON_SCREEN):
        raise Conflict("只有已公开的提问可以上屏。", code="illegal_transition")
    others: tuple[int, ...] = ()
    if on:
        shown = select(Entry.id).where(
            Entry.activity_id == entry.activity_id, Entry.on_screen.is_(True), Entry.id != entry.id
        )
        others = tuple((await session.scalars(shown)).all())
        if others:
            await session.execute(update(Entry).where(Entry.id.in_(others)).values(on_screen=False))
    entry.on_screen = on
    return others


async def _suggest(session: AsyncSession, entry: Entry, *, on: bool, now: datetime) -> None:
    existing = await session.scalar(select(Suggestion).where(Suggestion.entry_id == entry.id))
    if on and existing is None:
        if entry.state in {State.HIDDEN, State.MERGED, State.WITHDRAWN, State.DECLINED}:
            raise Conflict("已隐藏、已合并或未受理的留言不能列为意见建议。", code="illegal_transition")
        last = await session.scalar(
            select(func.max(Suggestion.number)).where(Suggestion.activity_id == entry.activity_id)
        )
        session.add(Suggestion(activity_id=entry.activity_id, entry_id=entry.id, number=(last or 0) + 1, marked_at=now))
        await session.flush()
    elif not on and existing is not None:
        if existing.decision is not None:
            raise Conflict("这条建议已有采纳意见，不能移出。", code="illegal_transition")
        await session.delete(existing)
        await session.flush()
