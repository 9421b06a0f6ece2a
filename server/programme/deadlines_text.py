"""A timetable as a text to read, with its arithmetic, and as JSON."""

from typing import Any

from server.programme.calendar import CountedDay, date_text
from server.programme.deadlines import Deadline, Timetable


def describe(timetable: Timetable, title: str | None = None) -> str:
    """The deadlines in Chinese, a line each (`公告最迟：2023-10-07（周六，调休上班）`) and the days counted beneath."""
    when = date_text(timetable.first)
    if timetable.last > timetable.first:
        when += f"至{date_text(timetable.last)}"
    head = f"活动：{title}，{when}" if title else f"活动：{when}"
    blocks = [f"{head}，{timetable.form.label}"]
    blocks.extend(_block(deadline) for deadline in timetable.deadlines)
    return "\n\n".join(blocks)


def as_dict(timetable: Timetable) -> dict[str, Any]:
    """The same as JSON: ISO dates, `null` for what is not known."""
    return {
        "form": timetable.form.value,
        "first": timetable.first.isoformat(),
        "last": timetable.last.isoformat(),
        "deadlines": [_deadline_dict(deadline) for deadline in timetable.deadlines],
    }


def _block(deadline: Deadline) -> str:
    label = deadline.kind.label
    if deadline.due is None:
        lines = [f"{label}最迟：无法推算。{deadline.problem}"]
    else:
        lines = [f"{label}最迟：{deadline.days[-1].day}"]
    lines.append(f"  算法：{deadline.rule}")
    lines.append(f"  方案原文：{deadline.clause}")
    lines.extend(f"  {_line(counted)}" for counted in deadline.days)
    if deadline.advised:
        lines.append(f"  建议：{deadline.advised.day}（按整日从严理解，再早一个工作日；仅供参考）")
    if deadline.due is not None and not deadline.settled:
        lines.append("  提示：次年元旦放假安排尚未录入，12月末的工作日可能调整，请届时复核")
    return "\n".join(lines)


def _line(counted: CountedDay) -> str:
    mark = f"第{counted.number}个" if counted.number else "不计 "
    return f"{mark} {date_text(counted.day.date)} {counted.day.why}"


def _deadline_dict(deadline: Deadline) -> dict[str, Any]:
    return {
        "kind": deadline.kind.value,
        "label": deadline.kind.label,
        "due": deadline.due.isoformat() if deadline.due else None,
        "rule": deadline.rule,
        "clause": deadline.clause,
        "promised": deadline.promised,
        "settled": deadline.settled,
        "problem": deadline.problem,
        "advised": deadline.advised.day.date.isoformat() if deadline.advised else None,
        "days": [
            {
                "date": counted.day.date.isoformat(),
                "kind": counted.day.kind.value,
                "why": counted.day.why,
                "number": counted.number,
            }
            for counted in deadline.days
        ],
    }
