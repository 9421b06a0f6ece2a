"""The numbers of a digest, once for all formats: each with its section and its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from feedback.decisions import DENOMINATOR
from feedback.digest.model import Digest
from feedback.digest.wording import moment, period
from feedback.scorer import Label
from feedback.states import Reason


class Unit(StrEnum):
    """What a figure is."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Figure:
    """A line: section, name, and the value; a share lies in [0, 1], None where there is nothing to divide by."""

    section: str
    name: str
    value: str | int | float | datetime | None
    unit: Unit

    @property
    def text(self) -> str:
        """The value as documents show it."""
        if self.value is None:
            return "—"
        if isinstance(self.value, datetime):
            return moment(self.value, year=True)
        if self.unit is Unit.SHARE and not isinstance(self.value, str):
            return f"{100 * self.value:.1f}%"
        return str(self.value)


def figures(digest: Digest) -> list[Figure]:
    """All of them, section by section, in the order of the report."""
    sections: dict[str, Mapping[str, tuple[str | int | float | datetime | None, Unit]]] = {
        "活动基本情况": _activity(digest),
        "参与情况": _audience(digest),
        "审核台账": _ledger(digest),
        "隐藏原因": {reason.text: (digest.hidden.get(reason, 0), Unit.COUNT) for reason in Reason},
        "情感参考": _sentiment(digest),
        "评论类型": {kind.text: (number, Unit.COUNT) for kind, number in digest.by_utterance.items()},
        "意见建议分类": {topic: (counts.total, Unit.COUNT) for topic, counts in digest.by_topic.items()},
        "采纳情况": _adoption(digest),
        "落实情况": {
            (progress.text if progress else "尚未填写"): (number, Unit.COUNT)
            for progress, number in digest.by_progress.items()
        },
        "满意度": _satisfaction(digest),
        "拟办清单": {"待办": (len(digest.to_do), Unit.COUNT)},
        "主题词": {keyword.word: (keyword.texts, Unit.COUNT) for keyword in digest.keywords},
    }
    return [
        Figure(section, name, value, unit)
        for section, lines in sections.items()
        for name, (value, unit) in lines.items()
    ]


_Lines = dict[str, tuple[str | int | float | datetime | None, Unit]]


def _activity(digest: Digest) -> _Lines:
    activity = digest.activity
    live = period(activity.live_started_at, activity.live_ended_at) if activity.live_started_at else "未直播"
    return {
        "活动名称": (activity.title, Unit.TEXT),
        "类别": (activity.kind_text, Unit.TEXT),
        "专题": (activity.topic or "—", Unit.TEXT),
        "主责单位": ("、".join(activity.units) or "—", Unit.TEXT),
        "形式": (activity.form_text, Unit.TEXT),
        "计划时间": (period(activity.starts_at, activity.ends_at), Unit.TEXT),
        "实际直播时间": (live, Unit.TEXT),
        "地点": (activity.place or "—", Unit.TEXT),
        "数据截止时间": (digest.as_of, Unit.MOMENT),
    }


def _audience(digest: Digest) -> _Lines:
    audience = digest.audience
    return {
        "收看设备数": (audience.devices, Unit.COUNT),
        "最高同时收看": (audience.peak, Unit.COUNT),
        "最高收看时刻": (moment(audience.peak_at), Unit.TEXT),
        "累计收看分钟数": (round(audience.watch_minutes), Unit.COUNT),
        "评论（展示）": (len(digest.comments), Unit.COUNT),
        "提问（展示）": (len(digest.questions), Unit.COUNT),
        "其中已答复": (len(digest.answered), Unit.COUNT),
    }


def _ledger(digest: Digest) -> _Lines:
    ledger = digest.ledger
    return {
        "收到": (ledger.received, Unit.COUNT),
        "展示": (ledger.shown, Unit.COUNT),
        "未展示": (ledger.withheld, Unit.COUNT),
        "合并": (ledger.merged, Unit.COUNT),
        "撤回": (ledger.withdrawn, Unit.COUNT),
        "依法删除": (ledger.deleted, Unit.COUNT),
        "收到与各项合计": ("平衡" if ledger.balanced else "不平衡，请核对", Unit.TEXT),
    }


def _sentiment(digest: Digest) -> _Lines:
    sentiment = digest.sentiment
    lines: _Lines = {label.text: (sentiment.counts.get(label, 0), Unit.COUNT) for label in Label}
    return lines | {
        "评分文本数 n": (sentiment.scored, Unit.COUNT),
        "模型": (sentiment.model, Unit.TEXT),
        "其中主持人更正": (sentiment.corrected, Unit.COUNT),
        "说明": (sentiment.note, Unit.TEXT),
    }


def _satisfaction(digest: Digest) -> _Lines:
    satisfaction = digest.satisfaction
    lines: _Lines = {level: (number, Unit.COUNT) for level, number in satisfaction.levels}
    lines |= {"评价数 n": (satisfaction.answers, Unit.COUNT), "满意率": (satisfaction.share, Unit.SHARE)}
    for way, number, share in satisfaction.ways:
        lines |= {f"{way}评价数 n": (number, Unit.COUNT), f"{way}满意率": (share, Unit.SHARE)}
    return lines


def _adoption(digest: Digest) -> _Lines:
    adoption = digest.adoption
    lines: _Lines = {decision.text: (number, Unit.COUNT) for decision, number in adoption.by_decision.items()}
    return lines | {
        "尚未决定": (adoption.undecided, Unit.COUNT),
        "采纳率": (adoption.rate, Unit.SHARE),
        "采纳率口径": (DENOMINATOR, Unit.TEXT),
    }
