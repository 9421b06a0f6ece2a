"""What becomes of suggestions and questions: decisions, progress, hand-overs, and the published versions."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.store.tables import Account, Activity, Base, BigId, Entry, Unit


class Suggestion(Base):
    """An entry that the unit treats as a suggestion (意见建议), and its decision (采纳情况)."""

    __tablename__ = "suggestion"
    __table_args__ = (UniqueConstraint("activity_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    entry_id: Mapped[int] = mapped_column(BigId, ForeignKey("entry.id"), unique=True)
    number: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)
    marked_at: Mapped[datetime]
    topic: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """分类: what it is about, as the unit filed it; empty while nobody did."""
    decision: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    transferred_to: Mapped[str | None] = mapped_column(ForeignKey("unit.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    entry: Mapped[Entry] = relationship(lazy="joined")
    updates: Mapped[list["SuggestionUpdate"]] = relationship(
        order_by="SuggestionUpdate.id", lazy="selectin", cascade="all, delete-orphan"
    )
    receiver: Mapped[Unit | None] = relationship(lazy="selectin")
    decider: Mapped[Account | None] = relationship(lazy="selectin")


class SuggestionUpdate(Base):
    """What happened after a decision (落实情况), on a day, in the unit's words. Never changed, only followed."""

    __tablename__ = "suggestion_update"

    id: Mapped[int] = mapped_column(primary_key=True)
    suggestion_id: Mapped[int] = mapped_column(ForeignKey("suggestion.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    unit_id: Mapped[str | None] = mapped_column(ForeignKey("unit.id"))
    """Whose word it is; None for the coordinator's."""
    progress: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    unit: Mapped[Unit | None] = relationship(lazy="selectin")
    account: Mapped[Account | None] = relationship(lazy="selectin")


class ReleaseRequest(Base):
    """复核: what one person put forward to be published, for another to release. One for each activity."""

    __tablename__ = "release_request"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    """更正说明 of the version, part of what was put forward."""
    returned_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """Who returned it to be changed; None while it waits."""
    remark: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What is to be changed, in the words of who returned it."""
    account: Mapped[Account] = relationship(lazy="selectin", foreign_keys=[account_id])
    returner: Mapped[Account | None] = relationship(lazy="selectin", foreign_keys=[returned_by])


class Handover(Base):
    """转办: an entry offered to another unit, which accepts it and replies, or returns it."""

    __tablename__ = "handover"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigId, ForeignKey("entry.id"), index=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), index=True)
    unit_id: Mapped[str] = mapped_column(ForeignKey("unit.id"), index=True)
    due: Mapped[date | None]
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    state: Mapped[str] = mapped_column(String(16))
    offered_at: Mapped[datetime]
    offered_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    changed_at: Mapped[datetime]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    words: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it was returned, or the reply."""
    entry: Mapped[Entry] = relationship(lazy="selectin")
    activity: Mapped[Activity] = relationship(lazy="selectin")
    unit: Mapped[Unit] = relationship(lazy="selectin")


@dataclass(slots=True)
class Handed:
    """转办 of an entry, in short: to which unit, how that stands, and until when a reply is asked for."""

    id: int
    unit: str
    state: str
    due: date | None


class Publication(Base):
    """One published version of an activity's outcomes: the very content that the public sees, and its digest."""

    __tablename__ = "publication"
    __table_args__ = (UniqueConstraint("activity_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    version: Mapped[int]
    published_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, object]] = mapped_column(JSON)
    entry_ids: Mapped[dict[str, int]] = mapped_column(JSON)
    """Suggestion number (as text) to entry id, so that a receipt finds its place; not part of what is shown."""
