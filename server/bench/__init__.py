"""`minsheng bench`: measures this machine, each figure next to what it is compared with, in one run."""

import os
import platform
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

Row = tuple[str, str, str]
"""What was measured, the figure with its unit, and what it is compared with."""


def _relay() -> Iterator[Row]:
    from streaming.bench.relay import rows

    return rows()


def _comments() -> Iterator[Row]:
    from server.bench.comments import rows

    return rows()


def _delivery() -> Iterator[Row]:
    from server.bench.delivery import rows

    return rows()


def _scorer(folder: Path | None) -> Iterator[Row]:
    from feedback.bench import digest, scorer
    from server.bench import scoring

    yield from scorer.rows(folder)
    yield from scoring.rows()
    yield from digest.rows()


def _words() -> Iterator[Row]:
    from feedback.bench import words
    from server.bench import duplicates

    yield from words.rows()
    yield from duplicates.rows()


def _soak() -> Iterator[Row]:
    from streaming.bench.soak import rows

    return rows()


def _hostile() -> Iterator[Row]:
    from server.bench.hostile import rows

    return rows()


def _faults() -> Iterator[Row]:
    from server.bench.faults import rows

    return rows()


def _programme() -> Iterator[Row]:
    from server.bench.programme import rows

    return rows()


def _after() -> Iterator[Row]:
    from server.bench.after import rows

    return rows()


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "relay": _relay,
    "comments": _comments,
    "delivery": _delivery,
    "scorer": partial(_scorer, None),
    "words": _words,
    "programme": _programme,
    "after": _after,
}
LONG: dict[str, Callable[[], Iterator[Row]]] = {"soak": _soak, "hostile": _hostile, "faults": _faults}
"""Parts that take minutes: run when they are named, not with the others."""


def machine() -> str:
    """The machine in a line: figures from two machines are not compared."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def print_table(what: str, texts: Path | None = None) -> None:
    """Print the table of one part, or of all, as Markdown, row by row as it is measured.

    The scorer's part also compares all texts of the CSV files in the folder *texts*.
    """
    print(
        f"Minsheng {version('minsheng')} on {machine()}\n\n| what | figure | compared with |\n|---|---|---|", flush=True
    )
    parts: dict[str, Callable[[], Iterator[Row]]] = {**PARTS, **LONG, "scorer": partial(_scorer, texts)}
    for name, part in parts.items():
        if what == name or (what == "all" and name in PARTS):
            for row in part():
                print("| " + " | ".join(row) + " |", flush=True)
