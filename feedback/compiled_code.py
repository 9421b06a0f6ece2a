"""snownlp's segmentation and classifier compiled by numba: what `feedback.segmenter` does, a predecessor at a time.

The extra `minsheng[fast]` brings numba. The first start after an installation compiles for some seconds and keeps the
result in a cache folder; without a writable one every start does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from feedback.compiled_tables import (
    BASIS,
    BOS_ID,
    FIRST_HAN,
    LAST_HAN,
    NO_PAIR,
    OFFSET,
    PRIME,
    Array,
    SegmentTables,
    WordTables,
)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    # No fastmath: additions stay in their order. Integers wrap as those of the tables do.
    made: Callable[..., Any] = njit(function)
    return made


def _kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled with all that it calls, and kept for the next start; in memory alone where no folder can be written."""
    try:
        made: Callable[..., Any] = njit(function, cache=True)
    except RuntimeError:
        made = _compiled(function)
    return made


@_compiled
def _pair(first: Any, second: Any, keys: Array, pairs: Array) -> Any:
    """The number of a pair of characters, or -1."""
    key = np.uint32(first << 16 | second)
    mixed = np.uint32(key * np.uint32(PRIME))
    last = np.uint32(len(keys) - 1)
    at = np.uint32((mixed ^ (mixed >> np.uint32(15))) & last)
    while keys[at] != key:
        if keys[at] == NO_PAIR:
            return -1
        at = np.uint32((at + np.uint32(1)) & last)
    return pairs[at]


@_compiled
def _fill(logs: Array, character: Any, before: Any, pair: Any, tables: SegmentTables) -> None:
    """Write logs[t1, t2, t3] of *character*: *pair* is that with the one before it, *before* the two before it."""
    row, _, _, _, pair_from, pair_codes, pair_logs, third_from, thirds, third_codes, third_logs = tables
    for state in range(64):
        logs[state] = row[character, state & 3]
    if pair >= 0:
        for entry in range(pair_from[pair], pair_from[pair + 1]):
            for t1 in range(4):
                logs[t1 << 4 | pair_codes[entry]] = pair_logs[entry]
    if before < 0:
        return
    low, stop = third_from[before], third_from[before + 1]
    high = stop
    while low < high:
        middle = (low + high) >> 1
        if thirds[middle] < character:
            low = middle + 1
        else:
            high = middle
    while low < stop and thirds[low] == character:
        logs[third_codes[low]] = third_logs[low]
        low += 1


@_compiled
def _tag(codes: Array, start: int, end: int, back: Array, tags: Array, tables: SegmentTables) -> None:
    """Write the tags of the Han run codes[start:end]: 0 to 3 for b, m, e and s.

    `paths[t1 * 4 + t2]` is the logarithm of the best path that ends with these two tags, `back[i, t2 * 4 + t3]` the tag
    before them. A later path wins only when strictly better.
    """
    paths, step, logs = np.full(16, -np.inf), np.empty(16), np.empty(64)
    paths[0] = 0.0
    previous = np.int64(BOS_ID)
    before = np.int64(_pair(previous, previous, tables.slot_keys, tables.slot_pairs))
    for index in range(end - start):
        character = np.int64(codes[start + index]) - OFFSET
        if not tables.known[character]:
            # The last predecessor in snownlp's order, dead or not: tag s, or the sentence start.
            last = 3 if index > 1 else 0
            for state in range(16):
                step[state] = paths[last * 4 + (state >> 2)]
                back[index, state] = last
            paths, step = step, paths
            previous, before = character, np.int64(-1)
            continue
        pair = np.int64(_pair(previous, character, tables.slot_keys, tables.slot_pairs))
        _fill(logs, character, before, pair, tables)
        for state in range(16):
            best, chosen = -np.inf, 0
            for t1 in range(4):
                value = paths[t1 << 2 | state >> 2] + logs[t1 << 4 | state]
                if value > best:
                    best, chosen = value, t1
            step[state] = best
            back[index, state] = chosen
        paths, step = step, paths
        previous, before = character, pair
    _trace(codes[start:end], paths, back, tags, tables)


@_compiled
def _trace(run: Array, paths: Array, back: Array, tags: Array, tables: SegmentTables) -> None:
    """Write the tags of the best path."""
    # snownlp takes the first of the best, and lists the paths by their last tag, then by the one before.
    t2, t3, best = 0, 0, paths[0]
    for last in range(4):
        for middle in range(4):
            if paths[middle << 2 | last] > best:
                best, t2, t3 = paths[middle << 2 | last], middle, last
    for index in range(len(run) - 1, -1, -1):
        tags[index] = t3
        t1 = int(back[index, t2 << 2 | t3])
        if best == -np.inf:
            # All paths died at a character that the corpus lacks. A path through a tag that its character never has
            # starts from the first predecessor.
            character = np.int64(run[index]) - OFFSET
            if tables.known[character] and tables.row[character, t3] == -np.inf:
                t1 = 0
        t2, t3 = t1, t2


@_compiled
def _word(codes: Array, start: int, end: int, tables: WordTables) -> Any:
    """The number of the word codes[start:end]; that of the unseen ones when the tables lack it."""
    slots, word_from, letters = tables.slots, tables.word_from, tables.letters
    at = np.uint32(BASIS)
    for index in range(start, end):
        at = np.uint32((at ^ np.uint32(codes[index])) * np.uint32(PRIME))
    last = np.uint32(len(slots) - 1)
    at = np.uint32((at ^ (at >> np.uint32(15))) & last)
    while slots[at] >= 0:
        number = slots[at]
        begin = word_from[number]
        if word_from[number + 1] - begin == end - start:
            same = True
            for index in range(end - start):
                if letters[begin + index] != codes[start + index]:
                    same = False
                    break
            if same:
                return number
        at = np.uint32((at + np.uint32(1)) & last)
    return len(word_from) - 1


@_compiled
def _add(codes: Array, start: int, end: int, tables: WordTables, sums: Array) -> bool:
    """Add the weights of a word to *sums*, in their order. Returns whether it counts."""
    number = _word(codes, start, end, tables)
    if tables.stop[number]:
        return False
    sums[0] += tables.weights[number, 0]
    sums[1] += tables.weights[number, 1]
    return True


@_compiled
def _score(codes: Array, start: int, end: int, segments: SegmentTables, words: WordTables, sums: Array) -> bool:
    """Add the weights of the words of codes[start:end] to *sums*.

    Returns whether any of them counts and there was a Han character.
    """
    counts, han, space = False, False, words.space
    at = start
    while at < end:
        begin = at
        if FIRST_HAN <= codes[at] <= LAST_HAN:
            han = True
            while at < end and FIRST_HAN <= codes[at] <= LAST_HAN:
                at += 1
            tags, back = np.empty(at - begin, np.uint8), np.empty((at - begin, 16), np.uint8)
            _tag(codes, begin, at, back, tags, segments)
            word = begin
            for index in range(begin, at):
                tag = tags[index - begin]
                # e ends a word; b and s begin one, wherever they stand, and e does behind another e.
                if index > word and tag not in (1, 2):
                    counts = _add(codes, word, index, words, sums) or counts
                    word = index
                if tag == 2:
                    counts = _add(codes, word, index + 1, words, sums) or counts
                    word = index + 1
            if word < at:
                counts = _add(codes, word, at, words, sums) or counts
            continue
        if codes[at] < len(space) and space[codes[at]]:
            at += 1
            continue
        while at < end and not (FIRST_HAN <= codes[at] <= LAST_HAN or (codes[at] < len(space) and space[codes[at]])):
            at += 1
        counts = _add(codes, begin, at, words, sums) or counts
    return han and counts


@_kept
def score_all(
    codes: Array, ends: Array, segments: SegmentTables, words: WordTables, sums: Array, counts: Array
) -> None:
    """Add the weights of each text's words to its row of *sums*; *counts* says whether they mean anything.

    The texts lie behind each other in *codes*, as code points; *ends* says where each ends.
    """
    start = np.int64(0)  # with a plain 0 numba compiles everything twice, for that number and for any
    for index in range(len(ends)):
        counts[index] = _score(codes, start, ends[index], segments, words, sums[index])
        start = ends[index]
