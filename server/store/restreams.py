"""Addresses to which a unit's broadcast is pushed on."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.store.tables import Base


class Restream(Base):
    """One RTMP address of an activity; `sealed` is the address with its key, encrypted (server.restreams)."""

    __tablename__ = "restream"

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    shown: Mapped[str] = mapped_column(String(300))
    """The address without its key."""
    sealed: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
