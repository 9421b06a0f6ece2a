"""An author takes an entry back: the receipt code is the proof, the text and the name are deleted."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import states
from feedback.scorer import Label
from feedback.states import Kind, State
from server.errors import Conflict
from server.merging import split, succeed
from server.receipts import entry_of
from server.standing import Standing
from server.store.outcomes import Suggestion
from server.store.tables import Act, Entry


async def withdraw(session: AsyncSession, receipt: str, now: datetime) -> tuple[int, ...]:
    """Withdraw the entry of that receipt and delete what its author wrote. Twice is as good as once.

    Returns the ids of the entries that changed: this one, and those that merging ties to it.

    A suggestion that is not published yet is deleted with it. Raises NotFound, and Conflict (`published`) for what
    stands in a published version: that is the unit's record, and changing it is the unit's act (server.removals).
    """
    entry = await entry_of(session, receipt, lock=True)
    if entry.state == State.WITHDRAWN.value:
        return (entry.id,)
    await _require_unpublished(session, entry)
    return await take_back(session, entry, now)


async def take_back(
    session: AsyncSession, entry: Entry, now: datetime, *, keep_suggestion: bool = False
) -> tuple[int, ...]:
    """Delete an entry's words. Returns the ids of the entries that changed.

    What stays is a row without text and name, so that the account still adds up, the receipt still answers, and a
    message that is sent again does not come back. With *keep_suggestion* the unit's decision on it stays too.
    """
    if entry.state == State.WITHDRAWN.value:
        return (entry.id,)
    suggestion = await session.scalar(select(Suggestion).where(Suggestion.entry_id == entry.id))
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
    if suggestion is not None and not keep_suggestion:
        await session.refresh(suggestion, ["entry_id"])  # an heir may have it now
        if suggestion.entry_id == entry.id:
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


async def _require_unpublished(session: AsyncSession, entry: Entry) -> None:
    places = await (await Standing.of(session, entry)).places(session)
    if not places:
        return
    number = next((place.number for place in places if place.number is not None), None)
    what = "提问和答复" if number is None else f"第{number}号意见建议"
    raise Conflict(
        f"这条已作为{what}写入公布的结果（姓名已隐去），不能自行撤回；可以申请由主办单位删除。", code="published"
    )
