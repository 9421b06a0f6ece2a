"""The digest as CSV (RFC 4180): a row a figure, then a row an entry, in UTF-8 with a mark for Excel and WPS.

A text that a spreadsheet would take for a formula gets an apostrophe in front, the sign by which spreadsheets mark
text; `plain` takes it off again. Nothing is lost: a text that has such an apostrophe already gets another.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from feedback.digest.figures import Figure, Unit, figures
from feedback.digest.model import Comment, Digest, Question, Suggestion
from feedback.digest.wording import beijing, short_moment

HEADER = (
    "类型", "编号", "时间", "昵称", "内容", "状态", "票数", "合并条数", "情感", "情感得分", "话语类型",
    "答复方式", "答复内容", "答复时间", "意见建议号", "分类", "采纳决定", "理由", "转办单位", "决定时间",
    "落实情况", "落实经过",
)  # fmt: skip

# Full-width signs too: Excel in Chinese and Japanese takes ＝ for =.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def render(digest: Digest) -> bytes:
    """Figures (类型 “数据”: section and name, the value under 内容), then comments and questions, oldest first, then
    suggestions whose entry is not among them. Times are Beijing time.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(map(_figure, figures(digest)))
    writer.writerows(_rows(digest))
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def inert(text: str) -> str:
    """*text* as a cell that no spreadsheet computes."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(cell: str) -> str:
    """The text of a cell: the inverse of `inert`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _figure(figure: Figure) -> Sequence[str]:
    if figure.value is None:
        value = ""
    elif isinstance(figure.value, datetime):
        value = _time(figure.value)
    else:
        value = repr(figure.value) if figure.unit is Unit.SHARE else str(figure.value)
    return ("数据", "", "", inert(f"{figure.section}/{figure.name}"), inert(value), *("",) * (len(HEADER) - 5))


def _rows(digest: Digest) -> Iterator[Sequence[str]]:
    suggestions = {suggestion.number: suggestion for suggestion in digest.suggestions}
    told = set()
    entries: list[Comment | Question] = sorted(
        [*digest.comments, *digest.questions], key=lambda entry: (entry.at, entry.id)
    )
    for entry in entries:
        suggestion = suggestions.get(entry.suggestion) if entry.suggestion is not None else None
        told.add(entry.suggestion)
        yield _comment(entry, suggestion) if isinstance(entry, Comment) else _question(entry, suggestion)
    for number, suggestion in suggestions.items():
        if number not in told:
            head = (
                "意见建议",
                "",
                "",
                inert(suggestion.nickname),
                inert(suggestion.text),
                "",
                "",
                str(suggestion.merged),
            )
            yield (*head, *("",) * 6, *_decision(number, suggestion))


def _comment(comment: Comment, suggestion: Suggestion | None) -> Sequence[str]:
    return (
        "评论",
        str(comment.id),
        _time(comment.at),
        inert(comment.nickname),
        inert(comment.text),
        "已展示",
        *("", ""),
        comment.label.text if comment.label else "",
        _number(comment.score),
        comment.utterance.text if comment.utterance else "",
        *("", "", ""),
        *_decision(comment.suggestion, suggestion),
    )


def _question(question: Question, suggestion: Suggestion | None) -> Sequence[str]:
    return (
        "提问",
        str(question.id),
        _time(question.at),
        inert(question.nickname),
        inert(question.text),
        question.state.text,
        str(question.votes),
        str(question.merged),
        question.label.text if question.label else "",
        _number(question.score),
        "",
        question.mode.text if question.mode else "",
        inert(question.answer or ""),
        _time(question.answered_at),
        *_decision(question.suggestion, suggestion),
    )


def _decision(number: int | None, suggestion: Suggestion | None) -> Sequence[str]:
    if suggestion is None:
        return ("" if number is None else str(number), *("",) * 7)
    return (
        str(suggestion.number),
        inert(suggestion.topic or ""),
        suggestion.decision.text if suggestion.decision else "",
        inert(suggestion.reason or ""),
        inert(suggestion.transferred_to or ""),
        _time(suggestion.decided_at),
        suggestion.progress.text if suggestion.progress else "",
        inert(
            "\n".join(
                f"{short_moment(update.at)}，{update.unit or '区级统筹'}，{update.progress.text}：{update.text}"
                for update in suggestion.updates
            )
        ),
    )


def _time(at: datetime | None) -> str:
    return "" if at is None else beijing(at).strftime("%Y-%m-%d %H:%M:%S")


def _number(score: float | None) -> str:
    return "" if score is None else repr(score)
