"""Collects a digest from the database: the queries are here, the documents in `feedback.digest`."""

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision, Progress
from feedback.digest import model, render
from feedback.digest.pdf import NoFont
from feedback.digest.typeset import NO_FONT
from feedback.scorer import Label
from feedback.states import PUBLIC, AnswerMode, State
from feedback.utterance import Utterance
from server.errors import Unavailable
from server.followup import WAITING, HandoverState
from server.outcomes import PUBLISHABLE, draft, hidden_by_reason, said
from server.programme.places import satisfied_share
from server.realtime.presence import SAMPLE_SECONDS
from server.satisfaction import opinion_of
from server.store.entries import COMMENT, QUESTION
from server.store.outcomes import Handover, Suggestion
from server.store.places import SatisfactionAnswer
from server.store.tables import Activity, Entry, PresenceSample, Visitor

_LARGE = 2_000
"""Entries from which on a file takes long enough to be worth a process."""
_MAKERS = asyncio.Semaphore(2)
UNSCORED_MODEL = "（尚无评分）"


async def collect(session: AsyncSession, activity: Activity, now: datetime) -> model.Digest:
    """Everything a digest says. Hidden, declined and withdrawn texts do not leave the database.

    `as_of` is `now` while the activity is live; afterwards it is the time of the last change, so that the same data
    gives the same bytes whenever and wherever they are asked for.
    """
    work = await draft(session, activity)
    entries = (
        await session.scalars(
            select(Entry)
            .where(Entry.activity_id == activity.id, Entry.state.in_([state.value for state in PUBLIC]))
            .order_by(Entry.id)
        )
    ).all()
    numbers = {item.entry_id: item.number for item in work.suggestions}
    scoring_model = await session.scalar(
        select(Entry.model).where(Entry.activity_id == activity.id, Entry.model.is_not(None)).limit(1)
    )
    opinion = await opinion_of(session, activity.id)
    return model.Digest(
        activity=_activity(activity),
        as_of=now if activity.state == "live" else await _last_change(session, activity, work.suggestions, now),
        audience=await _audience(session, activity.id),
        ledger=work.ledger,
        hidden=await hidden_by_reason(session, activity.id),
        sentiment=model.summarise(
            [_label(entry) for entry in entries],
            scoring_model or UNSCORED_MODEL,
            corrected=sum(1 for entry in entries if entry.corrected),
        ),
        comments=tuple(_comment(entry, numbers.get(entry.id)) for entry in entries if entry.kind == COMMENT),
        questions=tuple(_question(entry, numbers.get(entry.id)) for entry in entries if entry.kind == QUESTION),
        suggestions=tuple(
            model.Suggestion(
                number=item.number,
                text=said(item),
                nickname=item.entry.nickname,
                topic=item.topic or None,
                decision=Decision(item.decision) if item.decision else None,
                reason=item.reason or None,
                transferred_to=item.receiver.name if item.receiver else None,
                decided_at=item.decided_at,
                merged=item.entry.merged_count,
                updates=tuple(
                    model.Update(
                        update.at, update.unit.name if update.unit else None, Progress(update.progress), update.text
                    )
                    for update in item.updates
                ),
            )
            for item in work.suggestions
            if State(item.entry.state) in PUBLISHABLE
        ),
        errands=await _errands(session, activity.id),
        satisfaction=model.Satisfaction(
            tuple((level.text, count) for level, count in opinion.all.items()),
            satisfied_share(opinion.all),
            tuple(
                (way, sum(tally.values()), satisfied_share(tally))
                for way, tally in (("现场", opinion.present), ("线上", opinion.online))
            ),
        ),
    )


def write(digest: model.Digest, form: str) -> bytes:
    """The file; takes seconds, off the event loop. Raises Unavailable (`no_font`) where a machine cannot make a PDF."""
    try:
        return render(digest, form)
    except NoFont as error:
        raise Unavailable(str(error), code="no_font") from error


async def write_apart(digest: model.Digest, form: str) -> bytes:
    """The same bytes, made beside the event loop: a large file by a process of its own, which gives its memory back.

    Two at a time; who asks meanwhile waits. Raises Unavailable (`no_font`).
    """
    async with _MAKERS:
        if len(digest.comments) + len(digest.questions) < _LARGE:
            return await asyncio.to_thread(write, digest, form)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "feedback.digest", form,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )  # fmt: skip
        try:
            packed = await asyncio.to_thread(pickle.dumps, digest)
            content, complaint = await process.communicate(packed)
        except BaseException:
            process.kill()  # who asked has gone
            await process.wait()
            raise
    if process.returncode == NO_FONT:
        raise Unavailable(str(NoFont()), code="no_font")
    if process.returncode != 0:
        raise RuntimeError(f"digest: {complaint.decode(errors='replace')[-2000:]}")
    return content


async def _errands(session: AsyncSession, activity_id: int) -> tuple[model.Errand, ...]:
    """What other units were asked and have not replied to, as far as it is public."""
    rows = await session.scalars(
        select(Handover)
        .where(Handover.activity_id == activity_id, Handover.state.in_([state.value for state in WAITING]))
        .order_by(Handover.id)
    )
    return tuple(
        model.Errand(row.entry.text, row.unit.name, HandoverState(row.state).text, row.due)
        for row in rows
        if State(row.entry.state) in PUBLIC
    )


async def _last_change(
    session: AsyncSession, activity: Activity, suggestions: Sequence[Suggestion], now: datetime
) -> datetime:
    changes = [activity.live_started_at, activity.live_ended_at]
    changes.append(await session.scalar(select(func.max(Entry.changed_at)).where(Entry.activity_id == activity.id)))
    for item in suggestions:
        changes += [item.marked_at, item.decided_at, *(update.at for update in item.updates)]
    changes.append(
        await session.scalar(select(func.max(Handover.changed_at)).where(Handover.activity_id == activity.id))
    )
    changes.append(
        await session.scalar(
            select(func.max(SatisfactionAnswer.at)).where(SatisfactionAnswer.activity_id == activity.id)
        )
    )
    known = [change for change in changes if change is not None]
    return max(known) if known else now


def _activity(activity: Activity) -> model.Activity:
    return model.Activity(
        slug=activity.slug,
        title=activity.title,
        kind=activity.kind,
        topic=activity.topic,
        units=tuple(unit.name for unit in activity.units),
        form=activity.form,
        place=activity.place or None,
        starts_at=activity.starts_at,
        ends_at=activity.ends_at,
        live_started_at=activity.live_started_at,
        live_ended_at=activity.live_ended_at,
    )


async def _audience(session: AsyncSession, activity_id: int) -> model.Audience:
    devices = await session.scalar(select(func.count()).select_from(Visitor).where(Visitor.activity_id == activity_id))
    rows = await session.scalars(
        select(PresenceSample).where(PresenceSample.activity_id == activity_id).order_by(PresenceSample.at)
    )
    # Each process of the service stores the whole number: of one interval the highest counts.
    intervals: dict[int, model.Sample] = {}
    for row in rows:
        interval = int(row.at.timestamp()) // SAMPLE_SECONDS
        known = intervals.get(interval)
        if known is None or row.watching > known.watching:
            intervals[interval] = model.Sample(row.at, row.watching)
    samples = tuple(intervals.values())
    peak = max(samples, key=lambda sample: sample.watching, default=None)
    return model.Audience(
        devices=devices or 0,
        peak=peak.watching if peak else 0,
        peak_at=peak.at if peak else None,
        watch_minutes=sum(sample.watching for sample in samples) * SAMPLE_SECONDS / 60,
        samples=samples,
    )


def _label(entry: Entry) -> Label | None:
    """What a host corrected counts before what the model said."""
    label = entry.corrected or entry.label
    return Label(label) if label else None


def _comment(entry: Entry, suggestion: int | None) -> model.Comment:
    return model.Comment(
        id=entry.id,
        at=entry.at,
        nickname=entry.nickname,
        text=entry.text,
        label=_label(entry),
        score=entry.score,
        utterance=Utterance(entry.utterance) if entry.utterance else None,
        suggestion=suggestion,
    )


def _question(entry: Entry, suggestion: int | None) -> model.Question:
    return model.Question(
        id=entry.id,
        at=entry.at,
        nickname=entry.nickname,
        text=entry.text,
        state=State(entry.state),
        votes=entry.votes,
        merged=entry.merged_count,
        mode=AnswerMode(entry.answer_mode) if entry.answer_mode else None,
        answer=entry.answer or None,
        answered_at=entry.answered_at,
        label=_label(entry),
        score=entry.score,
        suggestion=suggestion,
    )
