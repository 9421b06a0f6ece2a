"""How often the rules of `feedback.utterance` find the kind that a person gave, with 95 % intervals (Wilson)."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from feedback.simplified import simplified
from feedback.text import clean
from feedback.training import BadData, in_half
from feedback.utterance import Utterance, classify

COLUMNS = ("text", "subject")
"""Columns of a file in which texts are looked for."""
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Kind:
    """One text: from which group, what a person says it is, and what the rules say."""

    group: str
    true: Utterance
    said: Utterance


def digest(text: str) -> str:
    """What stands for a text that may not be published: the beginning of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def read_kinds(labels: Path, files: Iterable[Path], half: str = "all") -> list[Kind]:
    """The texts of *files* that *labels* knows, of the *half* asked for, each once.

    *labels* is CSV with `digest`, `group` and `kind`. Raises BadData where a kind is none or nothing is found, OSError.
    """
    with labels.open(encoding="utf-8", newline="") as lines:
        try:
            known = {row["digest"]: (row["group"], Utterance(row["kind"])) for row in csv.DictReader(lines)}
        except (KeyError, ValueError) as error:
            raise BadData(f"{labels}: {error}") from error
    found: dict[str, Kind] = {}
    for path in files:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                for text in (clean(row[column]) for column in COLUMNS if row.get(column)):
                    key = digest(text)
                    if key in known and (half == "all" or in_half(text, half)):
                        group, true = known[key]
                        found[key] = Kind(group, true, classify(simplified(text)))
    if not found:
        raise BadData("no text of these files is labelled")
    return list(found.values())


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not whole:
        return 0.0, 1.0
    share, z = part / whole, 1.96
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)


def as_table(kinds: Sequence[Kind]) -> str:
    """Right by group, and found and right by kind, as Markdown."""
    lines = ["| texts | n | right |", "|---|---|---|"]
    groups = list(dict.fromkeys(kind.group for kind in kinds))
    for name, chosen in [
        *((group, [kind for kind in kinds if kind.group == group]) for group in groups),
        ("all", kinds),
    ]:
        right = sum(kind.true is kind.said for kind in chosen)
        lines.append(f"| {name} | {len(chosen)} | {_share(right, len(chosen))} |")
    lines += ["", "| kind | n | found | right where said |", "|---|---|---|---|"]
    for utterance in Utterance:
        mine = [kind for kind in kinds if kind.true is utterance]
        said = [kind for kind in kinds if kind.said is utterance]
        both = sum(kind.true is kind.said for kind in mine)
        lines.append(f"| {utterance.text} | {len(mine)} | {_share(both, len(mine))} | {_share(both, len(said))} |")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    if not whole:
        return ""
    low, high = wilson(part, whole)
    return f"{part / whole * 100:.1f} % [{low * 100:.1f}, {high * 100:.1f}] of {whole}"
