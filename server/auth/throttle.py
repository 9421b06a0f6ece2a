"""Failed sign-ins slow down the next: per user name and per address."""

import time
from collections import OrderedDict
from collections.abc import Callable

from server.errors import RateLimited

_FREE = 5
_LONGEST = 300.0
_KEPT = 10_000


class Throttle:
    """After five failures each further try waits twice as long as the one before, five minutes at most.

    Keeps the last 10,000 names and addresses. `clock` gives seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, *names: str) -> None:
        """Raise RateLimited while one of the names has to wait."""
        now = self._clock()
        wait = max((self._failures[name][1] - now for name in names if name in self._failures), default=0.0)
        if wait > 0:
            raise RateLimited(f"登录失败次数过多，请{int(wait) + 1}秒后再试。", retry_after=wait)

    def failed(self, *names: str) -> None:
        """Count a failure for each name."""
        now = self._clock()
        for name in names:
            count = self._failures.pop(name, (0, 0.0))[0] + 1
            wait = min(_LONGEST, 2.0 ** (count - _FREE)) if count >= _FREE else 0.0
            self._failures[name] = (count, now + wait)
        while len(self._failures) > _KEPT:
            self._failures.popitem(last=False)

    def succeeded(self, *names: str) -> None:
        """Forget the failures of each name."""
        for name in names:
            self._failures.pop(name, None)
