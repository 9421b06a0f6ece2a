"""Which questions ask the same: the Dice coefficient of their character pairs.

Chinese needs no segmentation for this, and a phone's typing errors cost one pair, not the whole. Polite openings and
the many words for “how” are levelled first. What it finds is offered to a person, who decides: questions of one frame
about two things (老年卡, 居住证在哪个窗口办理) are offered as well.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

ALIKE = 0.55
"""From this likeness on, a person is asked whether two questions are one."""
LONGEST = 400
"""Characters of a text that are compared."""

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


@lru_cache(maxsize=20_000)
def pairs(text: str) -> frozenset[str]:
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
    """Texts to look for likenesses in, by a number of each; made once for a batch of look-ups."""

    def __init__(self, texts: Iterable[tuple[int, str]]) -> None:
        self._sizes: dict[int, int] = {}
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for number, text in texts:
            found = pairs(text)
            self._sizes[number] = len(found)
            for pair in found:
                self._holders[pair].append(number)

    def alike(self, text: str, *, but: int | None = None, least: float = ALIKE, most: int = 3) -> list[int]:
        """The numbers of the texts most like this one, the likest first; `but` is left out."""
        wanted = pairs(text)
        shared: defaultdict[int, int] = defaultdict(int)
        for pair in wanted:
            for number in self._holders.get(pair, ()):
                shared[number] += 1
        scores = {
            number: 2 * count / (len(wanted) + self._sizes[number]) for number, count in shared.items() if number != but
        }
        return _best(scores, least, most)


def _best(scores: Mapping[int, float], least: float, most: int) -> list[int]:
    alike = [(-score, number) for number, score in scores.items() if score >= least]
    return [number for _, number in sorted(alike)[:most]]
