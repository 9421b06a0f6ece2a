"""Registrations of people on the spot: taken, looked up, confirmed, withdrawn, chosen, checked in, and deleted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.errors import BadRequest, Conflict, NotFound
from server.personal import Person, Seals
from server.programme.places import HOLDING, KEPT_DAYS, Category, IllegalStep, PlaceAct, PlaceState, step
from server.receipts import receipt_code
from server.selection import find_selection, holding, invitation_digest, move_up, next_number
from server.selection_notices import notice_versions
from server.store.journal import new_receipt
from server.store.places import Invitation, Registration, Selection
from server.store.tables import Act, Activity


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody sent, already checked and cleaned."""

    person: Person
    category: Category
    guardian: bool
    invitation: str


async def register(
    session: AsyncSession, seals: Seals, activity: Activity, application: Application, now: datetime
) -> Registration:
    """Take a registration.

    Raises NotFound, BadRequest (`bad_category`, `bad_invitation`), Conflict (`not_open`, `twice`).
    """
    selection = await find_selection(session, activity.id)
    invitation = await _admit(session, selection, application, now)
    category = invitation.category if invitation is not None else application.category.value
    number = await next_number(session, activity.id)  # from here on nobody else takes a place of this activity
    state, rank = await _first_state(session, selection, category, invited=invitation is not None)
    registration = Registration(
        activity_id=activity.id,
        number=number,
        receipt=new_receipt(),
        category=category,
        state=state.value,
        rank=rank,
        at=now,
        changed_at=now,
        guardian=application.guardian,
        sealed=seals.seal(application.person),
        phone_digest=seals.digest(activity.id, application.person.phone),
    )
    try:
        async with session.begin_nested():
            session.add(registration)
    except IntegrityError:
        raise Conflict("这个手机号已经报过名。可以用报名回执查看或撤回。", code="twice", field="phone") from None
    if invitation is not None:
        invitation.registration_id = registration.id
    await session.flush()
    return registration


async def _first_state(
    session: AsyncSession, selection: Selection, category: str, *, invited: bool
) -> tuple[PlaceState, int]:
    """The state and the rank of a new registration.

    Who was invited in person is in with the answer, while there are places; then waits in the order of coming.
    """
    if not invited:
        return PlaceState.APPLIED, 0
    held = (await holding(session, selection.activity_id)).get(category, 0)
    if held < selection.quotas.get(category, 0):
        return PlaceState.CONFIRMED, 0
    last = await session.scalar(
        select(func.max(Registration.rank)).where(
            Registration.activity_id == selection.activity_id, Registration.category == category
        )
    )
    return PlaceState.WAITING, (last or 0) + 1


async def _admit(
    session: AsyncSession, selection: Selection, application: Application, now: datetime
) -> Invitation | None:
    if not await notice_versions(session, selection.activity_id) or now < selection.opens_at:
        raise Conflict("报名还没有开始。", code="not_open")
    if now >= selection.closes_at or selection.roster is not None:
        raise Conflict("报名已经截止。", code="not_open")
    if selection.mode == "open":
        if application.category.value not in selection.quotas:
            raise BadRequest("这次活动没有这一类名额，请选择其他类别。", code="bad_category", field="category")
        return None
    invitation = await session.get(Invitation, invitation_digest(application.invitation), with_for_update=True)
    if invitation is None or invitation.activity_id != selection.activity_id:
        raise BadRequest("邀请码不对，请核对后再试。", code="bad_invitation", field="invitation")
    if invitation.registration_id is not None:
        raise BadRequest("这个邀请码已经用过。", code="bad_invitation", field="invitation")
    return invitation


async def find(session: AsyncSession, receipt: str, *, lock: bool = False) -> Registration:
    """The registration of that receipt. Raises NotFound."""
    query = select(Registration).where(Registration.receipt == receipt_code(receipt))
    registration = await session.scalar(query.with_for_update() if lock else query)
    if registration is None:
        raise NotFound("没有找到这个报名回执，请核对后再试。")
    return registration


async def answer(session: AsyncSession, receipt: str, act: PlaceAct, now: datetime) -> Registration:
    """The person confirms, declines or withdraws; a place that becomes free goes to who waits. Raises Conflict."""
    registration = await find(session, receipt, lock=True)
    before = PlaceState(registration.state)
    _step(registration, act, now)
    if act is PlaceAct.WITHDRAW:
        erase(registration)
    session.add(
        Act(
            at=now,
            account_id=None,
            activity_id=registration.activity_id,
            act=f"registration-{act.value}",
            detail={"number": registration.number, "from": before.value, "to": registration.state},
        )
    )
    await session.flush()
    if before in HOLDING and PlaceState(registration.state) not in HOLDING:
        await move_up(session, registration.activity_id, registration.category, now)
    return registration


async def choose(
    session: AsyncSession, principal: Principal, activity: Activity, number: int, act: PlaceAct, now: datetime
) -> Registration:
    """The unit picks by hand. Raises NotFound, Conflict (`illegal_transition`, `full`)."""
    selection = await find_selection(session, activity.id, lock=True)
    registration = await get_registration(session, activity.id, number, lock=True)
    before = PlaceState(registration.state)
    category = registration.category
    held = (await holding(session, activity.id)).get(category, 0)
    if act is PlaceAct.SELECT and held >= selection.quotas.get(category, 0):
        raise Conflict(f"{Category(category).text}的名额已满，请先增加名额或空出位置。", code="full")
    _step(registration, act, now)
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            activity_id=activity.id,
            act="choose",
            detail={"number": number, "from": before.value, "to": registration.state},
        )
    )
    await session.flush()
    return registration


def _step(registration: Registration, act: PlaceAct, now: datetime) -> None:
    try:
        state = step(PlaceState(registration.state), act)
    except IllegalStep as error:
        raise Conflict(f"{error}。", code="illegal_transition") from None
    registration.state, registration.changed_at = state.value, now


async def check_in(
    session: AsyncSession, principal: Principal, activity: Activity, number: int, at: datetime, now: datetime
) -> tuple[Registration, bool]:
    """Note that somebody came; twice is as good as once, and the first time stays.

    Returns the registration, and whether this was the first time. Raises NotFound, Conflict (`no_place`).
    """
    registration = await get_registration(session, activity.id, number, lock=True)
    if PlaceState(registration.state) not in HOLDING:
        raise Conflict(f"这份报名{PlaceState(registration.state).text}，没有名额。", code="no_place")
    if registration.attended_at is not None:
        return registration, False
    # A phone that was offline tells the time of the scan; its clock is not trusted beyond a day.
    registration.attended_at = at if timedelta(0) <= now - at <= timedelta(days=1) else now
    registration.attended_by = principal.account_id
    registration.state = PlaceState.CONFIRMED.value
    session.add(
        Act(at=now, account_id=principal.account_id, activity_id=activity.id, act="check-in", detail={"number": number})
    )
    await session.flush()
    return registration, True


async def get_registration(session: AsyncSession, activity_id: int, number: int, *, lock: bool = False) -> Registration:
    """The registration of that number. Raises NotFound."""
    query = select(Registration).where(Registration.activity_id == activity_id, Registration.number == number)
    registration = await session.scalar(query.with_for_update() if lock else query)
    if registration is None:
        raise NotFound("没有找到这份报名。")
    return registration


async def page_of_registrations(
    session: AsyncSession,
    seals: Seals,
    activity_id: int,
    *,
    state: PlaceState | None,
    category: Category | None,
    search: str,
    start: int,
    most: int,
) -> tuple[Sequence[Registration], int]:
    """Some registrations, `most` from the `start`th on, and how many there are of those that were asked for.

    `search` is a number or a whole phone: names and phones lie sealed, and a phone is found by its keyed digest.
    """
    wanted = [Registration.activity_id == activity_id]
    if state is not None:
        wanted.append(Registration.state == state.value)
    if category is not None:
        wanted.append(Registration.category == category.value)
    if search:
        digits = search.replace(" ", "").replace("-", "")
        if digits.isascii() and digits.isdecimal() and len(digits) < 10:
            wanted.append(Registration.number == int(digits))
        else:
            wanted.append(Registration.phone_digest == seals.digest(activity_id, digits))
    found = await session.scalar(select(func.count()).select_from(Registration).where(*wanted))
    order = (Registration.rank, Registration.number) if state is PlaceState.WAITING else (Registration.number,)
    rows = await session.scalars(select(Registration).where(*wanted).order_by(*order).offset(start).limit(most))
    return rows.all(), found or 0


async def waiting_places(
    session: AsyncSession, activity_id: int, registrations: Iterable[Registration]
) -> dict[int, int]:
    """By number, for those of them who wait: 1 is the first of the category's list to move up, 2 the second."""
    numbers = [row.number for row in registrations if row.state == PlaceState.WAITING.value]
    if not numbers:
        return {}
    place = func.row_number().over(partition_by=Registration.category, order_by=(Registration.rank, Registration.id))
    waiting = (
        select(Registration.number, place.label("place"))
        .where(Registration.activity_id == activity_id, Registration.state == PlaceState.WAITING.value)
        .subquery()
    )
    rows = await session.execute(select(waiting.c.number, waiting.c.place).where(waiting.c.number.in_(numbers)))
    return dict(rows.all())


@dataclass(frozen=True, slots=True)
class Counts:
    """Registrations ever taken, those that hold a place, and those who came."""

    registered: int
    holding: int
    present: int


async def count_registrations(session: AsyncSession, activity_id: int) -> Counts:
    """The counts of one activity, from the index alone."""
    rows = (
        await session.execute(
            select(Registration.state, func.count(), func.count(Registration.attended_at))
            .where(Registration.activity_id == activity_id)
            .group_by(Registration.state)
        )
    ).all()
    return Counts(
        sum(number for _, number, _ in rows),
        sum(number for state, number, _ in rows if PlaceState(state) in HOLDING),
        sum(present for _, _, present in rows),
    )


async def list_registrations(session: AsyncSession, activity_id: int) -> Sequence[Registration]:
    """All registrations of an activity by number."""
    query = select(Registration).where(Registration.activity_id == activity_id).order_by(Registration.number)
    return (await session.scalars(query)).all()


def erase(registration: Registration) -> None:
    """Delete who it was; the number stays, so that the list and the draw can still be checked."""
    registration.sealed = registration.phone_digest = None


async def erase_old(session: AsyncSession, now: datetime) -> int:
    """Delete names and phones of activities that ended `KEPT_DAYS` ago; returns how many."""
    old = select(Activity.id).where(
        func.coalesce(Activity.ends_at, Activity.starts_at) < now - timedelta(days=KEPT_DAYS)
    )
    erased = await session.scalars(
        update(Registration)
        .where(Registration.activity_id.in_(old), Registration.sealed.is_not(None))
        .values(sealed=None, phone_digest=None)
        .returning(Registration.id)
        .execution_options(synchronize_session=False)
    )
    return len(erased.all())
