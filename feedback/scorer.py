"""The sentiment score of a text: `SnowNLP(text).sentiments`, bit for bit, where that number means anything.

snownlp (MIT) carries the model; its package is not imported, only its data files are read. That saves 1 to 2 s and
300 MB, and `feedback.reference` finds the same number faster. `docs/sentiment.md` says what the score is worth.
"""

import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import version

from feedback.lexicon import lexicon, voices_feeling
from feedback.model import Model
from feedback.reference import Reference, fastest
from feedback.simplified import simplified
from feedback.trained import shipped
from feedback.utterance import Utterance, classify


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
    """What is said of one text. `score` is snownlp's, in [0, 1], 1 being positive; None where it would mean nothing.

    `label` is the second model's (`feedback.trained`), and may differ from what the score suggests: a text of signs
    alone has a label and no score.
    """

    score: float | None
    label: Label
    utterance: Utterance
    model: str


def label(text: str, score: float | None, utterance: Utterance, by: Model) -> Label:
    """The label of *text* with snownlp's *score*.

    A question asks, whatever it names: it is negative only where its writer voices a feeling.
    """
    feeling = feeling_of(text, score, by)
    if feeling is None:
        return Label.UNSCORED
    if _is_one_character(text):
        return Label.UNCERTAIN
    if feeling >= by.positive_from and feeling > by.negative_to:
        return Label.POSITIVE
    if feeling <= by.negative_to and (utterance is not Utterance.QUESTION or voices_feeling(simplified(text))):
        return Label.NEGATIVE
    return Label.UNCERTAIN


def feeling_of(text: str, score: float | None, by: Model) -> float | None:
    """How *text* sounds to a model; None of a text without a score in which no word and no sign of feeling stands."""
    if score is None and not lexicon().feeling(text).balance:
        return None
    return by.feeling(text, score)


def _is_one_character(text: str) -> bool:
    """“好” or “差。”: too short to say how it is meant. A sign, “[怒]”, is no character."""
    if "[" in text:
        return False
    rest = [character for character in text if unicodedata.category(character)[0] not in "PZC"]
    return len(rest) == 1 and rest[0].isalnum()


class Scorer:
    """Scores texts with snownlp's model. Loading takes about a second, on the first call or by `load`.

    One thread at a time. The caches are bounded; a text costs time in proportion to its length.
    """

    def __init__(self, reference: Reference | None = None, labels: Model | None = None) -> None:
        self.labels = labels or shipped()
        self.model = f"snownlp-{version('snownlp')}+{self.labels.full_name}"
        self.load_seconds: float | None = None
        self._reference = reference

    @property
    def engine(self) -> str:
        """What finds snownlp's number: “python” or “numba”. Loads the model."""
        return self.load().engine

    def load(self) -> Reference:
        """Read the model now. Raises ModelMismatch when the installed snownlp is another one, OSError without one."""
        if self._reference is None:
            begun = time.perf_counter()
            self._reference = fastest()
            self.load_seconds = time.perf_counter() - begun
        return self._reference

    def sentiment(self, text: str) -> float | None:
        """`SnowNLP(text).sentiments`, or None where snownlp fails or its number says nothing."""
        return self.load().sentiments([text])[0]

    def score(self, text: str) -> Score:
        """Score, label and kind of one text. Never fails on a text, whatever it holds."""
        return self.score_many([text])[0]

    def score_many(self, texts: Sequence[str]) -> list[Score]:
        """The scores of *texts*, in their order."""
        found = []
        for text, score in zip(texts, self.load().sentiments(texts), strict=True):
            utterance = classify(simplified(text))
            found.append(Score(score, label(text, score, utterance, self.labels), utterance, self.model))
        return found


@cache
def default_scorer() -> Scorer:
    """The process's own scorer, loaded on first use."""
    return Scorer()


def score(text: str) -> Score:
    """Score *text* with the process's own scorer; the first call loads the model (1 to 2 s)."""
    return default_scorer().score(text)
