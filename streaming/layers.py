"""Which of several layers of a picture a viewer gets: what its bandwidth carries, and not another one every moment.

A viewer's estimate (REMB) follows what it is sent: without congestion it grows until it is half above that, by some
8 % a second, and says nothing of what the way would carry beyond. So the next layer is tried when the present one goes
well, and left again when packets are lost or the estimate falls, not while it is still growing; each try that failed
makes the wait for the next one longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

SETTLE_SECONDS = 1.0
"""After a change, before the next one down: reports about the layer before are still on their way."""
PATIENCE = 4.0
"""Seconds that a layer has to go well before the next one is tried."""
MAX_PATIENCE = 120.0
TRIAL_SECONDS = 12.0
"""Who has to leave a layer so soon has failed with it."""
TOO_LITTLE = 0.85
"""Share of a layer's bit rate below which an estimate says that it does not fit."""
FALLEN = 0.9
"""Share of the highest estimate since the change, below which it has fallen."""
ENOUGH = 1.15
"""An estimate of so many times the present layer's bit rate is no limit yet."""
MUCH_LOST = 0.10
LITTLE_LOST = 0.02


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer that is being sent, with its bit rate in bits a second."""

    name: str
    bitrate: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What a viewer gets, since when, and how long it has to go well before more is tried; times in seconds.

    `peak` is the highest estimate since then, in bits a second; of a newcomer nothing is known that it could fall from.
    """

    name: str
    since: float
    patience: float
    peak: float = inf


def begin(layers: Sequence[Layer], now: float) -> Choice | None:
    """The layer for a newcomer of whom nothing is known: of three the middle one; None where there is none."""
    return Choice(layers[len(layers) // 2].name, now, PATIENCE) if layers else None


def decide(choice: Choice, layers: Sequence[Layer], estimate: int | None, loss: float, now: float) -> Choice:
    """The choice from now on. `layers` ascend; `estimate` is the viewer's, in bits a second, `loss` a share of 1."""
    if estimate is not None and choice.peak < estimate:
        choice = replace(choice, peak=estimate)
    peak = inf if estimate is None else estimate
    names = [layer.name for layer in layers]
    if not names:
        return choice
    if choice.name not in names:
        return Choice(layers[_fitting(layers, estimate)].name, now, choice.patience, peak)
    place = names.index(choice.name)
    present = layers[place]
    age = now - choice.since
    tight = estimate is not None and estimate < min(TOO_LITTLE * present.bitrate, FALLEN * choice.peak)
    if place > 0 and age >= SETTLE_SECONDS and (tight or loss > MUCH_LOST):
        lower = min(place - 1, _fitting(layers, estimate)) if tight else place - 1
        failed = age < TRIAL_SECONDS
        patience = min(MAX_PATIENCE, 2 * choice.patience) if failed else PATIENCE
        return Choice(names[lower], now, patience, peak)
    if place + 1 < len(layers) and age >= choice.patience and loss < LITTLE_LOST:
        following = layers[place + 1]
        if estimate is None or estimate >= min(ENOUGH * present.bitrate, following.bitrate):
            return Choice(following.name, now, choice.patience, peak)
    return choice


def _fitting(layers: Sequence[Layer], estimate: int | None) -> int:
    """The highest layer that the estimate carries, the lowest where none does."""
    fitting = [place for place, layer in enumerate(layers) if estimate is None or layer.bitrate <= estimate]
    return fitting[-1] if fitting else 0
