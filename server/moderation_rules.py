"""The rules that meet an entry before it is stored: bans, word lists, and the activity's mode. Kept in memory.

A task looks every second for what changed, here or in another process; a comment costs no query.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from logging import getLogger
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.states import PUBLIC, Kind, Reason, State
from feedback.states import Act as EntryAct
from feedback.words import Hit, Severity, WordList, fold, strongest
from server.activities import Known
from server.errors import BadRequest, Forbidden, Unavailable
from server.periodic import Periodic
from server.realtime.shared import SharedMemory
from server.store.database import Database
from server.store.tables import Act, Activity, Ban, Entry, WordTable

log = getLogger(__name__)

DISTRICT = "*"
"""The scope of the district's own lists."""
REFRESH_SECONDS = 1.0
_BEIJING = timezone(timedelta(hours=8))
# Acts of another process may become visible out of order: the last few are read again.
_OVERLAP = 50
_MOST_HEARD = 100_000
_RANGE = "range"
HEARD_LASTS = timedelta(hours=12)
"""How long Redis remembers a range, where there is Redis: an activity and what comes right after it."""
_TRUSTING = {EntryAct.APPROVE.value, EntryAct.ANSWER.value, EntryAct.RESTORE.value}
_DISTRUSTING = {EntryAct.HIDE.value, EntryAct.REOPEN.value}


@dataclass(frozen=True, slots=True)
class Admitted:
    """What becomes of an entry: its first state, and what the host is told about it."""

    state: State
    flags: list[dict[str, object]] | None


@dataclass(frozen=True, slots=True)
class Muted:
    """A ban as the rules need it."""

    until: datetime
    reason: Reason


@dataclass(slots=True)
class _Trust:
    """Devices of which a host has let something stand, in an activity that asks for it."""

    devices: set[str]
    last_act: int


def first_state(kind: Kind, mode: str, severity: Severity | None, *, newcomer: bool) -> State:
    """Where an entry begins. A question always waits for a host; a comment as the mode and the lists say."""
    if kind is Kind.QUESTION or mode == "before" or severity is Severity.HOLD:
        return State.PENDING
    if mode == "suspicious" and (newcomer or severity is not None):
        return State.PENDING
    return State.SHOWN


def muted_words(muted: Muted) -> str:
    """What a banned citizen is told."""
    until = muted.until.astimezone(_BEIJING)
    return (
        f"主持人已暂停您在本活动发言，到{until.month}月{until.day}日{until:%H:%M}为止"
        f"（原因：{muted.reason.text}）。您可以继续观看；如有疑问，请联系主办单位。"
    )


class Rules:
    """Owner of the lists, the bans, and the task that keeps them fresh."""

    def __init__(self, database: Database, memory: SharedMemory, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._memory = memory
        self._now = now
        self._lists: Mapping[str, WordList] = MappingProxyType({})
        self._revisions: dict[tuple[str, str], int] = {}
        self._bans: dict[tuple[int, str], Muted] = {}
        """By activity and digest, of a device or of an address range."""
        self._heard: OrderedDict[str, str] = OrderedDict()
        self._trust: dict[int, _Trust] = {}
        self._loaded = False
        self._turn = asyncio.Lock()  # an older reading never replaces a newer one
        self._looking = Periodic("rules", self.refresh, REFRESH_SECONDS)
        self.blocked = 0
        """Entries refused because of a word, since the start."""
        self.held = 0
        """Comments that wait for a host because of a word, the mode or a device that is new."""
        self.refused = 0
        """Messages refused because of a ban."""

    async def start(self) -> None:
        """Load the rules and begin to watch them."""
        await self._looking.once()
        await self._looking.start()

    async def close(self) -> None:
        """Stop watching. Idempotent."""
        await self._looking.close()

    def wake(self) -> None:
        """Something changed here: look at once."""
        self._looking.wake()

    async def heard(self, device: str, network: str) -> None:
        """Remember the digest of the address range from which a device speaks: in memory alone, for a ban to come."""
        before = self._heard.pop(device, None)
        self._heard[device] = network
        if len(self._heard) > _MOST_HEARD:
            self._heard.popitem(last=False)
        if before != network:
            await self._memory.note(_RANGE, device, network, HEARD_LASTS.total_seconds())

    async def network_of(self, device: str) -> str | None:
        """The digest of the range from which the device spoke last; None where no process has heard it."""
        return await self._memory.noted(_RANGE, device) or self._heard.get(device)

    def muted(self, activity_id: int, device: str, network: str | None = None) -> Muted | None:
        """The ban that holds now for the device or its address range, if any."""
        for banned in (device, network):
            muted = self._bans.get((activity_id, banned)) if banned is not None else None
            if muted is not None and muted.until > self._now():
                return muted
        return None

    def require_voice(self, activity_id: int, device: str, network: str | None = None) -> None:
        """Raise Forbidden (`muted`) with the end of the ban, Unavailable before the rules are loaded."""
        if not self._loaded:
            raise Unavailable("系统正在恢复，请稍后再发。", retry_after=3)
        muted = self.muted(activity_id, device, network)
        if muted is not None:
            self.refused += 1
            seconds = (muted.until - self._now()).total_seconds()
            raise Forbidden(muted_words(muted), code="muted", retry_after=seconds)

    def admit(self, activity: Known, kind: Kind, device: str, text: str, nickname: str) -> Admitted:
        """What becomes of an entry. Raises BadRequest (`blocked`) for a word that blocks; the word is not repeated."""
        flags: list[dict[str, object]] = []
        found: list[Hit] = []
        for field, value in (("text", text), ("nickname", nickname)):
            for scope, hits in self.find(value, activity.unit_ids):
                found += hits
                flags += [{"rule": "word", "field": field, "list": scope, **asdict(hit)} for hit in hits]
        severity = strongest(found)
        if severity is Severity.BLOCK:
            self.blocked += 1
            raise BadRequest("留言或昵称里有不能发布的内容，没有发出。请修改以后再发。", code="blocked")
        newcomer = activity.moderation == "suspicious" and not self._trusts(activity.id, device)
        state = first_state(kind, activity.moderation, severity, newcomer=newcomer)
        if kind is Kind.COMMENT and state is State.PENDING:
            self.held += 1
        if newcomer and kind is Kind.COMMENT:
            flags.append({"rule": "newcomer"})
        return Admitted(state, flags or None)

    def find(self, text: str, unit_ids: frozenset[str]) -> list[tuple[str, list[Hit]]]:
        """Hits of the district's list and of those of the units, with the list's scope."""
        scopes = [scope for scope in (DISTRICT, *sorted(unit_ids)) if scope in self._lists]
        if not scopes:
            return []
        folded = fold(text)
        return [(scope, hits) for scope in scopes if (hits := self._lists[scope].find(folded))]

    def _trusts(self, activity_id: int, device: str) -> bool:
        trust = self._trust.get(activity_id)
        return trust is not None and device in trust.devices

    async def refresh(self) -> None:
        """Read what changed. Raises what the database raises; the rules stay as they were then."""
        async with self._turn, self._database.read() as session:
            await self._refresh_lists(session)
            now = self._now()
            bans = await session.scalars(
                select(Ban).where(Ban.lifted_at.is_(None), Ban.until > now).order_by(Ban.until)
            )
            self._bans = {
                (ban.activity_id, banned): Muted(ban.until, Reason(ban.reason))
                for ban in bans
                for banned in (ban.device, ban.network)
                if banned is not None
            }
            await self._refresh_trust(session)
        self._loaded = True

    async def _refresh_lists(self, session: AsyncSession) -> None:
        rows = await session.execute(select(WordTable.scope, WordTable.severity, WordTable.revision))
        revisions = {(scope, severity): revision for scope, severity, revision in rows}
        if revisions == self._revisions:
            return
        changed = {scope for scope, _ in dict(revisions.items() ^ self._revisions.items())}
        tables = (await session.scalars(select(WordTable).where(WordTable.scope.in_(changed)))).all()
        lists = {scope: words for scope, words in self._lists.items() if scope not in changed}
        for scope in changed:
            own = {Severity(table.severity): table.words for table in tables if table.scope == scope}
            built = await asyncio.to_thread(WordList, own)  # a second of work for a large list
            if built.size:
                lists[scope] = built
        self._lists, self._revisions = MappingProxyType(lists), revisions

    async def _refresh_trust(self, session: AsyncSession) -> None:
        wanted = set(
            await session.scalars(
                select(Activity.id).where(Activity.moderation == "suspicious", Activity.state == "live")
            )
        )
        for activity_id in self._trust.keys() - wanted:
            del self._trust[activity_id]
        for activity_id in wanted:
            if activity_id not in self._trust:
                self._trust[activity_id] = await _first_trust(session, activity_id)
            await _follow(session, activity_id, self._trust[activity_id])


async def _first_trust(session: AsyncSession, activity_id: int) -> _Trust:
    last = await session.scalar(select(Act.id).where(Act.activity_id == activity_id).order_by(Act.id.desc()).limit(1))
    devices = await session.scalars(
        select(Entry.device)
        .where(Entry.activity_id == activity_id, Entry.state.in_([state.value for state in PUBLIC]))
        .distinct()
    )
    return _Trust(set(devices), last or 0)


async def _follow(session: AsyncSession, activity_id: int, trust: _Trust) -> None:
    rows = await session.execute(
        select(Act.id, Act.act, Act.detail, Entry.device)
        .join(Entry, Entry.id == Act.entry_id)
        .where(
            Act.activity_id == activity_id,
            Act.id > trust.last_act - _OVERLAP,
            Act.act.in_(_TRUSTING | _DISTRUSTING),
        )
        .order_by(Act.id)
    )
    for act_id, act, detail, device in rows:
        if act in _TRUSTING:
            trust.devices.add(device)
        elif detail.get("to") not in PUBLIC:  # an answer that was taken back leaves the question public
            trust.devices.discard(device)
        trust.last_act = max(trust.last_act, act_id)


def explain(hits: Sequence[tuple[str, list[Hit]]]) -> Severity | None:
    """What the hits of several lists do to a text together."""
    return strongest(hit for _, found in hits for hit in found)
