"""A year's plan as data: what the importer makes of a plan's text, and the 2023 plan that comes with the service."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
from typing import Any

from server.programme.units import Unit


class ActivityKind(StrEnum):
    """The plan's two kinds of activity; the website's column follows the kind."""

    OPEN_DAY = "open-day"
    LECTURE = "lecture"

    @property
    def column(self) -> str:
        """The column of the district's website that takes the materials (四、工作要求（二）)."""
        return "政务开放日" if self is ActivityKind.OPEN_DAY else "政策公开讲"

    @property
    def slug_letter(self) -> str:
        return "k" if self is ActivityKind.OPEN_DAY else "j"


@dataclass(frozen=True, slots=True)
class PlannedActivity:
    """One 开放点 or one lecture as planned. It has no date: the plan gives a period only.

    - `slug`: `k01`… for 开放点, `j01`… for lectures, by the plan's own number, so a second import meets the first.
    - `topic`: the 专题 of an open day, `None` for a lecture or where the text leaves it open.
    - `title`: the plan's name (`政务服务体验`). Several points share one; show the unit beside it.
    - `units`: ids of the 主责单位.
    - `inferred`: the unit was paired by order with one of several points of a paragraph, and may be corrected.
    - `line`: where the paragraph begins in the text, from 1.
    """

    slug: str
    kind: ActivityKind
    number: int
    topic: str | None
    title: str
    description: str
    units: tuple[str, ...]
    inferred: bool
    line: int


@dataclass(frozen=True, slots=True)
class Remark:
    """A place in the text to look at: its line from 1 (0 for the whole document), its beginning, and why in Chinese."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What was read of a plan's text.

    `first` and `last`: the period in which activities are to be held. `unread`: what is in the text, or should be, and
    was not imported. `doubts`: what was imported and should be looked at. Facts that were not found are `None`.
    """

    title: str | None
    document_number: str | None
    issued_on: date | None
    issuer: str | None
    public: bool
    first: date | None
    last: date | None
    activities: tuple[PlannedActivity, ...]
    units: tuple[Unit, ...]
    unread: tuple[Remark, ...] = ()
    doubts: tuple[Remark, ...] = ()


def as_json(plan: Plan) -> str:
    """The plan as JSON text, as kept in `data/`."""

    def plain(value: object) -> str:
        if isinstance(value, date):
            return value.isoformat()
        raise TypeError(f"no JSON form for {type(value).__name__}")

    return json.dumps(asdict(plan), default=plain, ensure_ascii=False, indent=2) + "\n"


def from_json(text: str) -> Plan:
    """Read what `as_json` wrote. Raises `ValueError`, `KeyError` or `TypeError` for another text."""
    data: Mapping[str, Any] = json.loads(text)

    def day(name: str) -> date | None:
        return None if data[name] is None else date.fromisoformat(data[name])

    return Plan(
        title=data["title"],
        document_number=data["document_number"],
        issued_on=day("issued_on"),
        issuer=data["issuer"],
        public=data["public"],
        first=day("first"),
        last=day("last"),
        activities=tuple(
            PlannedActivity(**{**item, "kind": ActivityKind(item["kind"]), "units": tuple(item["units"])})
            for item in data["activities"]
        ),
        units=tuple(Unit(**item) for item in data["units"]),
        unread=tuple(Remark(**item) for item in data["unread"]),
        doubts=tuple(Remark(**item) for item in data["doubts"]),
    )


def load_plan_2023() -> Plan:
    """The 2023 plan as imported from its text: 22 activities, 19 units."""
    return from_json(files("server.programme").joinpath("data/plan-2023.json").read_text("utf-8"))
