"""Importing a plan's text: what is clear, what is not, what would change; nothing changes until it is confirmed."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.activities import find_units
from server.errors import BadRequest
from server.programme.filings import Period
from server.programme.plan import ActivityKind, Plan, PlannedActivity, Remark
from server.programme.plan_diff import Effect, PlanChange, diff
from server.programme.plan_reader import read_plan
from server.store.tables import Act, Activity, Unit, YearPlan

LARGEST = 5 * 1024 * 1024
_FIRST_YEAR = 2023
"""Its activities have the plan's own numbers as slugs; those of other years bear the year before them."""
_EXCERPT = 60
_CONTROLS = dict.fromkeys(code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\v\f\r")
"""Characters that no text of a plan has, and that a document made from it could not hold."""
_LONGEST = {"名称": 200, "专题": 100, "主责单位": 100}
"""What the tables hold, in characters."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A plan as read, beside what is stored."""

    plan: Plan
    year: int | None
    changes: tuple[PlanChange, ...]


def decode(content: bytes) -> str:
    """The text of a file: UTF-8, or GB18030 as Chinese Windows writes it.

    Raises BadRequest (`bad_file`) for a file that is no text or too large.
    """
    if len(content) > LARGEST:
        raise BadRequest(f"文件超过{LARGEST // 1024 // 1024} MB，不像方案的文本。", code="bad_file")
    if b"\x00" in content or content.startswith((b"%PDF", b"PK\x03\x04")):
        raise BadRequest("这不是纯文本文件。请把方案另存为“纯文本（.txt）”后再导入。", code="bad_file")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding).translate(_CONTROLS)
        except UnicodeDecodeError:
            continue
    raise BadRequest("文件的文字编码无法识别，请另存为UTF-8编码的纯文本后再导入。", code="bad_file")


async def read(session: AsyncSession, text: str) -> Reading:
    """Read the text and compare it with what is stored. Changes nothing."""
    # A thread: a long text takes a while, and comments are acknowledged meanwhile.
    plan, year = await asyncio.to_thread(_read, text)
    stored = await session.scalars(select(Activity).where(Activity.plan_year == year).order_by(Activity.id))
    existing = [_planned(activity) for activity in stored] if year is not None else []
    return Reading(plan, year, diff(existing, plan))


def _read(text: str) -> tuple[Plan, int | None]:
    plan = read_plan(text)
    year = plan.first.year if plan.first else None
    if year is not None and year != _FIRST_YEAR:
        plan = read_plan(text, slug_prefix=f"{year}-")
    return replace(plan, activities=tuple(map(_sorted, plan.activities))), year


async def apply(
    session: AsyncSession,
    reading: Reading,
    *,
    now: datetime,
    only: Collection[str] = (),
    account_id: int | None = None,
) -> tuple[str, ...]:
    """Make the changes, or `only` those of the slugs named. Returns the slugs that were changed.

    `account_id`: who confirmed them, None for the command line.

    Units that the importer only inferred do not replace those of an activity that is there: somebody may have
    corrected them. Raises BadRequest without a period (`no_period`), and for a slug that nothing changes (`bad_slug`).
    """
    plan, year = reading.plan, reading.year
    if year is None or plan.first is None or plan.last is None:
        raise BadRequest("没有读到举办期间，不知道是哪一年的方案，没有导入。", code="no_period")
    wanted = [change for change in reading.changes if change.effect is not Effect.ABSENT]
    unknown = set(only) - {change.slug for change in wanted}
    if unknown:
        raise BadRequest(f"{'、'.join(sorted(unknown))}没有要导入的改变。", code="bad_slug")
    chosen = [change for change in wanted if not only or change.slug in only]
    planned = {activity.slug: activity for activity in plan.activities}
    _check_lengths(plan, [planned[change.slug] for change in chosen])
    await _store_plan(session, plan, year, Period(plan.first, plan.last))
    done = []
    for change in chosen:
        act = await _store(session, plan, planned[change.slug], change, year)
        if act is not None:
            act.at, act.account_id = now, account_id
            session.add(act)
            done.append(change.slug)
    return tuple(done)


def _check_lengths(plan: Plan, activities: Iterable[PlannedActivity]) -> None:
    names = {unit.id: unit.name for unit in plan.units}
    for activity in activities:
        texts = [("名称", activity.title), ("专题", activity.topic or "")]
        texts += [("主责单位", names[unit]) for unit in activity.units]
        for label, text in texts:
            if len(text) > _LONGEST[label]:
                raise BadRequest(f"第{activity.line}行：{label}超过{_LONGEST[label]}字，没有导入。", code="too_long")


async def _store_plan(session: AsyncSession, plan: Plan, year: int, period: Period) -> None:
    await session.merge(
        YearPlan(
            year=year,
            title=plan.title,
            document_number=plan.document_number,
            first=period.first,
            last=period.last,
        )
    )


async def _store(
    session: AsyncSession, plan: Plan, planned: PlannedActivity, change: PlanChange, year: int
) -> Act | None:
    """Store one activity. Returns the line for the log, None where nothing of it changed."""
    for unit in plan.units:
        if unit.id in planned.units and await session.get(Unit, unit.id) is None:
            session.add(Unit(id=unit.id, name=unit.name, receives_filings=unit.receives_filings))
    await session.flush()
    activity = await session.scalar(select(Activity).where(Activity.slug == planned.slug))
    before = _facts(activity) if activity else {}
    units = await find_units(session, planned.units)
    if activity is None:
        activity = Activity(
            slug=planned.slug, kind=planned.kind.value, number=planned.number, plan_year=year, units=units
        )
        session.add(activity)
    elif not change.inferred:
        activity.units = units
    activity.topic, activity.title, activity.summary = planned.topic, planned.title, planned.description
    await session.flush()
    after = _facts(activity)
    changed = [name for name in after if before.get(name) != after[name]]
    if not changed:
        return None
    detail: dict[str, object] = {"to": {name: after[name] for name in changed}}
    if before:
        detail["from"] = {name: before[name] for name in changed}
    return Act(activity_id=activity.id, act="import", detail=detail)


def _facts(activity: Activity) -> dict[str, object]:
    return {
        "topic": activity.topic,
        "title": activity.title,
        "summary": activity.summary,
        "units": sorted(unit.id for unit in activity.units),
    }


def _sorted(activity: PlannedActivity) -> PlannedActivity:
    # Which of several units stands first changes nothing.
    return replace(activity, units=tuple(sorted(activity.units)))


def _planned(activity: Activity) -> PlannedActivity:
    return PlannedActivity(
        slug=activity.slug,
        kind=ActivityKind(activity.kind),
        number=activity.number,
        topic=activity.topic,
        title=activity.title,
        description=activity.summary,
        units=tuple(sorted(unit.id for unit in activity.units)),
        inferred=False,
        line=0,
    )


def describe(reading: Reading) -> str:
    """The reading in Chinese: the plan, what is not clear with its line, and what would change."""
    return "\n".join(_lines(reading))


def _lines(reading: Reading) -> Iterator[str]:
    plan = reading.plan
    number = f"（{plan.document_number}）" if plan.document_number else ""
    period = f"举办期间{Period(plan.first, plan.last)}" if plan.first and plan.last else "没有读到举办期间"
    yield f"{plan.title or '没有读到标题'}{number}，{period}"
    yield f"读到{len(plan.activities)}项活动、{len(plan.units)}个主责单位。"
    yield from _remarks("没有读懂，不会导入", plan.unread)
    yield from _remarks("会导入，请核对", plan.doubts)
    made = [change for change in reading.changes if change.effect is not Effect.ABSENT]
    yield ""
    yield f"与现有活动相比，有{len(made)}项改变" + ("：" if made else "。")
    for change in made:
        yield f"  {'新增' if change.effect is Effect.NEW else '修改'} {change.slug}"
        if change.inferred:
            kept = "" if change.effect is Effect.NEW else "，导入时保留现有单位"
            yield f"    主责单位按先后顺序推断，请核对{kept}"
        for field in change.fields:
            before = f"由“{_short(field.before)}”改为" if field.before else ""
            yield f"    {field.label}：{before}“{_short(field.after)}”"
    absent = [change.slug for change in reading.changes if change.effect is Effect.ABSENT]
    if absent:
        yield f"方案中没有、保持不变的活动：{'、'.join(absent)}"


def _remarks(label: str, remarks: Sequence[Remark]) -> Iterable[str]:
    if not remarks:
        return
    yield ""
    yield f"{label}（{len(remarks)}处）："
    for remark in remarks:
        place = f"第{remark.line}行" if remark.line else "全文"
        yield f"  {place}：{remark.why}" + (f"：{remark.text}" if remark.text else "")


def _short(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…"
