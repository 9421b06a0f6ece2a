"""What the holder of a receipt code learns about an entry."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.states import PUBLIC, Reason, State
from server.errors import NotFound
from server.followup import HandoverState
from server.merging import head_of
from server.outcomes_views import (
    OutcomesContent,
    ReceiptActivity,
    ReceiptHandover,
    ReceiptHead,
    ReceiptRemoval,
    ReceiptSuggestion,
    ReceiptView,
)
from server.protocol import AnswerView
from server.publishing import newest_publication
from server.standing import Standing
from server.store.outcomes import Handover, Suggestion
from server.store.removals import Removal
from server.store.tables import Activity, Entry

_WITH_ANOTHER_UNIT = (HandoverState.OFFERED, HandoverState.ACCEPTED, HandoverState.REPLIED)

# As a person types a code: the letters that its alphabet leaves out, dashes and spaces.
_AS_TYPED = str.maketrans("OIL", "011", "- ")


def receipt_code(typed: str) -> str:
    """A receipt code as it is stored, from how its owner typed it."""
    return typed.upper().translate(_AS_TYPED)


async def entry_of(session: AsyncSession, receipt: str, *, lock: bool = False) -> Entry:
    """The entry with that receipt code. Raises NotFound."""
    query = select(Entry).where(Entry.receipt == receipt_code(receipt))
    entry: Entry | None = await session.scalar(query.with_for_update() if lock else query)
    if entry is None:
        raise NotFound("没有找到这个回执，请核对后再试。")
    return entry


async def find_receipt(session: AsyncSession, receipt: str) -> ReceiptView:
    """What became of the entry with that receipt code. Raises NotFound."""
    entry = await entry_of(session, receipt)
    activity = await session.get_one(Activity, entry.activity_id)
    head = await head_of(session, entry)
    public = State(head.state) in PUBLIC
    suggestion = await session.scalar(select(Suggestion).where(Suggestion.entry_id == head.id))
    removal = await session.scalar(
        select(Removal).where(Removal.entry_id == entry.id).order_by(Removal.id.desc()).limit(1)
    )
    return ReceiptView(
        receipt=entry.receipt,
        kind=entry.kind,
        proposed=entry.proposed,
        state=entry.state,
        text=entry.text,
        nickname=entry.nickname,
        created_at=entry.at,
        activity=ReceiptActivity(slug=activity.slug, title=activity.title),
        reason=_reason(entry),
        merged_into=ReceiptHead(text=head.text, state=head.state) if public and head is not entry else None,
        answer=AnswerView.of(head) if public else None,
        suggestion=await _suggestion(session, suggestion) if suggestion else None,
        handover=await _handover(session, head),
        published=bool(await (await Standing.of(session, entry)).places(session)),
        removal=ReceiptRemoval.model_validate(removal, from_attributes=True) if removal else None,
    )


def _reason(entry: Entry) -> str | None:
    """Why an entry is not shown: the words that the host wrote for its author, or the word for the code."""
    if entry.reason is None or entry.state not in (State.DECLINED, State.HIDDEN):
        return None
    return Reason(entry.reason).text if entry.state == State.HIDDEN else entry.reason


async def _handover(session: AsyncSession, head: Entry) -> ReceiptHandover | None:
    handover = await session.scalar(
        select(Handover)
        .where(Handover.entry_id == head.id, Handover.state.in_([state.value for state in _WITH_ANOTHER_UNIT]))
        .order_by(Handover.id.desc())
        .limit(1)
    )
    return (
        None if handover is None else ReceiptHandover(unit=handover.unit.name, state=handover.state, due=handover.due)
    )


async def _suggestion(session: AsyncSession, suggestion: Suggestion) -> ReceiptSuggestion:
    """The decision as it was published; one that is only drafted stays with the unit."""
    publication = await newest_publication(session, suggestion.activity_id)
    published = None
    if publication is not None and publication.entry_ids.get(str(suggestion.number)) == suggestion.entry_id:
        content = OutcomesContent.model_validate(publication.content)
        published = next((item for item in content.suggestions if item.number == suggestion.number), None)
    return ReceiptSuggestion(
        number=suggestion.number,
        decision=published.decision if published else None,
        reason=published.reason if published else "",
        transferred_to=published.transferred_to if published else None,
        published=published is not None,
    )
