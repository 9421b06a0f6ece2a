"""How hosts arrange a queue: labels, notes to each other, and the questions that they put before the others.

Nothing of it is public but the order of what was put first. The caller has locked the entry; for the order, which
spans entries, the activity as well.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.states import UNDECIDED, State
from feedback.text import clean
from server.commands import Label, Lift, Lower, Note
from server.errors import BadRequest, Conflict, NotFound
from server.store.entries import QUESTION
from server.store.tables import Entry

MOST_LABELS = 5
MOST_NOTES = 20
MOST_LIFTED = 50


async def arrange(
    session: AsyncSession, name: str, entry: Entry, command: Label | Note | Lift | Lower, now: datetime
) -> tuple[int, ...]:
    """Carry the command out; returns the ids of other entries that it moved.

    `name` is the host's, for a note. Raises BadRequest, NotFound, Conflict (`illegal_transition`, `too_many`).
    """
    match command:
        case Label():
            entry.labels = _labelled(entry.labels or [], clean(command.label), on=command.on)
        case Note():
            entry.notes = _noted(entry, command, name, now)
        case Lift():
            return await _lift(session, entry, command.above)
        case Lower():
            entry.lifted = None
    return ()


def _labelled(labels: list[str], label: str, *, on: bool) -> list[str] | None:
    if not label:
        raise BadRequest("请填写标签。", code="empty")
    others = [known for known in labels if known != label]
    if on and len(others) >= MOST_LABELS:
        raise Conflict(f"一条最多{MOST_LABELS}个标签。", code="too_many")
    return [*others, label] if on else others or None


def _noted(entry: Entry, command: Note, name: str, now: datetime) -> list[dict[str, object]] | None:
    notes = entry.notes or []
    if command.remove is not None:
        left = [note for note in notes if note["id"] != command.remove]
        if len(left) == len(notes):
            raise NotFound("这条备注已经不在了。")
        return left or None
    text = clean(command.text)
    if not text:
        raise BadRequest("请填写备注。", code="empty")
    if entry.state == State.WITHDRAWN:
        raise Conflict("本人已撤回这条，不能再加备注。", code="illegal_transition")
    if len(notes) >= MOST_NOTES:
        raise Conflict(f"一条最多{MOST_NOTES}条备注，请先删去旧的。", code="too_many")
    number = max((int(str(note["id"])) for note in notes), default=0) + 1
    return [*notes, {"id": number, "at": now.isoformat(), "by": name, "text": text}]


async def _lift(session: AsyncSession, entry: Entry, above: int | None) -> tuple[int, ...]:
    if entry.kind != QUESTION or entry.state not in UNDECIDED:
        raise Conflict("只有待审和待答复的提问可以提前。", code="illegal_transition")
    rows = await session.scalars(
        select(Entry)
        .where(Entry.activity_id == entry.activity_id, Entry.lifted.is_not(None), Entry.id != entry.id)
        .order_by(Entry.lifted, Entry.id)
    )
    order = list(rows)
    if len(order) >= MOST_LIFTED:
        raise Conflict(f"最多提前{MOST_LIFTED}条，请先取消几条。", code="too_many")
    ids = [other.id for other in order]
    if above is not None and above not in ids:
        raise NotFound("要排在它前面的那条已不在提前的提问里。")
    order.insert(ids.index(above) if above is not None else len(order), entry)
    moved = []
    for place, other in enumerate(order, start=1):
        if other.lifted != place:
            other.lifted = place
            if other is not entry:
                moved.append(other.id)
    return tuple(moved)
