"""采纳情况反馈: the published record of an activity as a document, in the digest's formats and with its writers.

It holds what a published version says and nothing else: names are masked already, and the version's digest is in it.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from feedback.decisions import DENOMINATOR, Adoption, adoption
from feedback.digest.csv import inert
from feedback.digest.figures import Figure, Unit
from feedback.digest.model import Suggestion, by_topic
from feedback.digest.report import Block, Note, Report, Table, Text, numbered
from feedback.digest.sheet import COUNT, MOMENT, Column, Sheet, book
from feedback.digest.topic_table import topic_table
from feedback.digest.wording import beijing, moment, short_moment
from feedback.ledger import Ledger
from feedback.text import clean


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that was answered in public, live or in writing."""

    text: str
    nickname: str
    mode: str
    answer: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """One published version of what a unit decided."""

    slug: str
    title: str
    units: tuple[str, ...]
    held: str
    """The activity's time, in words."""
    version: int
    published_at: datetime
    sha256: str
    ledger: Ledger
    suggestions: tuple[Suggestion, ...] = ()
    answered: tuple[Answered, ...] = ()

    @property
    def adoption(self) -> Adoption:
        return adoption(item.decision for item in self.suggestions)

    @property
    def by_topic(self) -> dict[str, Adoption]:
        return by_topic(self.suggestions)


def figures(record: Record) -> list[Figure]:
    """The numbers, once for all formats."""
    account, counts = record.ledger, record.adoption
    lines: list[tuple[str, str, str | int | float | None, Unit]] = [
        ("活动", "活动名称", record.title, Unit.TEXT),
        ("活动", "主责单位", "、".join(record.units), Unit.TEXT),
        ("活动", "活动时间", record.held, Unit.TEXT),
        ("公布", "版本", record.version, Unit.COUNT),
        ("公布", "校验码（SHA-256）", record.sha256, Unit.TEXT),
        ("收发台账", "收到", account.received, Unit.COUNT),
        ("收发台账", "展示", account.shown, Unit.COUNT),
        ("收发台账", "未展示", account.withheld, Unit.COUNT),
        ("收发台账", "合并", account.merged, Unit.COUNT),
        ("收发台账", "本人撤回", account.withdrawn, Unit.COUNT),
        ("收发台账", "依法删除", account.deleted, Unit.COUNT),
        *(("采纳情况", decision.text, number, Unit.COUNT) for decision, number in counts.by_decision.items()),
        *(("意见建议分类", topic, number.total, Unit.COUNT) for topic, number in record.by_topic.items()),
        ("采纳情况", "合计", counts.total, Unit.COUNT),
        ("采纳情况", "采纳率", counts.rate, Unit.SHARE),
        ("采纳情况", "采纳率口径", DENOMINATOR, Unit.TEXT),
    ]
    published = Figure("公布", "公布时间", record.published_at, Unit.MOMENT)
    return [published, *(Figure(*line) for line in lines)]


def render(record: Record, form: str) -> bytes:
    """The file. Raises KeyError for an unknown format, `pdf.NoFont` where a machine cannot make a PDF."""
    return WRITERS[form](cleaned(record))


def cleaned(record: Record) -> Record:
    """The record with every text fit for XML and UTF-8, whoever wrote it."""
    return replace(
        record,
        title=clean(record.title),
        units=tuple(map(clean, record.units)),
        suggestions=tuple(
            replace(
                item,
                text=clean(item.text),
                nickname=clean(item.nickname),
                topic=clean(item.topic or "") or None,
                reason=clean(item.reason or "") or None,
                transferred_to=clean(item.transferred_to or "") or None,
                updates=tuple(
                    replace(update, text=clean(update.text), unit=clean(update.unit or "") or None)
                    for update in item.updates
                ),
            )
            for item in record.suggestions
        ),
        answered=tuple(
            replace(item, text=clean(item.text), nickname=clean(item.nickname), answer=clean(item.answer))
            for item in record.answered
        ),
    )


def report(record: Record) -> Report:
    """What docx and pdf say."""
    sections = (
        ("总体情况", _overview(record)),
        ("意见建议及采纳情况", _suggestions(record)),
        ("提问及答复", _answered(record)),
    )
    opening = Text(
        f"{record.held}，{'、'.join(record.units)}举办“{record.title}”活动。现将意见建议采纳情况反馈如下"
        f"（{moment(record.published_at, year=True)}公布，第{record.version}版）。"
    )
    seal = Note(f"公布内容的校验码（SHA-256）：{record.sha256}")
    return Report(f"{record.title}意见建议采纳情况反馈", record.published_at, [opening, *numbered(sections), seal])


def _overview(record: Record) -> list[Block]:
    account, counts = record.ledger, record.adoption
    blocks: list[Block] = [
        Text(
            f"共收到评论和提问{account.received}条：展示{account.shown}条，未展示{account.withheld}条，"
            f"合并{account.merged}条，本人撤回{account.withdrawn}条，依法删除{account.deleted}条。"
        )
    ]
    if not counts.total:
        return [*blocks, Text("没有收到意见建议。")]
    decided = "，".join(f"{decision.text}{number}条" for decision, number in counts.by_decision.items())
    blocks.append(Text(f"其中意见建议{counts.total}条：{decided}。"))
    if counts.rate is not None:
        blocks.append(Text(f"采纳率{100 * counts.rate:.1f}%。{DENOMINATOR}"))
    return blocks


def _suggestions(record: Record) -> list[Block]:
    if not record.suggestions:
        return [Text("没有收到意见建议。")]
    rows = [
        (
            str(item.number),
            f"〔{item.topic}〕{item.text}" if item.topic else item.text,
            item.nickname,
            item.decision.text if item.decision else "—",
            _outcome(item) or "—",
        )
        for item in record.suggestions
    ]
    table = Table(("编号", "意见建议", "提出人", "决定", "理由和落实情况"), (14, 58, 20, 22, 42), rows)
    return [*topic_table(record.by_topic), table]


def _outcome(item: Suggestion) -> str:
    parts = [f"转{item.transferred_to}"] if item.transferred_to else []
    parts += [item.reason] if item.reason else []
    return "\n".join([*parts, *history(item)])


def history(item: Suggestion) -> list[str]:
    """落实情况 in lines: how far it had come, when, by whose word."""
    return [
        f"{update.progress.text}（{short_moment(update.at)}，{update.unit or '区级统筹'}）：{update.text}"
        for update in item.updates
    ]


def _answered(record: Record) -> list[Block]:
    if not record.answered:
        return [Text("没有公开答复的提问。")]
    rows = [
        (item.text, item.nickname, item.answer or "现场口头答复，未留文字记录", short_moment(item.at))
        for item in record.answered
    ]
    return [Table(("提问", "提问人", "答复", "答复时间"), (54, 20, 56, 26), rows)]


def _docx(record: Record) -> bytes:
    from feedback.digest import docx

    return docx.write(report(record))


def _pdf(record: Record) -> bytes:
    from feedback.digest import pdf

    return pdf.write(report(record))


_SUGGESTION = (
    "意见建议号",
    "内容",
    "提出人",
    "分类",
    "合并条数",
    "采纳决定",
    "理由",
    "转办单位",
    "决定时间",
    "落实情况",
    "落实经过",
)
_ANSWER = ("提问", "提问人", "答复方式", "答复内容", "答复时间")


def _suggestion_rows(record: Record) -> list[tuple[str | int | datetime | None, ...]]:
    return [
        (
            item.number,
            item.text,
            item.nickname,
            item.topic,
            item.merged,
            item.decision.text if item.decision else None,
            item.reason,
            item.transferred_to,
            item.decided_at,
            item.progress.text if item.progress else None,
            "\n".join(history(item)) or None,
        )
        for item in record.suggestions
    ]


def _answer_rows(record: Record) -> list[tuple[str | datetime | None, ...]]:
    return [(item.text, item.nickname, item.mode, item.answer or None, item.at) for item in record.answered]


def _xlsx(record: Record) -> bytes:
    widths = (12, 44, 14, 16, 10, 11, 32, 20, 20, 11, 36)
    formats = {"意见建议号": "0", "合并条数": COUNT, "决定时间": MOMENT}
    numbers = [
        (line.section, line.name, line.text if line.unit in (Unit.SHARE, Unit.MOMENT) else line.value)
        for line in figures(record)
    ]
    suggestions = [
        Column(title, width, formats.get(title, "General")) for title, width in zip(_SUGGESTION, widths, strict=True)
    ]
    answers = [
        Column(title, width, MOMENT if title == "答复时间" else "General")
        for title, width in zip(_ANSWER, (44, 14, 11, 52, 20), strict=True)
    ]
    sheets = [
        Sheet("概况", (Column("类别", 14), Column("项目", 20), Column("数值", 66)), numbers),
        Sheet("意见建议", suggestions, _suggestion_rows(record)),
        Sheet("提问答复", answers, _answer_rows(record)),
    ]
    return book(f"{record.title}采纳情况反馈", record.published_at, sheets)


def _csv(record: Record) -> bytes:
    """First the numbers (section, name, value), then after an empty line the suggestions, then the answers."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(("类别", "项目", "数值"))
    writer.writerows((line.section, line.name, inert(line.text)) for line in figures(record))
    for header, rows in ((_SUGGESTION, _suggestion_rows(record)), (_ANSWER, _answer_rows(record))):
        writer.writerow(())
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _cell(value: str | int | datetime | None) -> str:
    if isinstance(value, datetime):
        return beijing(value).strftime("%Y-%m-%d %H:%M:%S")
    return inert(value) if isinstance(value, str) else "" if value is None else str(value)


def _json(record: Record) -> bytes:
    content = {
        "version": record.version,
        "activity": {"slug": record.slug, "title": record.title, "units": record.units, "held": record.held},
        "published_at": _time(record.published_at),
        "sha256": record.sha256,
        "figures": [
            {
                "section": line.section,
                "name": line.name,
                "value": _time(line.value) if isinstance(line.value, datetime) else line.value,
                "unit": line.unit.value,
            }
            for line in figures(record)
        ],
        "suggestions": [
            {
                "number": item.number,
                "text": item.text,
                "nickname": item.nickname,
                "topic": item.topic,
                "merged": item.merged,
                "decision": item.decision.value if item.decision else None,
                "reason": item.reason,
                "transferred_to": item.transferred_to,
                "decided_at": _time(item.decided_at),
                "updates": [
                    {
                        "at": _time(update.at),
                        "unit": update.unit,
                        "progress": update.progress.value,
                        "text": update.text,
                    }
                    for update in item.updates
                ],
            }
            for item in record.suggestions
        ],
        "answered": [
            {
                "text": item.text,
                "nickname": item.nickname,
                "mode": item.mode,
                "answer": item.answer or None,
                "answered_at": _time(item.at),
            }
            for item in record.answered
        ],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


WRITERS: Mapping[str, Callable[[Record], bytes]] = MappingProxyType(
    {"docx": _docx, "pdf": _pdf, "xlsx": _xlsx, "csv": _csv, "json": _json}
)
