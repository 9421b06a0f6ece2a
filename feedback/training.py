"""Training a sentiment model on labelled texts, and measuring one, with intervals; pure Python, and the same each time.

Logistic regression over `feedback.features` with AdaGrad. A neutral text stands in both classes, with half the weight
in each. The bands beyond which a text is 正面 or 负面 are set on texts that the weights were not fitted to.
"""

import csv
import hashlib
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from math import exp, sqrt
from pathlib import Path

from feedback.digest.csv import plain
from feedback.features import features
from feedback.simplified import simplified
from feedback.text import clean
from feedback.trained import TrainedModel, dense, scale

LEAST_TEXTS = 200
"""Labelled texts without which nothing is trained: fewer give weights that say more of chance than of people."""
_LEAST_OF_A_CLASS = 40
_MOST_FEATURES = 60_000
_LEAST_WEIGHT = 0.02
_ROUNDS = 6
_RATE = 0.15
_DECAY = 2e-5
_SEED = 20230927
_MOST_CUTS = 160


class BadData(Exception):
    """Labelled data that cannot be used; the text says where and why."""


class Polarity(StrEnum):
    """What a person says of a text."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"


_NAMES = {
    **dict.fromkeys(("positive", "正面", "1", "+1"), Polarity.POSITIVE),
    **dict.fromkeys(("negative", "负面", "-1"), Polarity.NEGATIVE),
    **dict.fromkeys(("neutral", "uncertain", "中性", "不确定", "0"), Polarity.NEUTRAL),
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what a person says of it."""

    text: str
    polarity: Polarity


def read_labelled(path: Path, *, text: str = "text", label: str = "label") -> list[Labelled]:
    """The labelled texts of a CSV file with a header, or of JSON Lines, UTF-8; rows without a label are left out.

    Labels: positive, negative, neutral or uncertain; 正面, 负面, 中性, 不确定; 1, -1, 0. Raises BadData, OSError.
    """
    found = []
    for number, row in _rows(path):
        if text not in row or label not in row:
            raise BadData(f"{path}:{number}: there is no “{text}” or no “{label}”")
        said = str(row[label] if row[label] is not None else "").strip().lower()
        if not said:
            continue
        if said not in _NAMES:
            raise BadData(f"{path}:{number}: “{said}” is no label")
        words = clean(plain(str(row[text] or "")))
        if words:
            found.append(Labelled(words, _NAMES[said]))
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            if path.suffix in {".jsonl", ".ndjson"}:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        row = json.loads(line)
                        yield number, row if isinstance(row, dict) else {}
            else:
                reader = csv.DictReader(lines)
                for values in reader:
                    yield reader.line_num, dict(values)
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise BadData(f"{path}: {error}") from error


def digest(data: Iterable[Labelled]) -> str:
    """SHA-256 of the texts with their labels, in order."""
    total = hashlib.sha256()
    for item in data:
        total.update(json.dumps([item.text, item.polarity.value], ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return total.hexdigest()


def in_half(text: str, half: str) -> bool:
    """Whether *text* is of the “first” or “second” half: by its digest, so in every order and file alike."""
    odd = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[0] & 1
    return odd == (half == "second")


Score = Callable[[str], float | None]
"""snownlp's score of a text (`Scorer.sentiment`)."""


@dataclass(frozen=True, slots=True)
class _Example:
    features: tuple[str, ...]
    dense: tuple[float, float]
    scale: float
    polarity: Polarity


def _example(item: Labelled, score: float | None) -> _Example:
    text = simplified(item.text)
    return _Example(tuple(sorted(features(text))), dense(text, score), scale(text), item.polarity)


def train(
    data: Sequence[Labelled],
    name: str,
    score: Score,
    now: datetime,
    fixed_bands: tuple[float, float] | None = None,
) -> TrainedModel:
    """A model of *data*, called *name*. About a second for a thousand texts. Raises BadData where there are too few.

    The bands are learnt from *data*, unless they are given (at most negative, at least positive).
    """
    counts = Counter(item.polarity for item in data)
    if len(data) < LEAST_TEXTS or min(counts[Polarity.POSITIVE], counts[Polarity.NEGATIVE]) < _LEAST_OF_A_CLASS:
        raise BadData(
            f"{counts[Polarity.POSITIVE]} positive and {counts[Polarity.NEGATIVE]} negative of {len(data)} texts: "
            f"training takes {LEAST_TEXTS}, and {_LEAST_OF_A_CLASS} of each"
        )
    examples = [_example(item, score(item.text)) for item in data]
    chance = random.Random(_SEED)  # noqa: S311 - the same model from the same data
    order = list(range(len(examples)))
    chance.shuffle(order)
    negative_to, positive_from = fixed_bands or _learn_bands([examples[index] for index in order], chance)
    final = _fit(examples, chance)
    strongest = sorted(final.weights, key=lambda feature: (-abs(final.weights[feature]), feature))[:_MOST_FEATURES]
    strongest = [feature for feature in strongest if abs(final.weights[feature]) >= _LEAST_WEIGHT]
    return TrainedModel(
        name=name,
        sha256=digest(data),
        made_at=now,
        counts={polarity.value: counts[polarity] for polarity in Polarity},
        weights={feature: round(final.weights[feature], 3) for feature in sorted(strongest)},
        bias=round(final.bias, 3),
        lexicon=round(final.dense[0], 3),
        snownlp=round(final.dense[1], 3),
        positive_from=positive_from,
        negative_to=negative_to,
    )


def _learn_bands(examples: Sequence[_Example], chance: random.Random) -> tuple[float, float]:
    """Set on a fifth of *examples* to which the weights of a trial run are not fitted."""
    held, fitted = examples[: len(examples) // 5], examples[len(examples) // 5 :]
    trial = _fit(fitted, chance)
    return bands([(trial.feeling(example) * example.scale, example.polarity) for example in held])


class _Linear:
    """Weights while they are learnt, each with the sum of its squared steps."""

    def __init__(self, known: Iterable[str]) -> None:
        self.weights: dict[str, float] = dict.fromkeys(known, 0.0)
        self.squares: dict[str, float] = dict.fromkeys(self.weights, 1e-2)
        self.bias = 0.0
        self.dense = [0.3, 0.1]
        self._dense_squares = [1.0, 1.0]

    def feeling(self, example: _Example) -> float:
        weights = self.weights
        total = self.bias + self.dense[0] * example.dense[0] + self.dense[1] * example.dense[1]
        return total + sum(weights.get(feature, 0.0) for feature in example.features)

    def learn(self, example: _Example, importance: float, target: float) -> None:
        error = importance * (1 / (1 + exp(-max(-30.0, min(30.0, self.feeling(example))))) - target)
        self.bias -= 0.01 * error
        for index, value in enumerate(example.dense):
            step = error * value
            self._dense_squares[index] += step * step
            self.dense[index] -= 0.05 * step / sqrt(self._dense_squares[index])
        weights, squares = self.weights, self.squares
        square = error * error
        for feature in example.features:
            if feature in weights:
                weight = weights[feature]
                squares[feature] += square
                weights[feature] = weight - _RATE * (error + _DECAY * weight) / sqrt(squares[feature])


def _fit(examples: Sequence[_Example], chance: random.Random) -> _Linear:
    often = Counter(feature for example in examples for feature in example.features)
    model = _Linear(sorted(feature for feature, count in often.items() if count > 1))
    counts = Counter(example.polarity for example in examples)
    polar = (counts[Polarity.POSITIVE] + counts[Polarity.NEGATIVE]) / 2
    # Both classes weigh alike, however many of each there are.
    importance = {
        Polarity.POSITIVE: min(3.0, polar / max(1, counts[Polarity.POSITIVE])),
        Polarity.NEGATIVE: min(3.0, polar / max(1, counts[Polarity.NEGATIVE])),
        Polarity.NEUTRAL: 1.0,
    }
    target = {Polarity.POSITIVE: 1.0, Polarity.NEGATIVE: 0.0, Polarity.NEUTRAL: 0.5}
    order = list(examples)
    for _ in range(_ROUNDS):
        chance.shuffle(order)
        for example in order:
            model.learn(example, importance[example.polarity], target[example.polarity])
    return model


def bands(sums: Sequence[tuple[float, Polarity]]) -> tuple[float, float]:
    """(at most negative, at least positive): the best macro-F1, or, without neutral texts, 85 % right on each side."""
    values = sorted({value for value, _ in sums})
    cuts = [0.0, *((one + other) / 2 for one, other in itertools.pairwise(values))]
    cuts = sorted(cuts[:: max(1, len(cuts) // _MOST_CUTS)])
    lower, upper = [cut for cut in cuts if cut <= 0], [cut for cut in cuts if cut >= 0]
    if any(polarity is Polarity.NEUTRAL for _, polarity in sums):

        def worth(low: float, high: float) -> float:
            return macro_f1([(said(value, low, high), polarity) for value, polarity in sums])

        low, high = lower[len(lower) // 2], upper[len(upper) // 2]
        for _ in range(3):  # each in turn: what is best for one side hardly depends on the other
            low = _best(lower, partial(worth, high=high))
            high = _best(upper, partial(worth, low))
        return low, high

    def right(chosen: list[Polarity], polarity: Polarity) -> bool:
        return bool(chosen) and chosen.count(polarity) >= 0.85 * len(chosen)

    low = next((s for s in reversed(lower) if right([p for v, p in sums if v <= s], Polarity.NEGATIVE)), lower[0])
    high = next((s for s in upper if right([p for v, p in sums if v >= s], Polarity.POSITIVE)), upper[-1])
    return low, high


def _best(cuts: Sequence[float], worth: Callable[[float], float]) -> float:
    """The cut that is worth most; of several that are worth the same, the middle one."""
    found = [(worth(cut), cut) for cut in cuts]
    most = max(found)[0]
    tied = [cut for value, cut in found if value == most]
    return tied[len(tied) // 2]


def said(feeling: float, negative_to: float, positive_from: float) -> Polarity:
    """What a sum means with these bands."""
    if feeling >= positive_from and feeling > negative_to:
        return Polarity.POSITIVE
    return Polarity.NEGATIVE if feeling <= negative_to else Polarity.NEUTRAL


def macro_f1(pairs: Sequence[tuple[Polarity, Polarity]]) -> float:
    """The mean over the three classes of the F1 of (said, true) pairs."""
    total = 0.0
    for polarity in Polarity:
        both = sum(1 for one, other in pairs if one is polarity and other is polarity)
        named = sum(1 for one, _ in pairs if one is polarity) + sum(1 for _, other in pairs if other is polarity)
        total += 2 * both / named if named else 0.0
    return total / len(Polarity)
