"""A sentiment model trained on labelled texts: linear weights, with a lexicon's balance and snownlp's score among them.

It is a file of JSON that says what it was trained on, so that each score can be traced to its model.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import isfinite, log, sqrt
from pathlib import Path
from typing import Any

from feedback.features import LONGEST, features
from feedback.lexicon import lexicon
from feedback.simplified import simplified

FORMAT = 2
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
"""What a model may be called: it is stored with each score, and names its file."""
SHIPPED_NAME = "ms2"
SHIPPED = Path(__file__).parent / "sentiment_data" / "ms2.json"
_LARGEST_FILE = 64 << 20
_SURE = 1e-6
_MOST = 6.0


class BadModel(Exception):
    """A file that is no model of this format; the text says why."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """Weights and bands, and where they come from."""

    name: str
    sha256: str
    """Of the training texts with their labels, in order (`feedback.training.digest`)."""
    made_at: datetime
    counts: Mapping[str, int]
    """Training texts by label."""
    weights: Mapping[str, float]
    bias: float
    lexicon: float
    snownlp: float
    positive_from: float
    negative_to: float

    def feeling(self, text: str, score: float | None) -> float:
        """How *text* sounds: above 0 positive, below 0 negative. Linear in the text; never fails.

        These are log-odds over the root of the length: a long text collects more of both sides by chance.
        """
        text, weights = simplified(text), self.weights
        first, second = dense(text, score)
        known = [weights[feature] for feature in features(text) if feature in weights]
        return (self.bias + self.lexicon * first + self.snownlp * second + sum(sorted(known))) * scale(text)

    @property
    def full_name(self) -> str:
        """The name as it stands with a score: with the beginning of the training data's digest."""
        return f"{self.name}@{self.sha256[:8]}"

    def write(self, path: Path) -> None:
        """Write the model's file, whole or not at all. Raises OSError."""
        content = {
            "format": FORMAT,
            "name": self.name,
            "sha256": self.sha256,
            "made_at": self.made_at.isoformat(),
            "counts": dict(self.counts),
            "bias": self.bias,
            "lexicon": self.lexicon,
            "snownlp": self.snownlp,
            "positive_from": self.positive_from,
            "negative_to": self.negative_to,
            "weights": dict(self.weights),
        }
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(content, ensure_ascii=False, indent=0), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> "TrainedModel":
        """Read a model's file. Raises BadModel with one line that says what is wrong, OSError."""
        if path.stat().st_size > _LARGEST_FILE:
            raise BadModel(f"{path} is larger than {_LARGEST_FILE >> 20} MB")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise BadModel(f"{path} has format {content['format']!r}, not {FORMAT}")
            model = cls(
                name=str(content["name"]),
                sha256=str(content["sha256"]),
                made_at=datetime.fromisoformat(content["made_at"]),
                counts={str(label): int(count) for label, count in content["counts"].items()},
                weights={str(feature): _number(weight) for feature, weight in content["weights"].items()},
                **{name: _number(content[name]) for name in _NUMBERS},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadModel(f"{path} is no sentiment model: {error!r}") from error
        if not NAME.fullmatch(model.name) or not re.fullmatch(r"[0-9a-f]{64}", model.sha256):
            raise BadModel(f"{path} has a name or digest that cannot be stored")
        if model.negative_to > model.positive_from:
            raise BadModel(f"{path} calls the same text positive and negative")
        return model


_NUMBERS = ("bias", "lexicon", "snownlp", "positive_from", "negative_to")


def _number(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError("a weight is not finite")
    return number


def scale(text: str) -> float:
    """What the log-odds of *text* are multiplied by."""
    return 1 / sqrt(10 + min(len(text), LONGEST))


@cache
def shipped() -> TrainedModel:
    """The model that comes with the project, made by `minsheng sentiment train --shipped`."""
    return TrainedModel.read(SHIPPED)


def dense(text: str, score: float | None) -> tuple[float, float]:
    """What the lexicon and snownlp say of a simplified *text*, each kept within ±6: balance, and half the log-odds."""
    balance = lexicon().feeling(text).balance
    kept = 0.5 if score is None else min(max(score, _SURE), 1 - _SURE)
    odds = log(kept / (1 - kept)) / 2
    return max(-_MOST, min(_MOST, balance)), max(-_MOST, min(_MOST, odds))
