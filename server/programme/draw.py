"""A draw among registrations that anyone can check afterwards (公开遴选: “人员选取采取公开遴选、定向邀请的方式进行”).

1. When registration opens, the service makes a secret seed and publishes its commitment: the SHA-256 of the seed. The
   seed cannot be exchanged for a luckier one afterwards. A public source that nobody can know before registration
   closes (a lottery number or a stock index of a later day) can be named too; without one, whoever holds the secret
   seed could tell beforehand which registrations will win, and the published explanation says so.
2. When registration closes, the list is published with its SHA-256: the places of each category, then category and
   number of each registration, no names.
3. The draw: key = SHA-256("minsheng-draw-1\\n" + seed + "\\n" + public value); the ticket of a registration is
   HMAC-SHA256(key, registration number). Within a category the smallest tickets get the places, the others wait in that
   order. The seed is published with the result.

All texts are UTF-8, all hashes lower-case hexadecimal; the seed is hashed as the hexadecimal text that is published.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

METHOD = "minsheng-draw-1"

_EXPLANATION = (
    "报名开始时，系统生成随机种子并先公布其SHA-256摘要（承诺值）；报名截止后公布名额、报名编号和类别清单及其SHA-256摘要。"
    "抽取时，密钥 = SHA-256(“minsheng-draw-1”、换行、种子、换行、公共随机值)；"
    "每个报名编号的签号 = HMAC-SHA256(密钥, 报名编号)。"
    "同一类别内按签号从小到大排列，排在名额之内的入选，其余依次候补。种子随结果公布，任何人都可以重新计算。"
)
_WITHOUT_PUBLIC_VALUE = "本次抽取未使用公共随机值：报名截止前，能看到种子的人可以预知结果。"

_NUMBER = re.compile(r"[A-Za-z0-9-]{1,64}")
_SEED = re.compile(r"[0-9a-f]{64}")


class DrawError(ValueError):
    """A draw cannot be made from what was given; the text says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Who takes part: a public number that says nothing about the person, and the category."""

    number: str
    category: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A registration's place in its category: `rank` counts from 1; `selected` when it is within the quota."""

    number: str
    category: str
    ticket: str
    rank: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """The published record of a draw. `tickets` are in the order of the quotas, then of the rank."""

    method: str
    seed: str
    public_source: str
    public_value: str
    quotas: tuple[tuple[str, int], ...]
    roster_sha256: str
    tickets: tuple[Ticket, ...]

    @property
    def selected(self) -> tuple[Ticket, ...]:
        return tuple(ticket for ticket in self.tickets if ticket.selected)

    @property
    def unfilled(self) -> dict[str, int]:
        """Places that nobody was there for, by category. Who gets them is the unit's decision, not the draw's."""
        taken = [ticket.category for ticket in self.selected]
        return {category: quota - taken.count(category) for category, quota in self.quotas}

    def next_waiting(self, category: str, gone: Iterable[str]) -> Ticket | None:
        """The first of the waiting list who was not asked yet; `gone` are the numbers asked or withdrawn."""
        asked = set(gone)
        waiting = (ticket for ticket in self.tickets if ticket.category == category and not ticket.selected)
        return next((ticket for ticket in waiting if ticket.number not in asked), None)

    def as_dict(self) -> dict[str, Any]:
        """The record for publication."""
        return {**asdict(self), "quotas": dict(self.quotas), "explanation": self.explanation}

    @property
    def explanation(self) -> str:
        """The method in Chinese, as shown beside the result, with what it does not guard against."""
        source = (
            f"公共随机值：{self.public_source}，{self.public_value}。" if self.public_value else _WITHOUT_PUBLIC_VALUE
        )
        return _EXPLANATION + source


def new_seed() -> str:
    """A secret seed: 256 bits from the system, as 64 hexadecimal digits."""
    return secrets.token_hex(32)


def commitment(seed: str) -> str:
    """What is published when registration opens; `printf %s SEED | sha256sum` gives the same. Raises `DrawError`."""
    if not _SEED.fullmatch(seed):
        raise DrawError("种子应为64位十六进制数字")
    return hashlib.sha256(seed.encode()).hexdigest()


def roster(registrations: Iterable[Registration], quotas: Mapping[str, int]) -> str:
    """The list as published, fields divided by TAB, each line ended by a newline and each part sorted by code points.

    First `名额 category places`, then `报名 category number`.
    """
    places = sorted(f"名额\t{category}\t{quota}\n" for category, quota in quotas.items())
    return "".join(places + sorted(f"报名\t{entry.category}\t{entry.number}\n" for entry in registrations))


def text_sha256(text: str) -> str:
    """The hash of a published list, as `sha256sum` of the file gives it."""
    return hashlib.sha256(text.encode()).hexdigest()


def roster_sha256(registrations: Iterable[Registration], quotas: Mapping[str, int]) -> str:
    """The hash of the published list; `sha256sum` of the file gives the same."""
    return text_sha256(roster(registrations, quotas))


def draw(
    registrations: Iterable[Registration],
    quotas: Mapping[str, int],
    seed: str,
    *,
    public_source: str = "",
    public_value: str = "",
) -> Draw:
    """Draw `quotas[category]` registrations of each category; the order in which they are given does not matter.

    Raises `DrawError` for a number twice or of another form, a category without a quota, a negative quota, a seed of
    another form, or a public source without its value.
    """
    entries = sorted(registrations, key=lambda entry: (entry.category, entry.number))
    _check(entries, quotas, seed, public_source, public_value)
    key = hashlib.sha256(f"{METHOD}\n{seed}\n{public_value}".encode()).digest()
    tickets: list[Ticket] = []
    for category, quota in quotas.items():
        drawn = sorted(
            (hmac.digest(key, entry.number.encode(), "sha256").hex(), entry.number)
            for entry in entries
            if entry.category == category
        )
        tickets.extend(
            Ticket(number, category, ticket, rank, rank <= quota)
            for rank, (ticket, number) in enumerate(drawn, start=1)
        )
    return Draw(
        METHOD, seed, public_source, public_value, tuple(quotas.items()), roster_sha256(entries, quotas), tuple(tickets)
    )


def _check(
    entries: list[Registration], quotas: Mapping[str, int], seed: str, public_source: str, public_value: str
) -> None:
    commitment(seed)
    if bool(public_source.strip()) != bool(public_value.strip()):
        raise DrawError("公共随机值的来源和数值应当同时填写")
    for category, quota in quotas.items():
        if quota < 0:
            raise DrawError(f"{category}的名额不能小于0")
        if not category.strip() or re.search(r"[\t\r\n]", category):
            raise DrawError("类别名称为空，或含有换行、制表符")
    seen: set[str] = set()
    for entry in entries:
        if not _NUMBER.fullmatch(entry.number):
            raise DrawError(f"报名编号“{entry.number}”不合要求：只能用字母、数字和连字符，最长64位")
        if entry.number in seen:
            raise DrawError(f"报名编号{entry.number}重复")
        if entry.category not in quotas:
            raise DrawError(f"报名编号{entry.number}的类别“{entry.category}”没有设名额")
        seen.add(entry.number)


def check(record: Draw, registrations: Iterable[Registration], committed: str, committed_roster: str) -> list[str]:
    """Recompute a published draw. Returns what does not agree, as sentences in Chinese; empty when all agrees.

    `committed` is the commitment published when registration opened, `committed_roster` the list's hash published when
    it closed.
    """
    entries = list(registrations)
    problems: list[str] = []
    if record.method != METHOD:
        problems.append(f"抽取方法“{record.method}”不是{METHOD}")
    try:
        if commitment(record.seed) != committed:
            problems.append("种子与报名开始时公布的承诺值不符")
        again = draw(
            entries,
            dict(record.quotas),
            record.seed,
            public_source=record.public_source,
            public_value=record.public_value,
        )
    except DrawError as error:
        return [*problems, str(error)]
    if not again.roster_sha256 == record.roster_sha256 == committed_roster:
        problems.append("报名清单与截止时公布的摘要不符")
    if again.tickets != record.tickets:
        problems.append("重新计算的结果与公布的结果不符")
    return problems
