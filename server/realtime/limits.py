"""How much one device and one address may send: token buckets in bounded memory."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from server.errors import RateLimited


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float


DEVICE_SPEECH = Rate(burst=8, per_second=0.5)
DEVICE_VOTES = Rate(burst=20, per_second=1)
# A mobile operator puts thousands of citizens behind one address: this one only stops a flood.
ADDRESS_SPEECH = Rate(burst=1000, per_second=100)
# What one server takes in all: far above any real activity.
ACTIVITY_SPEECH = Rate(burst=5000, per_second=1000)
# A hall behind one address looks its receipts up within minutes; guessing one of 50 random bits stays hopeless.
ADDRESS_LOOKUPS = Rate(burst=300, per_second=1)
# Each may send a letter to somebody who did not ask for it.
ADDRESS_LETTERS = Rate(burst=30, per_second=0.5)
# Registrations and answers: a hall of people behind one address sends them within a minute.
ADDRESS_FORMS = Rate(burst=300, per_second=5)

# A hall of five hundred phones behind one address joins within seconds; a flood of offers that never connect does not
# fill the relay's 1,000 places, which each is held for 15 s.
ADDRESS_SESSIONS = Rate(burst=500, per_second=20)


def too_fast(wait: float) -> RateLimited:
    """What is said to somebody whose bucket is empty for so many seconds."""
    return RateLimited(f"您发得太快了，请{max(1, round(wait))}秒后再发。", retry_after=wait)


def slow_down(wait: float) -> RateLimited:
    """The same in slow mode."""
    words = f"主持人开启了慢速模式，请{max(1, round(wait))}秒后再发。"
    return RateLimited(words, code="slow_mode", retry_after=wait)


class Buckets:
    """Token buckets of one rate, for up to `capacity` names; the longest unused is forgotten first.

    Forgetting fills a bucket again, so the capacity is far above what one address can fill in the time that a bucket
    takes to refill. `clock` gives seconds and never goes back.
    """

    def __init__(self, rate: Rate, *, capacity: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._capacity = capacity
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0
        """How many were turned away, since the start."""

    def take(self, name: str) -> None:
        """Take one token. Raises RateLimited with the seconds until the next one."""
        now = self._clock()
        tokens, since = self._buckets.pop(name, (self._rate.burst, now))
        tokens = min(self._rate.burst, tokens + (now - since) * self._rate.per_second)
        allowed = tokens >= 1
        self._buckets[name] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        if not allowed:
            self.refused += 1
            wait = (1 - tokens) / self._rate.per_second
            raise too_fast(wait)

    def give_back(self, name: str) -> None:
        """One token was taken for nothing."""
        if name in self._buckets:
            tokens, since = self._buckets[name]
            self._buckets[name] = (min(self._rate.burst, tokens + 1), since)

    def forget(self, name: str) -> None:
        """Fill the bucket."""
        self._buckets.pop(name, None)


class SlowMode:
    """慢速模式: one entry of a name in so many seconds. Bounded and timed as `Buckets`."""

    def __init__(self, *, capacity: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._last: OrderedDict[str, float] = OrderedDict()
        self.refused = 0

    def take(self, name: str, seconds: int) -> float | None:
        """Note an entry; returns what was noted before. Raises RateLimited (`slow_mode`) with the seconds to wait."""
        now = self._clock()
        last = self._last.get(name)
        if last is not None and now < last + seconds:
            self.refused += 1
            wait = last + seconds - now
            raise slow_down(wait)
        self._last.pop(name, None)
        self._last[name] = now
        if len(self._last) > self._capacity:
            self._last.popitem(last=False)
        return last

    def give_back(self, name: str, before: float | None) -> None:
        """Nothing became of the entry that was noted last: nobody waits for it."""
        self._last.pop(name, None)
        if before is not None:
            self._last[name] = before


def range_of(address: str) -> str:
    """The address range of a ban: an IPv4 address's /24, or an IPv6 address's /48."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        else:
            return str(ipaddress.ip_network((parsed, 48), strict=False))
    return str(ipaddress.ip_network((parsed, 24), strict=False))


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 host has to itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
