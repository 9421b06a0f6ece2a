"""The tables of places for people on the spot, and of satisfaction."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from server.store.tables import Base


class Selection(Base):
    """How the people of an activity are chosen: 公开遴选 or 定向邀请, when, how many of whom, and the draw."""

    __tablename__ = "selection"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(8))
    """`open` (公开遴选) or `invited` (定向邀请)."""
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    quotas: Mapped[dict[str, int]] = mapped_column(JSON)
    requirements: Mapped[str] = mapped_column(Text, default="", server_default="")
    revision: Mapped[int] = mapped_column(default=1)
    registered: Mapped[int] = mapped_column(default=0, server_default="0")
    """Registrations ever taken: the next one's number."""
    seed: Mapped[str] = mapped_column(String(64))
    """Secret until the draw; its commitment stands in the notice."""
    public_source: Mapped[str] = mapped_column(String(200), default="", server_default="")
    roster: Mapped[str | None] = mapped_column(Text)
    """The list as published when registration was closed."""
    closed_at: Mapped[datetime | None]
    record: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))
    """The published draw (server.programme.draw)."""
    drawn_at: Mapped[datetime | None]


class SelectionNotice(Base):
    """遴选公告: one published version, and its digest."""

    __tablename__ = "selection_notice"
    __table_args__ = (UniqueConstraint("activity_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"))
    version: Mapped[int]
    published_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, object]] = mapped_column(JSON)
    objections: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    """Why it needed a reason, and the reason; for staff alone."""
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")


class Invitation(Base):
    """A code of 定向邀请; only its SHA-256 is kept."""

    __tablename__ = "invitation"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), index=True)
    category: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime]
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))


class Registration(Base):
    """报名. Who it is lies sealed in `sealed`, until it is withdrawn or its time is over."""

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("activity_id", "number"),
        UniqueConstraint("activity_id", "phone_digest"),
        # Holds what the assessment counts, so that a hundred thousand rows need not be read for it.
        Index("ix_registration_activity_id_state_attended_at", "activity_id", "state", "attended_at"),
        # The waiting list in its order: who is next, and who stands where.
        Index("ix_registration_activity_id_state_category_rank", "activity_id", "state", "category", "rank"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"))
    number: Mapped[int]
    """Public, and says nothing about the person."""
    receipt: Mapped[str] = mapped_column(String(16), unique=True)
    category: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    rank: Mapped[int] = mapped_column(default=0, server_default="0")
    """Its place on the waiting list, after the draw."""
    at: Mapped[datetime]
    changed_at: Mapped[datetime]
    guardian: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Registered by a guardian for somebody under 14 (PIPL 31)."""
    sealed: Mapped[str | None] = mapped_column(Text)
    phone_digest: Mapped[str | None] = mapped_column(String(32))
    attended_at: Mapped[datetime | None]
    attended_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    rated: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether who came told how satisfied they were; not what, for the answer knows of no registration."""


class SatisfactionAnswer(Base):
    """满意度 of one device for one activity; nothing in it leads to a person."""

    __tablename__ = "satisfaction"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    device: Mapped[str] = mapped_column(String(32), primary_key=True)
    level: Mapped[str] = mapped_column(String(20))
    present: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it was told with a ticket that had been checked in at the door."""
    at: Mapped[datetime]
