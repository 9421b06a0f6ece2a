"""The film of an activity in the database: a recorded programme that is broadcast as if live."""

from datetime import datetime

from sqlalchemy import BigInteger, Float, ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from server.programme.film import Phase, Showing
from server.store.tables import Activity, Base


class ActivityFilm(Base):
    """An activity's film, or the one that is being uploaded; `began_at` is when its first second was on air."""

    __tablename__ = "film"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), default="", server_default="")
    stored: Mapped[str | None] = mapped_column(String(80))
    """Its file in the folder of films; None while there is none."""
    size: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    seconds: Mapped[float] = mapped_column(Float(53), default=0.0, server_default="0")
    width: Mapped[int] = mapped_column(default=0, server_default="0")
    height: Mapped[int] = mapped_column(default=0, server_default="0")
    sound: Mapped[bool] = mapped_column(default=False, server_default=false())
    upload_name: Mapped[str | None] = mapped_column(String(255))
    """A file of which not all has come yet."""
    upload_size: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    planned: Mapped[bool] = mapped_column(default=False, server_default=false())
    """定时播出: it begins at the activity's hour, and takes it live."""
    asked_at: Mapped[datetime | None]
    """现在播出: when a host asked for it."""
    ends_activity: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the activity ends with it; else the host ends it."""
    began_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    """Who planned it, or asked for it."""

    def showing(self, activity: Activity) -> Showing:
        """The facts as the pure functions take them."""
        begins_at = self.asked_at or (activity.starts_at if self.planned else None)
        outcome = Phase(self.outcome) if self.outcome else None
        return Showing(self.seconds, begins_at, self.began_at, outcome)

    def rewind(self) -> None:
        """Forget how it was shown, and any plan for it."""
        self.planned, self.asked_at, self.began_at, self.outcome = False, None, None, None
