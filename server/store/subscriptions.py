"""The table of who wants to be told by e-mail what became of an activity's suggestions."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.store.tables import Activity, Base


class Subscription(Base):
    """An address that is told of new versions: of one suggestion, or (number 0) of the whole activity."""

    __tablename__ = "subscription"
    __table_args__ = (UniqueConstraint("activity_id", "number", "email"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"))
    number: Mapped[int]
    email: Mapped[str] = mapped_column(String(254), index=True)
    asked_at: Mapped[datetime]
    """When its owner was last asked to confirm."""
    confirmed_at: Mapped[datetime | None]
    told_version: Mapped[int] = mapped_column(default=0, server_default="0")
    """The newest published version that it was told of."""
    activity: Mapped[Activity] = relationship(lazy="selectin")
