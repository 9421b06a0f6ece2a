"""How the people of an activity are chosen: settings, invitations, closing, and the draw."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.errors import BadRequest, Conflict, NotFound
from server.programme import draw
from server.programme.deadlines import Form
from server.programme.places import HOLDING, Category, PlaceState, quota_problems
from server.selection_notices import notice_versions, says
from server.store.journal import RECEIPT_ALPHABET
from server.store.places import Invitation, Registration, Selection
from server.store.tables import Act, Activity

MOST_INVITATIONS = 200


async def find_selection(session: AsyncSession, activity_id: int, *, lock: bool = False) -> Selection:
    """The activity's selection. Raises NotFound where none was set up."""
    selection = await session.get(Selection, activity_id, with_for_update=lock or None)
    if selection is None:
        raise NotFound("这个活动没有开放报名。")
    return selection


async def set_up(
    session: AsyncSession,
    principal: Principal,
    activity: Activity,
    *,
    mode: str,
    opens_at: datetime,
    closes_at: datetime,
    quotas: Mapping[Category, int],
    requirements: str,
    public_source: str,
    revision: int,
    now: datetime,
) -> Selection:
    """Set up or change how people are chosen; `revision` is the one that was seen, 0 for none.

    Raises BadRequest (`bad_form`, `bad_times`, `bad_quota`), Conflict (`stale`, `bad_quota`, `closed`).
    """
    if activity.form not in (Form.IN_PERSON.value, Form.HYBRID.value):
        raise BadRequest("只有现场参与或线上线下结合的活动可以报名，请先修改活动形式。", code="bad_form")
    if closes_at <= opens_at:
        raise BadRequest("报名截止时间需要晚于开始时间。", code="bad_times", field="closes_at")
    if activity.starts_at is not None and closes_at > activity.starts_at:
        raise BadRequest("报名需要在活动开始之前截止。", code="bad_times", field="closes_at")
    wanted = {category.value: places for category, places in quotas.items() if places}
    if not wanted:
        raise BadRequest("请至少给一类人员设名额。", code="bad_quota", field="quotas")
    selection = await session.get(Selection, activity.id, with_for_update=True)
    if (selection.revision if selection else 0) != revision:
        raise Conflict("别人刚刚修改了报名设置，请刷新后再改。", code="stale")
    if selection is not None and selection.roster is not None:
        raise Conflict("报名已经截止，名单已公布，不能再改设置。", code="closed")
    if problems := quota_problems(wanted, await holding(session, activity.id)):
        raise Conflict("；".join(problems) + "。", code="bad_quota")
    if selection is None:
        selection = Selection(activity_id=activity.id, seed=draw.new_seed(), registered=0)
        session.add(selection)
    activity.open_selection = mode == "open"
    selection.mode, selection.opens_at, selection.closes_at = mode, opens_at, closes_at
    selection.quotas, selection.requirements = wanted, requirements
    selection.public_source, selection.revision = public_source, revision + 1
    _log(session, principal, activity, "selection", now, mode=mode, quotas=wanted)
    await session.flush()
    return selection


async def holding(session: AsyncSession, activity_id: int) -> dict[str, int]:
    """How many hold a place, by category."""
    rows = await session.execute(
        select(Registration.category, func.count())
        .where(Registration.activity_id == activity_id, Registration.state.in_([*HOLDING]))
        .group_by(Registration.category)
    )
    return dict(rows.all())


def invitation_digest(code: str) -> str:
    """What is kept of an invitation code, from how somebody typed it."""
    return sha256(code.strip().upper().replace("-", "").encode()).hexdigest()


async def invite(
    session: AsyncSession, principal: Principal, activity: Activity, category: Category, count: int, now: datetime
) -> list[str]:
    """Make invitation codes; they are told this once. Raises NotFound, Conflict where the mode is another one."""
    selection = await find_selection(session, activity.id)
    if selection.mode != "invited":
        raise Conflict("公开遴选不用邀请码；要定向邀请，请先修改遴选方式。", code="bad_mode")
    if category.value not in selection.quotas:
        raise BadRequest("这一类没有名额。", code="bad_category", field="category")
    made = await session.scalar(
        select(func.count()).select_from(Invitation).where(Invitation.activity_id == activity.id)
    )
    if (made or 0) + count > MOST_INVITATIONS:
        raise Conflict(f"一个活动最多{MOST_INVITATIONS}个邀请码。", code="too_many")
    codes = ["".join(secrets.choice(RECEIPT_ALPHABET) for _ in range(8)) for _ in range(count)]
    session.add_all(
        Invitation(digest=invitation_digest(code), activity_id=activity.id, category=category.value, made_at=now)
        for code in codes
    )
    _log(session, principal, activity, "invite", now, category=category.value, count=count)
    await session.flush()
    return [f"{code[:4]}-{code[4:]}" for code in codes]


async def close(session: AsyncSession, principal: Principal, activity: Activity, now: datetime) -> Selection:
    """Close registration and fix the list that the draw is made from.

    Raises NotFound, Conflict (`closed`, `still_open`, `not_announced` where what holds is not what was announced).
    """
    selection = await find_selection(session, activity.id, lock=True)
    if selection.roster is not None:
        raise Conflict("报名名单已经公布。", code="closed")
    if now < selection.closes_at:
        raise Conflict("还没有到报名截止时间。", code="still_open")
    told = await notice_versions(session, activity.id)
    if not told or not says(told[0], activity, selection):
        raise Conflict("报名设置与已发布的遴选公告不一致，请先发布更正。", code="not_announced")
    entries = await _drawable(session, activity.id, {PlaceState.APPLIED})
    selection.roster, selection.closed_at = draw.roster(entries, await _free_quotas(session, selection)), now
    _log(session, principal, activity, "selection-close", now, sha256=draw.text_sha256(selection.roster))
    await session.flush()
    return selection


async def make_draw(
    session: AsyncSession, principal: Principal, activity: Activity, public_value: str, now: datetime
) -> Selection:
    """Draw from the closed list: those within the quota are selected, the others wait in the order of the draw.

    Raises NotFound, BadRequest (`bad_value`), Conflict (`still_open`, `drawn`).
    """
    selection = await find_selection(session, activity.id, lock=True)
    if selection.roster is None:
        raise Conflict("请先截止报名并公布名单。", code="still_open")
    if selection.record is not None:
        raise Conflict("已经抽取过，结果不能重来。", code="drawn")
    entries, quotas = read_roster(selection.roster)
    try:
        record = draw.draw(
            entries,
            quotas,
            selection.seed,
            public_source=selection.public_source if public_value else "",
            public_value=public_value,
        )
    except draw.DrawError as error:
        raise BadRequest(f"{error}。", code="bad_value", field="public_value") from None
    if selection.public_source and not public_value:
        raise BadRequest("遴选公告写明了公共随机值来源，请填写它的数值。", code="bad_value", field="public_value")
    rows = {str(row.number): row for row in await _registrations(session, activity.id)}
    gone: dict[str, int] = {}
    for drawn in record.tickets:
        row = rows[drawn.number]
        if row.state != PlaceState.APPLIED.value:  # withdrawn since: the next one gets the place
            gone[row.category] = gone.get(row.category, 0) + drawn.selected
            continue
        row.state = (PlaceState.SELECTED if drawn.selected else PlaceState.WAITING).value
        row.rank, row.changed_at = drawn.rank, now
    selection.record, selection.drawn_at = record.as_dict(), now
    await session.flush()
    for category, places in gone.items():
        for _ in range(places):
            await move_up(session, activity.id, category, now)
    _log(session, principal, activity, "draw", now, sha256=record.roster_sha256)
    await session.flush()
    return selection


async def move_up(session: AsyncSession, activity_id: int, category: str, now: datetime) -> Registration | None:
    """A place became free: the first of the category's waiting list gets it. None where nobody waits."""
    heir = await session.scalar(
        select(Registration)
        .where(
            Registration.activity_id == activity_id,
            Registration.category == category,
            Registration.state == PlaceState.WAITING.value,
        )
        .order_by(Registration.rank, Registration.id)
        .limit(1)
        .with_for_update()
    )
    if heir is not None:
        heir.state, heir.changed_at = PlaceState.SELECTED.value, now
        await session.flush()
    return heir


def read_roster(text: str) -> tuple[list[draw.Registration], dict[str, int]]:
    """The registrations and the quotas of a published list."""
    entries, quotas = [], {}
    for line in text.splitlines():
        kind, category, value = line.split("\t")
        if kind == "名额":
            quotas[category] = int(value)
        else:
            entries.append(draw.Registration(value, category))
    return entries, quotas


async def _drawable(session: AsyncSession, activity_id: int, states: set[PlaceState]) -> list[draw.Registration]:
    return [
        draw.Registration(str(row.number), Category(row.category).text)
        for row in await _registrations(session, activity_id)
        if PlaceState(row.state) in states
    ]


async def _free_quotas(session: AsyncSession, selection: Selection) -> dict[str, int]:
    """The places that are left to draw, by the category's name: those given by hand are taken."""
    held = await holding(session, selection.activity_id)
    return {Category(category).text: places - held.get(category, 0) for category, places in selection.quotas.items()}


async def _registrations(session: AsyncSession, activity_id: int) -> Sequence[Registration]:
    query = select(Registration).where(Registration.activity_id == activity_id).order_by(Registration.number)
    return (await session.scalars(query)).all()


async def next_number(session: AsyncSession, activity_id: int) -> int:
    """The next registration's number; the row is locked until the transaction ends."""
    number = await session.scalar(
        update(Selection)
        .where(Selection.activity_id == activity_id)
        .values(registered=Selection.registered + 1)
        .returning(Selection.registered)
        .execution_options(synchronize_session=False)
    )
    if number is None:
        raise NotFound("这个活动没有开放报名。")
    return int(number)


def _log(
    session: AsyncSession, principal: Principal, activity: Activity, act: str, now: datetime, **detail: object
) -> None:
    session.add(Act(at=now, account_id=principal.account_id, activity_id=activity.id, act=act, detail=detail))
