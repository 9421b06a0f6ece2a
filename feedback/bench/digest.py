"""Measures digests on this machine: a part of `minsheng bench scorer`. Each in a process of its own."""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from feedback.bench.process import child, peak_megabytes
from feedback.decisions import Decision
from feedback.digest import FORMATS, render
from feedback.digest.model import Activity, Audience, Comment, Digest, Question, Sample, Suggestion, summarise
from feedback.ledger import Ledger
from feedback.scorer import Label
from feedback.states import AnswerMode, State
from feedback.utterance import Utterance

Row = tuple[str, str, str]
"""What was measured, the figure with its unit, and what it is compared with."""


def rows() -> Iterator[Row]:
    """The rows of the table, as they are measured; about 15 s."""
    for name in FORMATS:
        figures = child("feedback.bench.digest", name)
        yield (
            f"{name} digest of 20,000 comments and 2,000 questions",
            f"{figures['seconds']:.1f} s, {figures['megabytes']:.0f} MB",
            "aim: under 5 s and 300 MB",
        )


def large_digest(comments: int = 20_000, questions: int = 2_000) -> Digest:
    """A digest of the size that the requirements name."""
    start = datetime(2023, 9, 27, 6, 0, tzinfo=UTC)
    text = "建议把政务服务大厅的开放时间延长到晚上八点，方便上班的居民来办事，也希望多开几个窗口"
    answer = "感谢您的建议。我们已与相关科室研究，拟自下月起在每周三延时服务到晚上八点，具体安排以公告为准。"
    labels = tuple(Label)
    return Digest(
        activity=Activity(
            slug="k05",
            title="政务开放日",
            kind="open-day",
            topic="优化营商环境",
            units=("观音寺街道",),
            form="online",
            place=None,
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            live_started_at=start,
            live_ended_at=start + timedelta(hours=2),
        ),
        as_of=start + timedelta(days=3),
        audience=Audience(
            devices=4_000,
            peak=2_000,
            peak_at=start + timedelta(hours=1),
            watch_minutes=90_000,
            samples=tuple(Sample(start + timedelta(seconds=10 * i), min(2_000, i * 10)) for i in range(720)),
        ),
        ledger=Ledger(received=comments + questions, shown=comments + questions),
        hidden={},
        sentiment=summarise((labels[i % 4] for i in range(comments)), "snownlp"),
        comments=tuple(
            Comment(
                id=i,
                at=start + timedelta(seconds=i / 4),
                nickname=f"居民{i}",
                text=f"{text}{i}",
                label=labels[i % 4],
                score=i % 1000 / 1000,
                utterance=Utterance.SUGGESTION,
                suggestion=i // 40 if i % 40 == 0 else None,
            )
            for i in range(1, comments + 1)
        ),
        questions=tuple(
            Question(
                id=comments + i,
                at=start + timedelta(seconds=i),
                nickname=f"居民{i}",
                text=f"{text}{i}？",
                state=State.ANSWERED if i % 2 else State.OPEN,
                votes=i % 50,
                mode=AnswerMode.WRITTEN if i % 2 else None,
                answer=answer if i % 2 else None,
                answered_at=start + timedelta(hours=1) if i % 2 else None,
            )
            for i in range(1, questions + 1)
        ),
        suggestions=tuple(
            Suggestion(i, f"{text}{i}", f"居民{i}", Decision.ADOPTED, None, None, start + timedelta(days=2))
            for i in range(1, comments // 40 + 1)
        ),
    )


def _main() -> None:
    digest = large_digest()
    begun = time.perf_counter()
    render(digest, sys.argv[1])
    seconds = time.perf_counter() - begun
    json.dump({"seconds": seconds, "megabytes": peak_megabytes()}, sys.stdout)


if __name__ == "__main__":
    _main()
