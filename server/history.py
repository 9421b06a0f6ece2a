"""An activity's history, from the log of acts: who, when, what from, what to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.materials import PURPOSES
from server.programme.deadlines import Form
from server.programme.filings import Ground
from server.programme.notices import moment_text
from server.programme_views import ChangeView, HistoryItem
from server.store.tables import Account, Act, Unit

SHOWN = (
    "create",
    "import",
    "edit",
    "filing",
    "notice",
    "attach",
    "detach",
    "materials",
    "state",
    "publish",
    "film",
    "selection",
    "selection-notice",
    "selection-close",
    "draw",
    "reveal",
)
LIMIT = 500

_LABELS = {
    "title": "活动名称",
    "summary": "活动简介",
    "form": "活动形式",
    "starts_at": "开始时间",
    "ends_at": "结束时间",
    "place": "地点",
    "flow": "活动流程",
    "participation": "参与方式",
    "units": "主办单位",
    "topic": "专题",
    "kind": "类型",
    "leader": "牵头负责人",
    "attended": "到场的主要负责同志",
    "promise_days": "承诺反馈（工作日）",
    "time": "活动时间",
    "state": "状态",
}
_WORDS = {
    "scheduled": "预告",
    "live": "直播中",
    "ended": "已结束",
    "open-day": "政务开放日",
    "lecture": "政策公开讲",
    **{form.value: form.label for form in Form},
}


async def history_of(session: AsyncSession, activity_id: int) -> list[HistoryItem]:
    """The acts on the activity itself, the newest first; what happened to comments is not among them."""
    units = {unit.id: unit.name for unit in await session.scalars(select(Unit))}
    rows = await session.execute(
        select(Act, Account.name)
        .outerjoin(Account, Account.id == Act.account_id)
        .where(Act.activity_id == activity_id, Act.entry_id.is_(None), Act.act.in_(SHOWN))
        .order_by(Act.at.desc(), Act.id.desc())
        .limit(LIMIT)
    )
    return [
        HistoryItem(at=act.at, who=who, act=act.act, changes=_changes(act, units), note=_note(act)) for act, who in rows
    ]


def _changes(act: Act, units: Mapping[str, str]) -> list[ChangeView]:
    before, after = act.detail.get("from"), act.detail.get("to")
    if act.act == "state":
        before, after = {"state": before}, {"state": after}
    elif act.act == "filing":
        before, after = {"time": before}, {"time": after}
    if not isinstance(after, dict):
        return []
    old: dict[str, Any] = before if isinstance(before, dict) else {}
    return [
        ChangeView(
            label=_LABELS.get(name, name), before=_text(name, old.get(name), units), after=_text(name, value, units)
        )
        for name, value in after.items()
        if old.get(name) != value
    ]


def _text(name: str, value: object, units: Mapping[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "、".join(units.get(str(item), str(item)) for item in value)
    if name in {"starts_at", "ends_at"}:
        return moment_text(datetime.fromisoformat(str(value)))
    return _WORDS.get(str(value), str(value)) if name in {"form", "state", "kind"} else str(value)


def _note(act: Act) -> str:
    detail: Mapping[str, Any] = act.detail
    if act.act == "reveal":
        return f"编号{detail['number']}"
    if act.act in {"notice", "publish", "materials", "selection-notice"}:
        reason = f"，原因：{detail['reason']}" if detail.get("reason") else ""
        return f"第{detail['version']}版{reason}"
    if act.act == "filing":
        grounds = "；".join(Ground(ground).label for ground in detail["grounds"])
        return f"{grounds}。原因：{detail['reason']}"
    if act.act == "film":
        return _film(detail)
    if act.act in {"attach", "detach"}:
        return f"{PURPOSES[detail['purpose']]}：{detail['name']}"
    return ""


_ENDS = {"finished": "播放完毕", "stopped": "停止播出", "missed": "错过了播出时间"}


def _film(detail: Mapping[str, Any]) -> str:
    """What was done with the film that is broadcast at its hour."""
    if "over" in detail:
        return f"{_ENDS.get(detail['over'], '')}：{detail['name']}"
    if "planned" in detail:
        return "定时播出" if detail["planned"] else "取消定时播出"
    for key, words in (("uploaded", "上传"), ("removed", "删除"), ("asked", "现在播出"), ("began", "开始播出")):
        if key in detail:
            return f"{words}：{detail[key]}"
    return ""
