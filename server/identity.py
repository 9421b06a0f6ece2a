"""Who speaks, where an activity asks for it: a phone proved by a code. 跟帖评论服务管理规定 (2022) 4 (2): real
identity at the back, a free name at the front.

A phone is sealed, belongs to one device in one activity, is shown on no page, and is deleted after `KEPT`.
"""

import hmac
import re
import secrets
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from logging import getLogger

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.activities import Known
from server.errors import BadRequest, Conflict, Forbidden, NotFound, RateLimited, Unavailable
from server.moderation_rules import Rules
from server.personal import Person, Seals
from server.realtime.limits import Rate
from server.realtime.shared import Limit, SharedMemory
from server.sms import Gateway, SmsError
from server.store.database import Database
from server.store.identity import PhoneIdentity
from server.store.tables import Act, Entry

log = getLogger(__name__)

KEPT = timedelta(days=180)
"""How long a proved phone is kept: 网络安全法 21 (3) asks for records of no less than six months."""
CODE_HOLDS = timedelta(minutes=5)
MOST_TRIES = 5
MOST_DEVICES = 5
"""Devices that one phone may speak from in one activity."""

DEVICE_CODES = Rate(burst=1, per_second=1 / 60)
PHONE_CODES = Rate(burst=5, per_second=5 / 86_400)
# A hall of people behind one address proves its phones within minutes; nobody makes the operator pay for thousands.
ADDRESS_CODES = Rate(burst=100, per_second=0.5)
ALL_CODES = Rate(burst=1_000, per_second=5)

_REMEMBERED = 100_000
_PHONE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})", re.ASCII)


class Phone(BaseModel):
    """A mobile number as somebody typed it."""

    model_config = ConfigDict(strict=True, frozen=True)
    phone: str = Field(min_length=1, max_length=40)


class Code(BaseModel):
    """The code of a text message as somebody typed it."""

    model_config = ConfigDict(strict=True, frozen=True)
    code: str = Field(min_length=1, max_length=20)


class IdentityRequired(Forbidden):
    """The device has to prove a phone first; what it sent is not stored and may be sent again after that."""

    code = "identity"


def mobile_number(typed: str) -> str:
    """The eleven digits of a mobile number of the mainland. Raises BadRequest (`bad_phone`)."""
    found = _PHONE.fullmatch(re.sub(r"[\s()\-]", "", unicodedata.normalize("NFKC", typed)))
    if found is None:
        raise BadRequest("请填写11位手机号码。", code="bad_phone", field="phone")
    return found[1]


class Identities:
    """Sends codes, checks them, and remembers who has proved a phone."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        seals: Seals,
        rules: Rules,
        memory: SharedMemory,
        *,
        key: bytes,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._seals = seals
        self._rules = rules
        self._key = hmac.digest(key, b"phone codes", "sha256")
        self._now = now
        self._proved: OrderedDict[tuple[int, str], datetime] = OrderedDict()
        self.device_codes = Limit("device codes", DEVICE_CODES, memory)
        self.phone_codes = Limit("phone codes", PHONE_CODES, memory)
        self.address_codes = Limit("address codes", ADDRESS_CODES, memory)
        self.all_codes = Limit("all codes", ALL_CODES, memory)

    async def require(self, activity: Known, device: str) -> None:
        """Raise IdentityRequired where the activity asks for a phone and the device has proved none."""
        if activity.identity != "phone":
            return
        until = self._proved.get((activity.id, device))
        if until is None:
            async with self._database.read() as session:
                row = await session.get(PhoneIdentity, (activity.id, device))
            if row is not None and row.verified_at is not None:
                until = row.until
                self._remember(activity.id, device, until)
        if until is None or until <= self._now():
            raise IdentityRequired("本活动发言前需要验证手机号。号码加密保存，不公开，主持人也看不到。")

    async def send(self, activity: Known, device: str, address: str, typed: str) -> None:
        """Send a code to the phone. Raises BadRequest, RateLimited, Conflict (`not_asked`), Unavailable."""
        phone = mobile_number(typed)
        if activity.identity != "phone":
            raise Conflict("本活动不需要验证手机号。", code="not_asked")
        digest = self._seals.digest(activity.id, phone)
        await self.device_codes.take(device)
        await self.address_codes.take(address)
        try:
            await self.phone_codes.take(digest)
        except RateLimited as error:
            raise RateLimited("这个号码收到的验证码太多，请过几小时再试。", retry_after=error.retry_after) from None
        await self.all_codes.take("all")
        code = f"{secrets.randbelow(1_000_000):06d}"
        async with self._database.write() as session:
            row = await session.get(PhoneIdentity, (activity.id, device), with_for_update=True)
            if row is not None and row.verified_at is not None:
                raise Conflict("这台设备已经验证过，可以直接发言。", code="verified")
            if row is None:
                row = PhoneIdentity(activity_id=activity.id, device=device)
                session.add(row)
            row.phone_digest, row.sealed = digest, self._seals.seal(Person("", phone))
            row.code_digest, row.tries = self._digest(activity.id, device, code), 0
            row.until = self._now() + CODE_HOLDS
        minutes = int(CODE_HOLDS.total_seconds() // 60)
        try:
            await self._gateway.send(phone, code, f"【民声】验证码{code}，{minutes}分钟内有效。请勿告诉他人。")
        except SmsError as error:
            log.error("identity: a code was not sent: %s", error)
            raise Unavailable("验证码没有发出，请稍后再试。", retry_after=60) from None

    async def prove(self, activity: Known, device: str, typed: str) -> None:
        """Check the code. Raises BadRequest (`bad_code`, `code_expired`), Conflict (`too_many`), Forbidden."""
        code = re.sub(r"\s", "", unicodedata.normalize("NFKC", typed))
        async with self._database.write() as session:
            row = await session.get(PhoneIdentity, (activity.id, device), with_for_update=True)
            if row is not None and row.verified_at is not None:
                return
            if row is None or row.until <= self._now() or row.tries >= MOST_TRIES:
                raise BadRequest("验证码已失效，请重新获取。", code="code_expired", field="code")
            right = hmac.compare_digest(row.code_digest, self._digest(activity.id, device, code))
            if right:
                await self._require_room(session, row)
                row.verified_at, row.until, row.code_digest = self._now(), self._now() + KEPT, ""
                self._remember(activity.id, device, row.until)
            else:
                row.tries += 1  # kept, though what follows is a refusal
        if not right:
            raise BadRequest("验证码不正确，请核对后再填。", code="bad_code", field="code")

    async def _require_room(self, session: AsyncSession, row: PhoneIdentity) -> None:
        """A ban holds for the phone: a new device does not get round it."""
        devices = (
            await session.scalars(
                select(PhoneIdentity.device).where(
                    PhoneIdentity.activity_id == row.activity_id,
                    PhoneIdentity.phone_digest == row.phone_digest,
                    PhoneIdentity.verified_at.is_not(None),
                )
            )
        ).all()
        if len(devices) >= MOST_DEVICES:
            raise Conflict("这个号码已经在几台设备上验证过，不能再用于更多设备。", code="too_many")
        for other in devices:
            self._rules.require_voice(row.activity_id, other)

    def _digest(self, activity_id: int, device: str, code: str) -> str:
        return hmac.new(self._key, f"{activity_id}:{device}:{code}".encode(), "sha256").hexdigest()

    def _remember(self, activity_id: int, device: str, until: datetime) -> None:
        self._proved[activity_id, device] = until
        if len(self._proved) > _REMEMBERED:
            self._proved.popitem(last=False)


async def erase_phones(session: AsyncSession, now: datetime) -> int:
    """Delete the phones whose time is over, and codes that nobody entered; returns how many."""
    number = await session.scalar(select(func.count()).where(PhoneIdentity.until <= now)) or 0
    if number:
        await session.execute(delete(PhoneIdentity).where(PhoneIdentity.until <= now))
    return number


async def author_of(session: AsyncSession, seals: Seals, receipt: str, reason: str, now: datetime) -> str:
    """The phone behind an entry, for a request by law; the look stands in the log with its reason. Raises NotFound."""
    entry = await session.scalar(select(Entry).where(Entry.receipt == receipt))
    row = await session.get(PhoneIdentity, (entry.activity_id, entry.device)) if entry is not None else None
    if entry is None or row is None or row.verified_at is None:
        raise NotFound("没有这条留言的手机号：没有这个回执，活动没有要求验证，或已过保存期限。")
    session.add(
        Act(at=now, activity_id=entry.activity_id, entry_id=entry.id, act="identity", detail={"reason": reason})
    )
    return seals.open(row.sealed).phone
