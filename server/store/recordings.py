"""The recording of an activity in the database, and where a moment lies in it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, String, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.store.tables import Base
from streaming.playlist import Span, second_of


class Recording(Base):
    """What is recorded of an activity, whether it may be, and whether the public may see it.

    `state`: `none` (nothing yet), `recording`, `finishing`, `ready`, `failed`. `stretches` is a list of
    `{"begins", "seconds", "at"}`: see `streaming.playlist.Span`.
    """

    __tablename__ = "recording"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    allowed: Mapped[bool] = mapped_column(default=True, server_default=true())
    state: Mapped[str] = mapped_column(String(16), default="none", server_default="none")
    started_at: Mapped[datetime | None]
    stretches: Mapped[list[dict[str, float]]] = mapped_column(JSON, default=list)
    path: Mapped[str | None] = mapped_column(String(200))
    """Below the data folder."""
    bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    seconds: Mapped[float] = mapped_column(Float(53), default=0.0, server_default="0")
    sha256: Mapped[str | None] = mapped_column(String(64))
    stopped: Mapped[str | None] = mapped_column(String(16))
    """Why it stopped by itself: `limit` or `disk`."""
    released_at: Mapped[datetime | None]
    released_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    @property
    def spans(self) -> list[Span]:
        """The stretches as the pure functions take them."""
        return [Span(**stretch) for stretch in self.stretches]


def recording_second(spans: Sequence[Span], moment: datetime | None) -> float | None:
    """The second of the recording at which a moment of the clock was on air; None outside, and for None. Pure.

    A moment in an interruption of the publisher lies at the seam. Call it so, once the activity is over (while it
    runs, the stretches are those up to the last interruption):

        recording = await public_recording(session, activity.id)
        second = recording_second(recording.spans, entry.answered_at) if recording is not None else None
    """
    return None if moment is None else second_of(spans, moment.timestamp())


async def public_recording(session: AsyncSession, activity_id: int) -> Recording | None:
    """The finished recording that the unit released to the public, or None."""
    recording = await session.get(Recording, activity_id)
    if recording is None or recording.state != "ready" or recording.released_at is None:
        return None
    return recording
