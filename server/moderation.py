"""What hosts do to comments and questions: one function behind the HTTP endpoint and the socket's commands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import states
from feedback.states import IllegalTransition, Kind, Reason, State
from feedback.text import clean
from server.activities import require_reach
from server.auth.rights import Principal
from server.errors import BadRequest, Conflict, NotFound
from server.merging import merge, split
from server.store.database import Database
from server.store.entries import QUESTION, get_entry
from server.store.tables import Act, Activity, Ban, Entry, Suggestion

LONGEST_ANSWER = 4000
LONGEST_MUTE = 30 * 24 * 60
"""Minutes: thirty days."""


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hide(_Command):
    """隐藏: the public no longer sees it; the reason is a code, its tally is public. Once more: for another reason."""

    act: Literal["hide"]
    reason: Reason


class Restore(_Command):
    """恢复: back to what it was before it was hidden."""

    act: Literal["restore"]


class Approve(_Command):
    """通过: the comment or question is shown."""

    act: Literal["approve"]


class Decline(_Command):
    """不予受理, with a reason that its author reads."""

    act: Literal["decline"]
    reason: str = Field(min_length=1, max_length=500)


class Answer(_Command):
    """现场已答, or 书面答复 with its text."""

    act: Literal["answer"]
    mode: Literal["live", "written"]
    text: str = Field("", max_length=LONGEST_ANSWER)


class Reopen(_Command):
    """撤销 the last approval, answer or refusal; the answer or the reason goes with it."""

    act: Literal["reopen"]


class Merge(_Command):
    """合并: it asks the same as another entry of the activity, which stands for both from now on."""

    act: Literal["merge"]
    into: int = Field(ge=1, lt=2**53)


class Split(_Command):
    """取消合并: it stands for itself again."""

    act: Literal["split"]


class Screen(_Command):
    """上屏: at most one question of an activity is on screen."""

    act: Literal["screen"]
    on: bool


class Suggest(_Command):
    """列为意见建议, or take it off that list again while it is undecided."""

    act: Literal["suggest"]
    on: bool


class Mute(_Command):
    """禁言: the device that sent this entry may not speak in its activity for a while; the reason is told to it."""

    act: Literal["ban"]
    minutes: int = Field(ge=1, le=LONGEST_MUTE)
    reason: Reason


class Unmute(_Command):
    """解除禁言 of the device that sent this entry."""

    act: Literal["unban"]


Command = Annotated[
    Hide | Restore | Approve | Decline | Answer | Reopen | Merge | Split | Screen | Suggest | Mute | Unmute,
    Field(discriminator="act"),
]
COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)
ACTS = (
    "hide",
    "restore",
    "approve",
    "decline",
    "answer",
    "reopen",
    "merge",
    "split",
    "screen",
    "suggest",
    "ban",
    "unban",
)

_STEPS = (states.Act.APPROVE.value, states.Act.ANSWER.value, states.Act.DECLINE.value)


@dataclass(frozen=True, slots=True)
class Moderated:
    """What an act changed: the entry, and others that it touched (the one that left the screen)."""

    entry: Entry
    suggestion: int | None
    touched: tuple[int, ...]


async def moderate(
    database: Database,
    principal: Principal,
    entry_id: int,
    command: Command,
    now: datetime,
    *,
    within: int | None = None,
) -> Moderated:
    """Carry out one act in one transaction, with its line in the log; `within` is the activity it must be of.

    Raises NotFound, Forbidden (another unit's activity), BadRequest, Conflict (`illegal_transition`).
    """
    async with database.write() as session:
        entry = await get_entry(session, entry_id, lock=True)
        if within is not None and entry.activity_id != within:
            raise NotFound("没有找到这条留言。")
        activity = await session.get_one(Activity, entry.activity_id)
        require_reach(principal, frozenset(unit.id for unit in activity.units))
        before = entry.state
        touched = await _apply(session, principal, entry, command, now)
        entry.changed_at = now
        session.add(
            Act(
                at=now,
                account_id=principal.account_id,
                activity_id=entry.activity_id,
                entry_id=entry.id,
                act=command.act,
                detail={**command.model_dump(mode="json", exclude={"act"}), "from": before, "to": entry.state},
            )
        )
        suggestion = await session.scalar(select(Suggestion.id).where(Suggestion.entry_id == entry.id))
    return Moderated(entry, suggestion, touched)


async def _apply(
    session: AsyncSession, principal: Principal, entry: Entry, command: Command, now: datetime
) -> tuple[int, ...]:
    match command:
        case Mute():
            await _lift(session, entry, now)  # the newest one holds
            until = now + timedelta(minutes=command.minutes)
            session.add(
                Ban(
                    activity_id=entry.activity_id,
                    device=entry.device,
                    entry_id=entry.id,
                    at=now,
                    until=until,
                    reason=command.reason.value,
                    account_id=principal.account_id,
                )
            )
            return ()
        case Unmute():
            if not await _lift(session, entry, now):
                raise Conflict("这位网友现在没有被禁言。", code="illegal_transition")
            return ()
        case Screen():
            return await _screen(session, entry, on=command.on)
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
            entry.answer_mode, entry.answer, entry.answered_at = command.mode, clean(command.text), now
        case Approve():
            entry.reason = None
        case Reopen():
            entry.answer_mode = entry.answer = entry.answered_at = entry.reason = None
            entry.on_screen = entry.on_screen and state in states.ON_SCREEN


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


async def _lift(session: AsyncSession, entry: Entry, now: datetime) -> bool:
    """End the bans that hold for the entry's device; returns whether there were any."""
    lifted = await session.scalars(
        update(Ban)
        .where(
            Ban.activity_id == entry.activity_id, Ban.device == entry.device, Ban.lifted_at.is_(None), Ban.until > now
        )
        .values(lifted_at=now)
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


def parse_command(payload: dict[str, Any]) -> Command:
    """Check a command from outside. Raises pydantic.ValidationError."""
    return COMMANDS.validate_python(payload)
