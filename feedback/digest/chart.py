"""The pictures of the document: black on white, told apart by hatching and words, so that a photocopy loses nothing.

Only fixed labels and digits stand in them, for which `labels.otf` has the glyphs; `labels.md` says how it was made.
"""

import io
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator

from feedback.digest.model import Sample, Sentiment
from feedback.digest.wording import beijing, share
from feedback.scorer import Label

GLYPHS = "正面负不确定未评分条人时间收看数最高同 0123456789.,%:（）—()-n="
"""Every character that a picture may hold, as `labels.otf` has them."""

_DPI = 220
_WIDTH = 5.9  # inches: 150 mm, inside the 156 mm of the page
_HATCH = {Label.POSITIVE: "", Label.NEGATIVE: "////", Label.UNCERTAIN: "....", Label.UNSCORED: "xx"}
_FACE = {Label.POSITIVE: "0.25", Label.NEGATIVE: "white", Label.UNCERTAIN: "white", Label.UNSCORED: "white"}
_MOST_SAMPLES = 600  # finer than the picture's pixels would show


def sentiment_bars(sentiment: Sentiment) -> bytes:
    """PNG, 150 mm wide: one bar a label, with its number and its share of the texts scored."""
    figure = Figure(figsize=(_WIDTH, 1.9), dpi=_DPI)
    axes = figure.add_axes((0.13, 0.04, 0.85, 0.92))
    labels = list(Label)
    numbers = [sentiment.counts.get(label, 0) for label in labels]
    largest = max(*numbers, 1)
    for row, (label, number) in enumerate(zip(labels, numbers, strict=True)):
        axes.barh(row, number, height=0.62, color=_FACE[label], edgecolor="black", hatch=_HATCH[label], linewidth=0.9)
        of_scored = f"（{share(number, sentiment.scored)}）" if label is not Label.UNSCORED and sentiment.scored else ""
        axes.text(number + largest * 0.015, row, f"{number}条{of_scored}", va="center", fontproperties=_font(10))
    axes.set_yticks(range(len(labels)), [label.text for label in labels], fontproperties=_font(10))
    axes.set_xlim(0, largest * 1.32)
    axes.set_xticks([])
    axes.invert_yaxis()
    _plain(axes, ("left",))
    axes.tick_params(axis="y", length=0)
    return _png(figure)


def watching_line(samples: Sequence[Sample]) -> bytes:
    """PNG, 150 mm wide: how many were watching, over Beijing time, with the peak named. Needs at least two samples."""
    shown = _thinned(samples)
    figure = Figure(figsize=(_WIDTH, 2.2), dpi=_DPI)
    axes = figure.add_axes((0.09, 0.14, 0.89, 0.76))
    begin = shown[0].at
    minutes = [(sample.at - begin).total_seconds() / 60 for sample in shown]
    numbers = [sample.watching for sample in shown]
    axes.plot(minutes, numbers, color="black", linewidth=1.1, drawstyle="steps-post")
    axes.fill_between(minutes, numbers, step="post", color="0.9")
    peak = max(range(len(shown)), key=numbers.__getitem__)
    axes.plot(minutes[peak], numbers[peak], "o", color="black", markersize=4)
    right_half = minutes[peak] > minutes[-1] / 2
    axes.annotate(
        f"最高{numbers[peak]}人（{beijing(shown[peak].at):%H:%M}）",
        (minutes[peak], numbers[peak]),
        xytext=(-6 if right_half else 6, 4),
        textcoords="offset points",
        ha="right" if right_half else "left",
        fontproperties=_font(9),
    )
    axes.set_xlim(0, max(minutes[-1], 1))
    axes.set_ylim(0, max(*numbers, 1) * 1.22)
    ticks = [minutes[-1] * part / 4 for part in range(5)]
    axes.set_xticks(
        ticks, [f"{beijing(begin + timedelta(minutes=tick)):%H:%M}" for tick in ticks], fontproperties=_font(9)
    )
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.get_xticklabels()[-1].set_horizontalalignment("right")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    for text in axes.get_yticklabels():
        text.set_fontproperties(_font(9))
    axes.text(0, 1.02, "同时收看人数", transform=axes.transAxes, fontproperties=_font(9), va="bottom")
    _plain(axes, ("left", "bottom"))
    return _png(figure)


def _thinned(samples: Sequence[Sample]) -> list[Sample]:
    """At most `_MOST_SAMPLES` samples: the highest of each stretch, so that no peak is lost."""
    if len(samples) <= _MOST_SAMPLES:
        return list(samples)
    step = -(-len(samples) // _MOST_SAMPLES)
    stretches = (samples[start : start + step] for start in range(0, len(samples), step))
    return [max(stretch, key=lambda sample: sample.watching) for stretch in stretches]


@cache
def _font(size: float) -> FontProperties:
    return FontProperties(fname=Path(__file__).with_name("labels.otf"), size=size)


def _plain(axes: Axes, kept: tuple[str, ...]) -> None:
    for name, spine in axes.spines.items():
        spine.set_visible(name in kept)
        spine.set_linewidth(0.8)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})  # no version in it: same data, same bytes
    return buffer.getvalue()
