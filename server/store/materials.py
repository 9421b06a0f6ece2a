"""The tables of what a unit attaches to an activity, and of what it publishes of it afterwards."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.store.tables import Account, Base


class Attachment(Base):
    """A file of an activity: a plan for staff alone, or a picture or document that may be published.

    The bytes lie in the data folder under `stored`, a name of our own making.
    """

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    """`plan` 实施方案, `emergency` 应急预案, `picture` or `document`."""
    name: Mapped[str] = mapped_column(String(160))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    alt: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What a picture shows, for those who do not see it."""
    stored: Mapped[str] = mapped_column(String(40), unique=True)
    uploaded_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    account: Mapped[Account | None] = relationship(lazy="selectin")


class Material(Base):
    """One published version of an activity's materials: the very content that the public sees, and its digest."""

    __tablename__ = "material"
    __table_args__ = (UniqueConstraint("activity_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"))
    version: Mapped[int]
    published_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, object]] = mapped_column(JSON)
