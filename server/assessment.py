"""The facts of the assessment (政务公开绩效考核): for each activity what was done, when and in time. No score."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision
from feedback.states import State
from server.auth.rights import Principal
from server.deadlines import NOTHING, Published, done_on, published, timetable_of
from server.holidays import working_calendar
from server.listing import Listed, list_activities
from server.notices import Announced, announced
from server.programme.calendar import beijing_date
from server.programme.deadlines import DeadlineKind, Timetable
from server.programme.filings import Times
from server.programme.places import HOLDING, Opinion, satisfied_share
from server.programme_views import AssessmentRow, OpenDeadline
from server.satisfaction import opinions
from server.store.entries import COMMENT, QUESTION
from server.store.materials import Attachment, Material
from server.store.outcomes import Publication, Suggestion
from server.store.places import Registration, Selection, SelectionNotice
from server.store.tables import Entry, Filing, PresenceSample, Visitor

_ADOPTED = (Decision.ADOPTED.value, Decision.PARTLY_ADOPTED.value)


SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which activities: of a kind, of a unit, one by its slug, or those with something late or due within a week."""

    kind: str | None = None
    unit: str | None = None
    activity: str | None = None
    urgent: bool = False

    def takes(self, activity: Listed) -> bool:
        """Whether the activity is among them, what is urgent aside."""
        return (
            self.kind in {None, activity.kind}
            and self.activity in {None, activity.slug}
            and (self.unit is None or any(unit.id == self.unit for unit in activity.units))
        )


EVERY = Wanted()


async def assess(
    session: AsyncSession, principal: Principal, today: date, wanted: Wanted = EVERY
) -> list[AssessmentRow]:
    """The facts of the wanted activities that the account may see, in the programme's order."""
    activities = [activity for activity in await list_activities(session, principal) if wanted.takes(activity)]
    calendar = await working_calendar(session)
    told, after = await announced(session), await published(session)
    outcomes, materials = await _latest(session, Publication), await _latest(session, Material)
    plans = await _plans(session)
    filings = await _count(session, select(Filing.activity_id, func.count()).group_by(Filing.activity_id))
    devices = await _count(session, select(Visitor.activity_id, func.count()).group_by(Visitor.activity_id))
    peaks = await _count(
        session,
        select(PresenceSample.activity_id, func.max(PresenceSample.watching)).group_by(PresenceSample.activity_id),
    )
    entries, suggestions = await _entries(session), await _suggestions(session)
    reached, told_of = await _people(session), await opinions(session)
    rows = []
    for activity in activities:
        table = timetable_of(calendar, activity)
        open_now = _open(table, activity, told.get(activity.id), after.get(activity.id, NOTHING), today)
        if wanted.urgent and not any(item.due <= today + SOON for item in open_now):
            continue
        notice, shown = told.get(activity.id), after.get(activity.id, NOTHING)
        holds = notice is not None and notice.times == Times(activity.starts_at, activity.ends_at)
        notice_at = notice.since if notice and holds else None
        notice_due, materials_due = _due(table, DeadlineKind.NOTICE), _due(table, DeadlineKind.MATERIALS)
        comments, questions, answered = entries.get(activity.id, (0, 0, 0))
        number, decided, adopted = suggestions.get(activity.id, (0, 0, 0))
        outcomes_version, outcomes_sha256 = outcomes.get(activity.id, (0, None))
        materials_version, materials_sha256 = materials.get(activity.id, (0, None))
        adoption_due = _due(table, DeadlineKind.ADOPTION)
        opinion = told_of.get(activity.id, NO_OPINION)
        people = reached.get(activity.id, NOBODY)
        selection_due = _due(table, DeadlineKind.SELECTION)
        rows.append(
            AssessmentRow(
                slug=activity.slug,
                kind=activity.kind,
                title=activity.title,
                units=activity.units,
                form=activity.form,
                starts_at=activity.starts_at,
                ends_at=activity.ends_at,
                leader=activity.leader,
                attended=activity.attended,
                plan_at=plans.get((activity.id, "plan")),
                emergency_at=plans.get((activity.id, "emergency")),
                notice_due=notice_due,
                notice_at=notice_at,
                notice_on_time=_on_time(notice_due, notice_at),
                notice_version=notice.version if notice else 0,
                notice_sha256=notice.sha256 if notice else None,
                notice_reason=notice.reason if notice else "",
                selection=people.selection,
                selection_due=selection_due,
                selection_notice_at=people.notice_at,
                selection_on_time=_on_time(selection_due, people.notice_at),
                selection_reason=people.reason,
                registered=people.registered,
                holding=people.holding,
                present=people.present,
                satisfaction_answers=sum(opinion.all.values()),
                satisfaction_share=satisfied_share(opinion.all),
                satisfaction_present_answers=sum(opinion.present.values()),
                satisfaction_present_share=satisfied_share(opinion.present),
                satisfaction_online_answers=sum(opinion.online.values()),
                satisfaction_online_share=satisfied_share(opinion.online),
                filings=filings.get(activity.id, 0),
                live_started_at=activity.live_started_at,
                live_ended_at=activity.live_ended_at,
                devices=devices.get(activity.id, 0),
                peak=peaks.get(activity.id, 0),
                comments=comments,
                questions=questions,
                answered=answered,
                suggestions=number,
                decided=decided,
                adopted=adopted,
                materials_due=materials_due,
                materials_at=shown.materials,
                recording_at=shown.recording,
                materials_on_time=_on_time(materials_due, shown.first),
                materials_version=materials_version,
                materials_sha256=materials_sha256,
                adoption_due=adoption_due,
                outcomes_at=shown.outcomes,
                adoption_on_time=_on_time(adoption_due, shown.outcomes),
                outcomes_version=outcomes_version,
                outcomes_sha256=outcomes_sha256,
                open=open_now,
                problem="；".join(table.problems) if table else "",
            )
        )
    return rows


def _open(
    table: Timetable | None, activity: Listed, told: Announced | None, after: Published, today: date
) -> list[OpenDeadline]:
    met = done_on(activity, told, after)
    found = [
        OpenDeadline(label=item.kind.label, due=item.due, late=item.is_late(today))
        for item in (table.deadlines if table else ())
        if item.due is not None and met.of(item.kind) is None
    ]
    return sorted(found, key=lambda item: item.due)


def _due(table: Timetable | None, kind: DeadlineKind) -> date | None:
    found = table.get(kind) if table else None
    return found.due if found else None


def _on_time(due: date | None, done: datetime | None) -> bool | None:
    """None while it is not done, or no day could be counted."""
    return None if due is None or done is None else beijing_date(done) <= due


async def _latest(session: AsyncSession, table: type[Publication | Material]) -> dict[int, tuple[int, str]]:
    rows = await session.execute(
        select(table.activity_id, table.version, table.sha256).order_by(table.activity_id, table.version)
    )
    return {activity_id: (version, sha256) for activity_id, version, sha256 in rows}


async def _plans(session: AsyncSession) -> dict[tuple[int, str], datetime]:
    """When the newest 实施方案 and 应急预案 of each activity was attached."""
    rows = await session.execute(
        select(Attachment.activity_id, Attachment.purpose, func.max(Attachment.uploaded_at))
        .where(Attachment.purpose.in_(("plan", "emergency")))
        .group_by(Attachment.activity_id, Attachment.purpose)
    )
    return {(activity_id, purpose): at for activity_id, purpose, at in rows}


@dataclass(frozen=True, slots=True)
class People:
    """How people on the spot were chosen, and how many came; `reason`: why a 遴选公告 was published late."""

    selection: str | None = None
    notice_at: datetime | None = None
    reason: str = ""
    registered: int = 0
    holding: int = 0
    present: int = 0


NOBODY = People()
NO_OPINION = Opinion()


async def _people(session: AsyncSession) -> dict[int, People]:
    """Of each activity that has a selection."""
    holding = case((Registration.state.in_([*HOLDING]), 1))
    counts = {
        activity_id: (registered, held, present)
        for activity_id, registered, held, present in await session.execute(
            select(
                Registration.activity_id, func.count(), func.count(holding), func.count(Registration.attended_at)
            ).group_by(Registration.activity_id)
        )
    }
    first: dict[int, datetime] = {}
    reasons: dict[int, list[str]] = {}
    for activity_id, at, reason in await session.execute(
        select(SelectionNotice.activity_id, SelectionNotice.published_at, SelectionNotice.reason).order_by(
            SelectionNotice.activity_id, SelectionNotice.version
        )
    ):
        first.setdefault(activity_id, at)
        if reason:
            reasons.setdefault(activity_id, []).append(reason)
    return {
        activity_id: People(
            "公开遴选" if mode == "open" else "定向邀请",
            first.get(activity_id),
            "；".join(reasons.get(activity_id, ())),
            *counts.get(activity_id, (0, 0, 0)),
        )
        for activity_id, mode in await session.execute(select(Selection.activity_id, Selection.mode))
    }


async def _count(session: AsyncSession, query: Any) -> dict[int, int]:
    return dict((await session.execute(query)).all())


async def _entries(session: AsyncSession) -> dict[int, tuple[int, int, int]]:
    answered = case((Entry.state == State.ANSWERED.value, 1))
    rows = await session.execute(
        select(Entry.activity_id, Entry.kind, func.count(), func.count(answered)).group_by(
            Entry.activity_id, Entry.kind
        )
    )
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for activity_id, kind, number, done in rows:
        found.setdefault(activity_id, {})[kind] = (number, done)
    return {
        activity_id: (kinds.get(COMMENT, (0, 0))[0], *kinds.get(QUESTION, (0, 0)))
        for activity_id, kinds in found.items()
    }


async def _suggestions(session: AsyncSession) -> dict[int, tuple[int, int, int]]:
    adopted = case((Suggestion.decision.in_(_ADOPTED), 1))
    rows = await session.execute(
        select(Suggestion.activity_id, func.count(), func.count(Suggestion.decision), func.count(adopted)).group_by(
            Suggestion.activity_id
        )
    )
    return {activity_id: (number, decided, taken) for activity_id, number, decided, taken in rows}
