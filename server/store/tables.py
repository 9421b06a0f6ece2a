"""The tables. Every change here has a migration in ``server/migrations/versions``."""

from datetime import UTC, date, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

# SQLite gives a rowid, and with it ascending ids, to INTEGER keys alone.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, TIMESTAMPTZ in PostgreSQL, naive UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Declarative base; named constraints, so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment, date: Date}  # noqa: RUF012  (SQLAlchemy reads it as a plain attribute)


class YearPlan(Base):
    """A year's plan as imported: the period in which its activities are to be held, both days included."""

    __tablename__ = "year_plan"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str | None] = mapped_column(String(200))
    document_number: Mapped[str | None] = mapped_column(String(100))
    first: Mapped[date]
    last: Mapped[date]


class HolidayYear(Base):
    """A year's holidays as the coordinator entered them; they go before those that the calendar's package knows."""

    __tablename__ = "holiday_year"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holidays: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    entered_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))


class Unit(Base):
    """主责单位: who holds an activity."""

    __tablename__ = "unit"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    receives_filings: Mapped[bool] = mapped_column(default=False, server_default=false())
    four_eyes: Mapped[bool] = mapped_column(default=False, server_default=false())
    """复核: what the unit publishes is released by a second person."""


class Activity(Base):
    """One 政务开放日 or 政策公开讲."""

    __tablename__ = "activity"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    number: Mapped[int]
    """The plan's number; 0 for an activity that a unit added itself."""
    plan_year: Mapped[int | None]
    """The year of the plan that names it, None for an activity that a unit added itself."""
    topic: Mapped[str | None] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text, default="", server_default="")
    form: Mapped[str | None] = mapped_column(String(16))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    place: Mapped[str] = mapped_column(String(200), default="", server_default="")
    flow: Mapped[str] = mapped_column(Text, default="", server_default="")
    participation: Mapped[str] = mapped_column(Text, default="", server_default="")
    state: Mapped[str] = mapped_column(String(16), default="scheduled", server_default="scheduled")
    live_started_at: Mapped[datetime | None]
    live_ended_at: Mapped[datetime | None]
    received: Mapped[int] = mapped_column(default=0, server_default="0")
    """Entries ever acknowledged, counted in the transaction that stores them: the ledger's left side."""
    moderation: Mapped[str] = mapped_column(String(16), default="after", server_default="after")
    """When comments are shown: `after`, `before` or `suspicious` (server.moderation_rules)."""
    slow_seconds: Mapped[int] = mapped_column(default=0, server_default="0")
    """慢速模式: seconds between two entries of one device; 0 = off."""
    challenge: Mapped[str] = mapped_column(String(8), default="auto", server_default="auto")
    """When a device proves work before it speaks: `off`, `auto` or `on` (server.realtime.challenge)."""
    open_selection: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether people on the spot are chosen by 公开遴选: a 遴选公告 is due then (server.selection sets it)."""
    selection_announced_at: Mapped[datetime | None]
    """When the first 遴选公告 was published."""
    identity: Mapped[str] = mapped_column(String(8), default="guest", server_default="guest")
    """What a citizen proves before speaking: `guest` nothing, `phone` a phone (server.identity)."""
    promise_days: Mapped[int | None]
    """The unit's own promise: working days after the last day in which it says what was adopted (采纳情况反馈)."""
    leader: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """Who of the unit leads the activity."""
    attended: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """Which of the unit's heads came (主要负责同志); recorded afterwards, and only a record."""
    units: Mapped[list[Unit]] = relationship(secondary="activity_unit", order_by=Unit.id, lazy="selectin")


class ActivityUnit(Base):
    """Which units hold an activity."""

    __tablename__ = "activity_unit"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    unit_id: Mapped[str] = mapped_column(ForeignKey("unit.id"), primary_key=True)


class Account(Base):
    """A member of staff."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    unit_id: Mapped[str | None] = mapped_column(ForeignKey("unit.id"))
    email: Mapped[str | None] = mapped_column(String(254))
    """Where the account wants to be reminded of deadlines; only its owner sees it."""
    disabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    password_generated: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    unit: Mapped[Unit | None] = relationship(lazy="selectin")


class Credential(Base):
    """A session cookie or an API token; only its SHA-256 is kept."""

    __tablename__ = "credential"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Entry(Base):
    """A comment or a question of a citizen. `device` is a keyed digest, never what the client sent."""

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("activity_id", "device", "key"),
        Index("ix_entry_activity_id_kind_id", "activity_id", "kind", "id"),
        # Small at all times: what the scorer still has to do.
        Index("ix_entry_unscored", "id", sqlite_where=text("label IS NULL"), postgresql_where=text("label IS NULL")),
        Index(
            "ix_entry_merged_into",
            "merged_into",
            sqlite_where=text("merged_into IS NOT NULL"),
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    kind: Mapped[str] = mapped_column(String(16))
    device: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(64))
    receipt: Mapped[str] = mapped_column(String(16), unique=True)
    nickname: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    state_before: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime]
    score: Mapped[float | None] = mapped_column(Float(53))
    label: Mapped[str | None] = mapped_column(String(16))
    model: Mapped[str | None] = mapped_column(String(64))
    utterance: Mapped[str | None] = mapped_column(String(16))
    corrected: Mapped[str | None] = mapped_column(String(16))
    """The label that a host gave instead of the model's; it counts before `label`."""
    votes: Mapped[int] = mapped_column(default=0, server_default="0")
    on_screen: Mapped[bool] = mapped_column(default=False, server_default=false())
    answer_mode: Mapped[str | None] = mapped_column(String(16))
    answer: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]
    merged_into: Mapped[int | None] = mapped_column(BigId)
    """The entry that stands for this one while it is merged (server.merging)."""
    merged_count: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many are merged into this one."""
    flags: Mapped[list[dict[str, object]] | None] = mapped_column(JSON(none_as_null=True))
    """Why the entry was held or marked; for hosts alone."""
    proposed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """建议: its author sent the comment as a suggestion."""
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    """Grows with each act of a host, so that none overwrites another's."""
    handled_by: Mapped[str | None] = mapped_column(String(64))
    """The name of the host whose act was the last."""
    labels: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    notes: Mapped[list[dict[str, object]] | None] = mapped_column(JSON(none_as_null=True))
    """What hosts tell each other about it (server.arranging); never public."""
    lifted: Mapped[int | None]
    """Its place among the questions that a host put before the others; 1 is the first."""


class Vote(Base):
    """One device's vote on one question."""

    __tablename__ = "vote"

    entry_id: Mapped[int] = mapped_column(BigId, ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True)
    device: Mapped[str] = mapped_column(String(32), primary_key=True)
    given_to: Mapped[int | None] = mapped_column(BigId)
    """The merged entry that it was given to, where that is another one."""


class Act(Base):
    """The log of what staff did: moderation, decisions, publications, state changes, downloads."""

    __tablename__ = "act"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"), index=True)
    entry_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("entry.id"), index=True)
    act: Mapped[str] = mapped_column(String(32))
    detail: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)


class Notice(Base):
    """One published version of an activity's notice: the very content that the public sees, and its digest."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("activity_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    version: Mapped[int]
    published_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    """The times that it announces: a later change away from them is filed."""
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, object]] = mapped_column(JSON)
    facts: Mapped[dict[str, object]] = mapped_column(JSON)
    """What it was composed from, to say what a correction changes."""
    objections: Mapped[list[str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it was published all the same; for staff."""
    account: Mapped[Account | None] = relationship(lazy="selectin")


class Filing(Base):
    """报备: a change of an activity's time, filed in the transaction that made it."""

    __tablename__ = "filing"

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), index=True)
    filed_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    grounds: Mapped[list[str]] = mapped_column(JSON)
    before_starts_at: Mapped[datetime | None]
    before_ends_at: Mapped[datetime | None]
    after_starts_at: Mapped[datetime | None]
    after_ends_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text)
    own: Mapped[bool]
    """Filed by the unit that receives filings."""
    activity: Mapped[Activity] = relationship(lazy="selectin")
    account: Mapped[Account | None] = relationship(lazy="selectin")


class Reminder(Base):
    """A reminder of a deadline that was sent, or is being sent, to an account: each stage of each deadline once."""

    __tablename__ = "reminder"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    due: Mapped[date] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(String(8), primary_key=True)
    claimed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class WordTable(Base):
    """A word list: the words of one severity, of one unit or of the district (`*`)."""

    __tablename__ = "word_list"

    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    severity: Mapped[str] = mapped_column(String(16), primary_key=True)
    words: Mapped[list[str]] = mapped_column(JSON)
    revision: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))


class Ban(Base):
    """禁言: a device, or an address range, that may not speak in an activity until a time. It holds digests alone."""

    __tablename__ = "ban"

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), index=True)
    device: Mapped[str] = mapped_column(String(32))
    network: Mapped[str | None] = mapped_column(String(32))
    """A keyed digest of the address range, where the ban is for all of it; forgotten when it is lifted."""
    entry_id: Mapped[int] = mapped_column(BigId, ForeignKey("entry.id"))
    at: Mapped[datetime]
    until: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    lifted_at: Mapped[datetime | None]
    entry: Mapped[Entry] = relationship(lazy="selectin")
    account: Mapped[Account | None] = relationship(lazy="selectin")


class Visitor(Base):
    """A device that watched an activity while it was live: for the number of viewers, nothing else."""

    __tablename__ = "visitor"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    device: Mapped[str] = mapped_column(String(32), primary_key=True)
    first_at: Mapped[datetime]


class PresenceSample(Base):
    """How many watched at one moment of a live activity."""

    __tablename__ = "presence_sample"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    watching: Mapped[int]
