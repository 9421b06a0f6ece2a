"""What a sentiment model is worth on labelled texts: figures with 95 % intervals from resampling."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from feedback.training import Polarity, macro_f1, said

_RESAMPLES = 500
_SEED = 20230927


@dataclass(frozen=True, slots=True)
class Figure:
    """A share in [0, 1] with its 95 % interval; `n` is what it is a share of."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value * 100:.1f} % [{self.low * 100:.1f}, {self.high * 100:.1f}], n = {self.n:,}"


@dataclass(frozen=True, slots=True)
class Judged:
    """One text: how it sounds to the model, what the model says of it, and what a person says."""

    feeling: float
    label: Polarity
    """NEUTRAL stands for 不确定 and 未评分."""
    true: Polarity


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one model on one set; None where the set has nothing to measure."""

    counts: dict[Polarity, int]
    accuracy: Figure | None
    """Of texts labelled positive or negative, with a sum of 0 as the border."""
    classes: Figure | None
    """The mean of the accuracies of both classes."""
    precision: Figure | None
    """Of those texts, where the model says 正面 or 负面."""
    labelled: float
    """The share of those texts of which it says so."""
    macro: Figure | None
    """Macro-F1 of the three classes, where neutral texts are labelled."""
    neutral_negative: Figure | None
    """Neutral texts called 负面."""


def judge(feeling: float, true: Polarity, negative_to: float, positive_from: float) -> Judged:
    """The verdict on one text by the bands alone."""
    return Judged(feeling, said(feeling, negative_to, positive_from), true)


def evaluate(judged: Sequence[Judged]) -> Evaluation:
    """The figures of *judged*; about a second for a thousand texts."""
    polar = [item for item in judged if item.true is not Polarity.NEUTRAL]
    sure = [item for item in polar if item.label is not Polarity.NEUTRAL]
    neutral = [item for item in judged if item.true is Polarity.NEUTRAL]
    both = {item.true for item in polar} == {Polarity.POSITIVE, Polarity.NEGATIVE}
    return Evaluation(
        counts={polarity: sum(1 for item in judged if item.true is polarity) for polarity in Polarity},
        accuracy=_figure(polar, _accuracy),
        classes=_figure(polar, _classes) if both else None,
        precision=_figure(sure, _precision),
        labelled=len(sure) / len(polar) if polar else 0.0,
        macro=_figure(judged, _macro) if neutral and both else None,
        neutral_negative=_figure(neutral, _called_negative),
    )


def _right(item: Judged) -> bool:
    return item.feeling != 0 and (item.feeling > 0) == (item.true is Polarity.POSITIVE)


def _accuracy(items: Sequence[Judged]) -> float:
    return sum(map(_right, items)) / len(items)


def _classes(items: Sequence[Judged]) -> float:
    shares = []
    for polarity in (Polarity.POSITIVE, Polarity.NEGATIVE):
        own = [item for item in items if item.true is polarity]
        shares.append(_accuracy(own) if own else 0.5)
    return sum(shares) / 2


def _precision(items: Sequence[Judged]) -> float:
    return sum(1 for item in items if item.label is item.true) / len(items)


def _called_negative(items: Sequence[Judged]) -> float:
    return sum(1 for item in items if item.label is Polarity.NEGATIVE) / len(items)


def _macro(items: Sequence[Judged]) -> float:
    return macro_f1([(item.label, item.true) for item in items])


def _figure(items: Sequence[Judged], measure: Callable[[Sequence[Judged]], float]) -> Figure | None:
    if not items:
        return None
    chance = random.Random(_SEED)  # noqa: S311 - the same interval each time
    # Beyond some hundred thousand drawn texts more resampling changes no digit that is printed.
    times = max(60, min(_RESAMPLES, 500_000 // len(items)))
    drawn = sorted(measure(chance.choices(items, k=len(items))) for _ in range(times))
    edge = max(1, round(times * 0.025))
    return Figure(measure(items), drawn[edge - 1], drawn[-edge], len(items))


def as_table(named: Sequence[tuple[str, Evaluation]]) -> str:
    """The figures as a Markdown table, one row a model."""
    lines = [
        (
            "| model | positive, negative, neutral | accuracy | mean of both classes | right where 正面 or 负面 "
            "| labelled so | macro-F1 of three | neutral called 负面 |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, result in named:
        cells = [
            name,
            ", ".join(f"{result.counts[polarity]:,}" for polarity in Polarity),
            *(str(figure) if figure else "" for figure in (result.accuracy, result.classes, result.precision)),
            f"{result.labelled * 100:.0f} %",
            *(str(figure) if figure else "" for figure in (result.macro, result.neutral_negative)),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
