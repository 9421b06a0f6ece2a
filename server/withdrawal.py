"""An author takes an entry back: the receipt code is the proof, the text and the name are deleted."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import states
from feedback.scorer import Label
from feedback.states import Kind, State
from server.errors import Conflict, NotFound
from server.merging import split, succeed
from server.outcomes import receipt_code
from server.outcomes_views import OutcomesContent
from server.store.tables import Act, Activity, Entry, Publication, Suggestion


async def withdraw(session: AsyncSession, receipt: str, now: datetime) -> tuple[int, ...]:
    """Withdraw the entry of that receipt and delete what its author wrote. Twice is as good as once.

    Returns the ids of the entries that changed: this one, and those that merging ties to it.

    What stays is a row without text and name, so that the account still adds up, the receipt still answers, and a
    message that is sent again does not come back. A suggestion that is not published yet is deleted with it.
    Raises NotFound, and Conflict (`published`) for what stands in a published version: that is the unit's record, and
    changing it is the unit's act.
    """
    entry = await session.scalar(select(Entry).where(Entry.receipt == receipt_code(receipt)).with_for_update())
    if entry is None:
        raise NotFound("没有找到这个回执，请核对后再试。")
    if entry.state == State.WITHDRAWN.value:
        return (entry.id,)
    suggestion = await session.scalar(select(Suggestion).where(Suggestion.entry_id == entry.id))
    await _require_unpublished(session, entry, suggestion)
    before = entry.state
    tied = await _let_go(session, entry, now)
    entry.state = states.apply(Kind(entry.kind), State(before), states.Act.WITHDRAW).value
    entry.state_before, entry.on_screen, entry.changed_at, entry.handled_by = None, False, now, None
    entry.text = entry.nickname = ""
    entry.reason = entry.answer = entry.answer_mode = entry.answered_at = entry.flags = None
    entry.labels = entry.notes = entry.lifted = None  # a note may repeat what the author wrote
    entry.revision += 1
    # A label of its own, so that the scorer does not look at it; a score would still say something about the text.
    entry.label, entry.score, entry.utterance = Label.UNSCORED.value, None, None
    entry.corrected = None
    detail: dict[str, object] = {"from": before, "to": entry.state}
    if suggestion is not None and suggestion.entry_id == entry.id:
        detail["suggestion"] = suggestion.number
        await session.delete(suggestion)
    session.add(
        Act(at=now, account_id=None, activity_id=entry.activity_id, entry_id=entry.id, act="withdraw", detail=detail)
    )
    await session.flush()
    return (entry.id, *tied)


async def _let_go(session: AsyncSession, entry: Entry, now: datetime) -> tuple[int, ...]:
    """What others asked as well stays: an heir takes the place of a head, and a head has one merged entry less."""
    heir = await succeed(session, entry, entry.state, now)
    if heir is not None:
        return (heir.id,)
    if entry.merged_into is None:
        return ()
    return ((await split(session, entry, with_votes=False)).id,)


async def _require_unpublished(session: AsyncSession, entry: Entry, suggestion: Suggestion | None) -> None:
    publication = await session.scalar(
        select(Publication)
        .where(Publication.activity_id == entry.activity_id)
        .order_by(Publication.version.desc())
        .limit(1)
    )
    if publication is None:
        return
    activity = await session.get_one(Activity, entry.activity_id)
    units = "、".join(unit.name for unit in activity.units)
    if suggestion is not None and publication.entry_ids.get(str(suggestion.number)) == entry.id:
        what = f"第{suggestion.number}号意见建议"
    elif await _answered_in(session, OutcomesContent.model_validate(publication.content), entry):
        what = "提问和答复"
    else:
        return
    raise Conflict(
        f"这条已作为{what}写入公布的结果（姓名已隐去），不能自行撤回。如需更正或删除，请联系{units}。", code="published"
    )


async def _answered_in(session: AsyncSession, content: OutcomesContent, entry: Entry) -> bool:
    """Whether one of the answers that the entry ever had is published: it may have been corrected or taken back."""
    answered = await session.scalars(select(Act.at).where(Act.entry_id == entry.id, Act.act == states.Act.ANSWER.value))
    times = {entry.answered_at, *answered}
    return any(question.text == entry.text and question.answered_at in times for question in content.questions)
