"""How long packets stay in the relay, counted in steps: a histogram that adds up over processes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds: the upper end of each step; above the last there is one more."""


class Delays:
    """Counts delays of batches: from the first packet's arrival until the kernel had the last viewer's copy."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        """The sum of all."""

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"counts": list(self.counts), "seconds": self.seconds}

    def include(self, other: Mapping[str, Any]) -> None:
        """Add what another process counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other["counts"], strict=True)]
        self.seconds += other["seconds"]
