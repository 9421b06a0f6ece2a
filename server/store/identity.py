"""The table of who speaks where an activity asks for a phone."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.store.tables import Base


class PhoneIdentity(Base):
    """One device in one activity and the phone that it proved, sealed; or the code that it was sent and owes yet."""

    __tablename__ = "phone_identity"
    __table_args__ = (Index("ix_phone_identity_activity_id_phone_digest", "activity_id", "phone_digest"),)

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    device: Mapped[str] = mapped_column(String(32), primary_key=True)
    phone_digest: Mapped[str] = mapped_column(String(32))
    sealed: Mapped[str] = mapped_column(Text)
    code_digest: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    """Wrong codes since the last one was sent."""
    until: Mapped[datetime] = mapped_column(index=True)
    """The code's end; once it is proved, the day on which the row is deleted."""
    verified_at: Mapped[datetime | None]
