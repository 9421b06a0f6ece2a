"""What labels are made by, and the first model that did so: the feelings that a text names.

It is kept to compare with (`--model ms1`): `feedback.trained` is what ships now. snownlp was trained on reviews
and drops 不, 没有, 不是; this model counts the words and signs of `feedback.lexicon`, and adds a little of that score.
"""

from math import log
from typing import Protocol

from feedback.lexicon import first_lexicon

NAME = "ms1"
"""Stored after snownlp's name with each score; a change of words, weights or bands needs another name."""

# Tuned on one half of public microblogs whose neutral texts are labelled; the other half gave the published figures.
POSITIVE_FROM = 1.75
NEGATIVE_TO = -1.0

_LEAN = 0.05
_SURE = 1e-6  # naive Bayes goes to 0 or 1 on long texts; beyond this it would outvote what the text says


def feeling(text: str, score: float | None) -> float:
    """How *text* sounds: above 0 positive, below 0 negative, a plain word of feeling counting 2.

    *score* is snownlp's, in [0, 1], or None. Never fails; linear in the text.
    """
    balance = first_lexicon().feeling(text).balance
    if score is None:
        return balance
    kept = min(max(score, _SURE), 1 - _SURE)
    return balance + _LEAN * log(kept / (1 - kept))


class Model(Protocol):
    """What makes a label of a text: a trained model (`feedback.trained`), or this module's own."""

    @property
    def full_name(self) -> str:
        """Stored after snownlp's name with each score."""

    @property
    def positive_from(self) -> float: ...

    @property
    def negative_to(self) -> float: ...

    def feeling(self, text: str, score: float | None) -> float:
        """Above 0 positive, below 0 negative."""


class Ms1:
    """The handwritten model."""

    full_name = NAME
    positive_from = POSITIVE_FROM
    negative_to = NEGATIVE_TO

    def feeling(self, text: str, score: float | None) -> float:
        """See `feeling`."""
        return feeling(text, score)
