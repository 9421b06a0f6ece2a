"""Words of feeling with their weights, found in a text with what negates or strengthens them.

The words stand in `lexicon_data/`, written for this project. Longest match first, so that “不错” is not a negated “错”.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind

DATA = Path(__file__).parent / "lexicon_data"

_SURROGATE = re.compile("[\ud800-\udfff]")  # alone they are no text to the finder

# What turns a feeling round when it stands within three characters before it, in the same clause.
_NEGATION = re.compile(r"(?:不是|并非|没有|没|不|未|别|勿|无|非)[\u4e00-\u9fa5]{0,2}$")
_DEGREE = re.compile(r"(?:非常|十分|特别|极其|极|太|很|真|超|最|好|实在|完全|越来越)$")
# “希望” and “不但” hold no negation, “没有不” is two of them; the common ones that would mislead are named
_NO_NEGATION = re.compile(
    r"(?:不但|不仅|不过|别人|特别|无论|不管|不断|非常|是不是|要不要|有没有|能不能|差不多)[\u4e00-\u9fa5]?$"
)

# Praise of what is missing: “要是能这么快就好了”.
_MISSING = re.compile(
    r"(?:要是|如果|若是|假如|倘若|什么时候|哪天)[^，。！？!?,\n]{0,20}，?[^，。！？!?,\n]{0,12}(?:就好了|该多好|多好|就行了|就太好了|就完美了)"
)
_OF_THE_MISSING = -0.5

_NEGATED = -0.8
"""“不开心” weighs a little less than the opposite of “开心”."""
_STRONGER = 1.4


@dataclass(frozen=True, slots=True)
class Feeling:
    """What a text says of itself: the sums of its positive and negative weights, both at least 0."""

    positive: float
    negative: float

    @property
    def balance(self) -> float:
        """Positive minus negative weight, in the weights of the lexicon (a plain word of feeling has 2)."""
        return self.positive - self.negative


class Lexicon:
    """Finds weighted words in linear time. Immutable after its making."""

    def __init__(self, weights: dict[str, float], *, missing: bool = False) -> None:
        """*missing*: whether praise of what is missing counts as a complaint."""
        self._missing = missing
        self._weights = weights
        self._words = sorted(weights)
        self._finder = AhoCorasick(self._words, matchkind=MatchKind.LeftmostLongest)

    def feeling(self, text: str) -> Feeling:
        """The feelings that *text* names. Never fails."""
        positive = negative = 0.0
        lowered = text.lower()
        wished = [match.span() for match in _MISSING.finditer(lowered)] if self._missing else []
        for index, start, _ in self._finder.find_matches_as_indexes(_SURROGATE.sub("\ufffd", lowered)):
            weight = self._weights[self._words[index]]
            before = lowered[max(0, start - 4) : start]
            if _DEGREE.search(before):
                weight *= _STRONGER
            if _NEGATION.search(before) and not _NO_NEGATION.search(before):
                weight *= _NEGATED
            if weight > 0 and any(first <= start < last for first, last in wished):
                weight *= _OF_THE_MISSING
            if weight > 0:
                positive += weight
            else:
                negative -= weight
        return Feeling(positive, negative)


def read_weights(path: Path) -> dict[str, float]:
    """The weights of a file: on each line a number, then words; `#` begins a comment. Raises ValueError, OSError."""
    weights: dict[str, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            weight, *words = line.split()
            weights |= dict.fromkeys(words, float(weight))
    return weights


@cache
def first_lexicon() -> Lexicon:
    """The words and signs of the model ms1, read once."""
    return Lexicon(read_weights(DATA / "words.txt") | read_weights(DATA / "signs.txt"))


def all_weights() -> dict[str, float]:
    """The project's own words and signs with their weights."""
    found: dict[str, float] = {}
    for name in ("words", "more_words", "signs", "more_signs"):
        found |= read_weights(DATA / f"{name}.txt")
    return found


@cache
def lexicon() -> Lexicon:
    """The project's own words and signs, read once."""
    return Lexicon(all_weights(), missing=True)


@cache
def _voiced() -> tuple[str, ...]:
    lines = (DATA / "voiced.txt").read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())


def voices_feeling(text: str) -> bool:
    """Whether the writer of a simplified *text* voices anger or sorrow, and does not only name what is wrong."""
    lowered = text.lower()
    return any(word in lowered for word in _voiced())
