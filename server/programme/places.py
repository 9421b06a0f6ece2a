"""Places for people on the spot: categories, what may become of a registration, and who moves up.

Clauses of 大兴区2023年政民互动工作总体方案: “人员范围为：区人大代表、区政协委员，群众代表（家长代表或企业代表），媒体
记者等”; “原则上约30人左右”; “采取公开遴选、定向邀请的方式进行”; “根据征集到的报名情况确定参与群众代表”.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

ADVISED_PLACES = 30
"""“原则上约30人左右”: advice, never a limit."""
KEPT_DAYS = 30
"""Days after the activity for which names and phones are kept; then they are deleted."""
SATISFACTION_DAYS = 7
"""Days after the end in which 满意度 may be told."""


class Category(StrEnum):
    """人员范围."""

    DEPUTY = "deputy"
    ADVISER = "adviser"
    PARENT = "parent"
    BUSINESS = "business"
    RESIDENT = "resident"
    JOURNALIST = "journalist"
    OTHER = "other"

    @property
    def text(self) -> str:
        return _CATEGORY_TEXT[self]


_CATEGORY_TEXT = {
    Category.DEPUTY: "区人大代表",
    Category.ADVISER: "区政协委员",
    Category.PARENT: "家长代表",
    Category.BUSINESS: "企业代表",
    Category.RESIDENT: "群众代表",
    Category.JOURNALIST: "媒体记者",
    Category.OTHER: "其他",
}


class PlaceState(StrEnum):
    """Where a registration stands."""

    APPLIED = "applied"
    SELECTED = "selected"
    CONFIRMED = "confirmed"
    WAITING = "waiting"
    REJECTED = "rejected"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"

    @property
    def text(self) -> str:
        return _STATE_TEXT[self]


_STATE_TEXT = {
    PlaceState.APPLIED: "已报名",
    PlaceState.SELECTED: "已入选，待本人确认",
    PlaceState.CONFIRMED: "已确认参加",
    PlaceState.WAITING: "候补",
    PlaceState.REJECTED: "未入选",
    PlaceState.DECLINED: "本人放弃",
    PlaceState.WITHDRAWN: "已撤回，信息已删除",
}

HOLDING: frozenset[PlaceState] = frozenset({PlaceState.SELECTED, PlaceState.CONFIRMED})
"""States that hold a place."""


class PlaceAct(StrEnum):
    """What the unit does (SELECT, WAIT, REJECT), and the person (CONFIRM, DECLINE, WITHDRAW)."""

    SELECT = "select"
    WAIT = "wait"
    REJECT = "reject"
    CONFIRM = "confirm"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


_OPEN = (PlaceState.APPLIED, PlaceState.WAITING, PlaceState.REJECTED)
_STEPS: Mapping[PlaceAct, Mapping[PlaceState, PlaceState]] = {
    PlaceAct.SELECT: dict.fromkeys((*_OPEN, PlaceState.DECLINED), PlaceState.SELECTED),
    PlaceAct.WAIT: dict.fromkeys((PlaceState.APPLIED, PlaceState.SELECTED, PlaceState.REJECTED), PlaceState.WAITING),
    PlaceAct.REJECT: dict.fromkeys((PlaceState.APPLIED, PlaceState.WAITING, PlaceState.SELECTED), PlaceState.REJECTED),
    PlaceAct.CONFIRM: {PlaceState.SELECTED: PlaceState.CONFIRMED},
    PlaceAct.DECLINE: dict.fromkeys((*HOLDING, PlaceState.WAITING), PlaceState.DECLINED),
    PlaceAct.WITHDRAW: dict.fromkeys(
        [state for state in PlaceState if state is not PlaceState.WITHDRAWN], PlaceState.WITHDRAWN
    ),
}


class IllegalStep(Exception):
    """An act that the registration's state does not allow; the text can be shown."""


def step(state: PlaceState, act: PlaceAct) -> PlaceState:
    """The state after an act. Raises IllegalStep."""
    try:
        return _STEPS[act][state]
    except KeyError:
        raise IllegalStep(f"这份报名{state.text}，不能这样操作") from None


def quota_problems(quotas: Mapping[str, int], holding: Mapping[str, int]) -> list[str]:
    """What stands against quotas, in Chinese: a category that holds more places already than it would get."""
    return [
        f"{Category(category).text}已有{held}人入选或确认，名额不能少于{held}"
        for category, held in holding.items()
        if held > quotas.get(category, 0)
    ]


def advice(quotas: Mapping[str, int]) -> str:
    """A word about the size, for the unit to take or leave; empty where there is nothing to say."""
    total = sum(quotas.values())
    near = ADVISED_PLACES / 2 <= total <= ADVISED_PLACES * 1.5
    return "" if near or not total else f"方案建议“原则上约30人左右”，现在共{total}人；仅供参考，不影响发布。"


# Tickets: what a QR code at the door holds. No personal data: the activity, the public number, and a signature.

_TICKET = re.compile(r"M1\.([a-z0-9-]{1,32})\.(\d{1,6})\.([0-9a-f]{20})")


def ticket(key: bytes, slug: str, number: int) -> str:
    """The ticket of a confirmed registration."""
    return f"M1.{slug}.{number}.{_signature(key, slug, number)}"


def read_ticket(key: bytes, slug: str, text: str) -> int | None:
    """The registration's number of a ticket of this activity; None for anything else."""
    found = _TICKET.fullmatch(text.strip())
    if found is None or found[1] != slug:
        return None
    number = int(found[2])
    return number if hmac.compare_digest(found[3], _signature(key, slug, number)) else None


def _signature(key: bytes, slug: str, number: int) -> str:
    return hmac.digest(key, f"ticket\n{slug}\n{number}".encode(), sha256).hex()[:20]


class Satisfaction(StrEnum):
    """满意度: one answer a device."""

    VERY_SATISFIED = "very-satisfied"
    SATISFIED = "satisfied"
    NEUTRAL = "neutral"
    DISSATISFIED = "dissatisfied"
    VERY_DISSATISFIED = "very-dissatisfied"

    @property
    def text(self) -> str:
        return {
            Satisfaction.VERY_SATISFIED: "非常满意",
            Satisfaction.SATISFIED: "满意",
            Satisfaction.NEUTRAL: "一般",
            Satisfaction.DISSATISFIED: "不满意",
            Satisfaction.VERY_DISSATISFIED: "非常不满意",
        }[self]


@dataclass(frozen=True, slots=True)
class Opinion:
    """How many told what: those who came (with a ticket checked in at the door), and all others, who watched."""

    present: dict[Satisfaction, int] = field(default_factory=dict)
    online: dict[Satisfaction, int] = field(default_factory=dict)

    @property
    def all(self) -> dict[Satisfaction, int]:
        """Both together."""
        return {level: self.present.get(level, 0) + self.online.get(level, 0) for level in Satisfaction}


def satisfied_share(tally: Mapping[Satisfaction, int]) -> float | None:
    """满意率: very satisfied and satisfied of all answers, in [0, 1]; None where nobody answered."""
    total = sum(tally.values())
    good = tally.get(Satisfaction.VERY_SATISFIED, 0) + tally.get(Satisfaction.SATISFIED, 0)
    return good / total if total else None
