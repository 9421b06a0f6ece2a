"""主题词: what many texts have in common, as runs of two to four characters, counted by the texts that hold them.

No dictionary is needed and none could know the names of a district's streets. Runs that stop words cut are not seen; of
two runs that occur together (充电, 充电桩) the longer one stands for both.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST = 20
LEAST_TEXTS = 2
LONGEST_TEXT = 400
_LONGEST_WORD = 4
_TOGETHER = 0.7
"""A run stands for its part where it holds so much of the part's texts."""

_CUTS = re.compile(
    "建议|希望|请问|咨询|想问|问一下|能不能|可不可以|是不是|有没有|怎么样|怎么办|怎么|怎样|如何|什么时候|什么|哪里|哪个|哪些|"
    "为什么|为何|多少|多久|可以|能否|应该|需要|谢谢|感谢|老师|主持人|领导|大家|我们|你们|他们|咱们|这个|那个|这些|那些|这样|"
    "因为|所以|但是|如果|还是|或者|而且|现在|已经|一下|一个|一些|有点|没有|不能|不要|不会|觉得|知道|问题|时候|非常|特别|"
    "就是|都是|不是|也是|[的了吗呢吧啊呀嘛么是在有和与及或就都也还又很太更最我你您他她它们这那哪谁把被让给对从到为以而且等会要想请不没]"
)
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word and in how many texts it stands."""

    word: str
    texts: int


def keywords(texts: Iterable[str], most: int = MOST) -> tuple[Keyword, ...]:
    """The words that stand in most texts, each in at least `LEAST_TEXTS`; the same texts in any order give the same."""
    runs = [list(_runs(text)) for text in texts]
    found: Counter[str] = Counter()
    longer: Counter[str] = Counter()
    for length in range(2, _LONGEST_WORD + 1):
        counted: Counter[str] = Counter()
        for pieces in runs:
            counted.update({word for piece in pieces for word in _words(piece, length, longer)})
        longer = Counter({word: number for word, number in counted.items() if number >= LEAST_TEXTS})
        found.update(longer)
        if not longer:
            break
    for word in sorted(found, key=len, reverse=True):
        for part in {word[:-1], word[1:]}:
            if part in found and found[word] >= _TOGETHER * found[part]:
                found[part] = 0
    for word in sorted(found, key=len):
        # What is left of a longer run that is rarer than its parts says less than they do.
        if len(word) > 2 and found[word] and max(found[word[:-1]], found[word[1:]]) > found[word]:
            found[word] = 0
    ranked = sorted((-number, -len(word), word) for word, number in found.items() if number)
    return tuple(Keyword(word, -number) for number, _, word in ranked[:most])


def _runs(text: str) -> Iterator[str]:
    for run in _HAN.findall(unicodedata.normalize("NFKC", text[:LONGEST_TEXT])):
        yield from (piece for piece in _CUTS.split(run) if len(piece) > 1)


def _words(piece: str, length: int, shorter: Counter[str]) -> Iterator[str]:
    """The runs of that length whose parts are themselves common: anything else cannot be."""
    for start in range(len(piece) - length + 1):
        word = piece[start : start + length]
        if length == 2 or (word[:-1] in shorter and word[1:] in shorter):
            yield word
