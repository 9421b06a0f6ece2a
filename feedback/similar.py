"""Which questions ask the same: the Dice coefficient of their character pairs.

Chinese needs no segmentation for this, and a phone's typing errors cost one pair, not the whole. Polite openings and
the many words for “how” are levelled first. What it finds is offered to a person, who decides: questions of one frame
about two things (老年卡, 居住证在哪个窗口办理) are offered as well.

Nothing here remembers a text by itself: what an `Index` holds is its owner's to drop.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, KeysView
from itertools import chain

ALIKE = 0.55
"""From this likeness on, a person is asked whether two questions are one."""
LONGEST = 200
"""Characters of a text that are compared: a question is longer only where its beginning tells it from the others."""

Pairs = frozenset[str]

_LEVELLED = (
    (re.compile("如何|怎样|怎么样|咋样|咋|怎麽"), "怎么"),
    (re.compile("哪儿|何处|啥地方|什么地方"), "哪里"),
    (re.compile("啥时候|何时|几时|什么时间"), "什么时候"),
    (re.compile("啥"), "什么"),
)
_POLITE = re.compile(
    "请问一?下?|您好|你好|大家好|主持人|领导|老师|同志|我?想?咨询一?下?|我?想问一?下?|问一?下|麻烦|谢谢您?|感谢|辛苦了?"
)
_NO_LETTER = re.compile(r"[\W_]+")


def pairs(text: str) -> Pairs:
    """The character pairs of what the text asks; a single character is its own pair, an empty text has none."""
    level = unicodedata.normalize("NFKC", text[:LONGEST]).lower()
    for words, one in _LEVELLED:
        level = words.sub(one, level)
    core = _NO_LETTER.sub("", _POLITE.sub("", level)).rstrip("吗呢吧啊呀嘛么") or _NO_LETTER.sub("", level)
    return frozenset(core[index : index + 2] for index in range(len(core) - 1)) or frozenset({core} - {""})


def likeness(one: str, other: str) -> float:
    """How alike two texts are: 0 for nothing in common, 1 for the same."""
    first, second = pairs(one), pairs(other)
    return 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0


class Index:
    """Texts to look for likenesses in, by a number of each: it holds their character pairs, not the texts.

    A look-up costs what its pairs are held by: about 0.1 ms among a thousand questions of twenty characters.
    """

    def __init__(self, texts: Iterable[tuple[int, str]] = ()) -> None:
        self._pairs: dict[int, Pairs] = {}
        self._holders: dict[str, list[int]] = {}
        for number, text in texts:
            self.put(number, pairs(text))

    @property
    def numbers(self) -> KeysView[int]:
        """The numbers of the texts."""
        return self._pairs.keys()

    @property
    def size(self) -> int:
        """How many different pairs it holds: what its memory goes with, about 250 bytes each."""
        return len(self._holders)

    def put(self, number: int, asked: Pairs) -> None:
        """Add the pairs of a text, in the place of those that the number had."""
        self.drop(number)
        self._pairs[number] = asked
        for pair in asked:
            self._holders.setdefault(pair, []).append(number)

    def drop(self, number: int) -> None:
        """Forget a text; one that is not there may be dropped as well."""
        for pair in self._pairs.pop(number, ()):
            holders = self._holders[pair]
            holders.remove(number)
            if not holders:
                del self._holders[pair]

    def alike(self, text: str, *, least: float = ALIKE, most: int = 3) -> list[int]:
        """The numbers of the texts most like this one, the likest first."""
        return self._best(pairs(text), None, least, most)

    def neighbours(self, number: int, *, least: float = ALIKE, most: int = 3) -> list[int]:
        """The numbers of the texts most like the one of that number, without itself. Raises KeyError."""
        return self._best(self._pairs[number], number, least, most)

    def _best(self, asked: Pairs, but: int | None, least: float, most: int) -> list[int]:
        # Counter counts an iterable without a step of Python for each.
        shared = Counter(chain.from_iterable(self._holders.get(pair, ()) for pair in asked))
        scores = (
            (-2 * count / (len(asked) + len(self._pairs[number])), number)
            for number, count in shared.items()
            if number != but
        )
        return [number for _, number in sorted(score for score in scores if -score[0] >= least)[:most]]
