"""What a comment costs against word lists of 100,000 words."""

import random
import time
from collections.abc import Iterator

from feedback.words import Severity, WordList, fold

WORDS = 100_000
_TEXTS = 5_000


def made_up(count: int, seed: int = 1) -> list[str]:
    """Different words of two to six Han characters, always the same ones."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(rng.randint(2, 6)))] = None
    return list(words)


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table; about five seconds."""
    rng = random.Random(2)  # noqa: S311 - no secret
    words = made_up(WORDS)
    begun = time.perf_counter()
    matcher = WordList(
        {Severity.BLOCK: words[:30_000], Severity.HOLD: words[30_000:60_000], Severity.MARK: words[60_000:]}
    )
    built = time.perf_counter() - begun
    plain = "窗口的同志很热情，建议周末也能办理，最好在网上公布需要哪些材料"
    texts = [plain[rng.randrange(10) :] + (rng.choice(words) if number % 10 == 0 else "") for number in range(_TEXTS)]
    begun = time.perf_counter()
    found = sum(bool(matcher.find(fold(text))) for text in texts)
    ours = (time.perf_counter() - begun) / _TEXTS
    begun = time.perf_counter()
    for text in texts[:50]:
        [word for word in words if word in text]
    one_by_one = (time.perf_counter() - begun) / 50
    yield (
        f"a comment against {WORDS:,} words, disguises and homophones included",
        f"{ours * 1e6:.0f} µs ({found / _TEXTS:.0%} with a hit)",
        f"{one_by_one * 1e6:,.0f} µs with `in`, word by word, without disguises",
    )
    yield f"building the list of {WORDS:,} words", f"{built:.1f} s", ""
