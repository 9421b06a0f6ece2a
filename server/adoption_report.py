"""Collects the adoption report from the newest published version; what it says is there, the queries are here."""

from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision, Progress
from feedback.digest import adoption
from feedback.digest.model import Suggestion, Update
from feedback.digest.pdf import NoFont
from feedback.digest.wording import period
from feedback.ledger import Ledger
from feedback.states import AnswerMode
from server.errors import Unavailable
from server.publishing import latest_outcomes
from server.store.tables import Activity


async def collect_record(session: AsyncSession, activity: Activity) -> adoption.Record:
    """The newest published version as a record. Raises NotFound before the first."""
    view = await latest_outcomes(session, activity)
    numbers = view.numbers
    return adoption.Record(
        slug=activity.slug,
        title=activity.title,
        units=tuple(unit.name for unit in activity.units),
        held=period(activity.live_started_at or activity.starts_at, activity.live_ended_at or activity.ends_at),
        version=view.version,
        published_at=view.published_at,
        sha256=view.sha256,
        ledger=Ledger(
            numbers.received, numbers.shown, numbers.withheld, numbers.merged, numbers.withdrawn, numbers.deleted
        ),
        suggestions=tuple(
            Suggestion(
                number=item.number,
                text=item.text,
                nickname=item.nickname,
                decision=Decision(item.decision),
                reason=item.reason or None,
                transferred_to=item.transferred_to,
                decided_at=item.decided_at,
                merged=item.merged,
                topic=item.topic or None,
                updates=tuple(
                    Update(update.at, update.by, Progress(update.progress), update.text) for update in item.updates
                ),
            )
            for item in view.suggestions
        ),
        answered=tuple(
            adoption.Answered(
                text=item.text,
                nickname=item.nickname,
                mode=AnswerMode(item.mode).text if item.mode else "答复",
                answer=item.answer,
                at=item.answered_at,
            )
            for item in view.questions
        ),
    )


def write_record(record: adoption.Record, form: str) -> bytes:
    """The file; takes seconds, off the event loop. Raises Unavailable (`no_font`) where a machine cannot make a PDF."""
    try:
        return adoption.render(record, form)
    except NoFont as error:
        raise Unavailable(str(error), code="no_font") from error
