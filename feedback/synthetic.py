"""Labelled texts from a grammar, sentences and words written for this project: what the shipped model is trained on.

They are synthetic: nobody said them. The same files give the same texts, in the same order.
"""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from feedback.lexicon import all_weights
from feedback.trained import SHIPPED_NAME, TrainedModel
from feedback.training import Labelled, Polarity, Score, train

DATA = Path(__file__).parent / "sentiment_data"
_SEED = 20230927
_SIGNS = {"+": Polarity.POSITIVE, "-": Polarity.NEGATIVE, "0": Polarity.NEUTRAL}
_SLOT = re.compile(r"@([a-z]+)")
_DEEPEST = 4
_WEIGHTY = 2.0
SENTENCE_TIMES = 3
"""How often a sentence written by hand counts beside one that the grammar made."""


MADE_AT = datetime(2026, 11, 28, tzinfo=UTC)
BANDS = (-0.65, 0.9)
"""At most negative, at least positive: tuned on one half of public microblogs whose neutral texts are labelled. Nothing
else of the model comes from them, and the other half gave the published figures."""


class BadGrammar(Exception):
    """A line that cannot be read; the text says which."""


def synthetic() -> list[Labelled]:
    """All training texts of the shipped model, each text once for each time that it counts."""
    words = all_weights()
    slots: dict[str, list[str]] = {
        "good": [word for word, weight in words.items() if weight >= _WEIGHTY],
        "bad": [word for word, weight in words.items() if weight <= -_WEIGHTY],
    }
    patterns = []
    for line in _lines(DATA / "grammar.txt"):
        name, parted, choices = line.partition(" = ")
        if parted and name.startswith("@"):
            slots[name[1:]] = choices.split("|")
            continue
        try:
            sign, times, pattern = line.split(" ", 2)
            patterns.append((_SIGNS[sign], int(times), pattern))
        except (ValueError, KeyError) as error:
            raise BadGrammar(f"“{line}” is neither a slot nor a pattern") from error
    chance = random.Random(_SEED)  # noqa: S311 - the same texts each time
    found = [
        Labelled(_fill(pattern, slots, chance), polarity) for polarity, times, pattern in patterns for _ in range(times)
    ]
    for line in _lines(DATA / "sentences.txt"):
        found += [Labelled(line[2:], _SIGNS[line[0]])] * SENTENCE_TIMES
    for word, weight in words.items():
        if abs(weight) >= _WEIGHTY:
            found.append(Labelled(word, Polarity.POSITIVE if weight > 0 else Polarity.NEGATIVE))
    return found


def train_shipped(score: Score) -> TrainedModel:
    """The model that ships, ms2: the same each time."""
    return train(synthetic(), SHIPPED_NAME, score, MADE_AT, BANDS)


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


def _fill(pattern: str, slots: dict[str, list[str]], chance: random.Random) -> str:
    for _ in range(_DEEPEST):
        if "@" not in pattern:
            break
        pattern = _SLOT.sub(lambda match: chance.choice(slots[match[1]]), pattern)
    return pattern
