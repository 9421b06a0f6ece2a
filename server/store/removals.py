"""What authors ask to be deleted from published versions."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.store.tables import Activity, Base, BigId, Entry

ASKED, DONE, REFUSED = "asked", "done", "refused"


class Removal(Base):
    """An author asks the unit to delete from the published versions what they wrote.

    `state`: `asked`, `done`, `refused`.
    """

    __tablename__ = "removal"

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), index=True)
    entry_id: Mapped[int] = mapped_column(BigId, ForeignKey("entry.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What the author says about it; for staff, and deleted with the rest."""
    asked_at: Mapped[datetime]
    due: Mapped[date]
    """The day by which the unit answers."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it was refused; the author reads it."""
    reply: Mapped[bool] = mapped_column(default=False)
    """Whether what the unit wrote about it was deleted as well."""
    version: Mapped[int | None]
    """The corrected version."""
    entry: Mapped[Entry] = relationship(lazy="selectin")
    activity: Mapped[Activity] = relationship(lazy="selectin")
