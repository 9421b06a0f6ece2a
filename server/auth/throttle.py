"""Wrong passwords slow down the next try, whichever process of the service it comes to.

Counted are an account's tries from one address, all tries of an address, and, more slowly, an account's from
everywhere. The last one stops a botnet, and could keep the account's owner out as well: it does not count in a browser
where that account has signed in before (`server/auth/familiar.py`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from server.auth.passwords import verify_password
from server.errors import RateLimited, Unavailable
from server.realtime.limits import Rate
from server.realtime.shared import Limit, SharedMemory

PAIR_TRIES = Rate(burst=5, per_second=1 / 60)
# An office of fifty behind one address, in the morning.
ADDRESS_TRIES = Rate(burst=100, per_second=1 / 6)
ACCOUNT_TRIES = Rate(burst=50, per_second=1 / 300)
VERIFIED_AT_ONCE = 2
"""argon2id takes 64 MB and 50 ms of a core for each."""
WAITING = 50
"""People who sign in at one time: the last of them waits for two seconds or so."""


class Throttle:
    """The limits of signing in. A try is counted before the password is looked at: many at once are no way round."""

    def __init__(self, memory: SharedMemory) -> None:
        self.pair = Limit("sign-in", PAIR_TRIES, memory)
        self.address = Limit("sign-in address", ADDRESS_TRIES, memory)
        self.account = Limit("sign-in account", ACCOUNT_TRIES, memory)
        self._verifying = asyncio.Semaphore(VERIFIED_AT_ONCE)
        self._waiting = 0
        self.crowded = 0
        """Tries that were turned away because too many were signing in, since the start."""

    @property
    def refused(self) -> int:
        """Tries that this process turned away, since the start."""
        return self.pair.refused + self.address.refused + self.account.refused

    async def attempt(self, username: str, address: str, *, familiar: bool) -> None:
        """Count a try. Raises RateLimited with the seconds until the next one."""
        try:
            await self.pair.take(_pair(username, address))
            await self.address.take(address)
            if not familiar:
                await self.account.take(username)
        except RateLimited as error:
            wait = error.retry_after or 1
            raise RateLimited(f"登录失败次数过多，请{int(wait) + 1}秒后再试。", retry_after=wait) from None

    async def succeeded(self, username: str, address: str, *, familiar: bool) -> None:
        """It was the right password: nothing is held against the account at this address, nor this try against all."""
        await self.pair.forget(_pair(username, address))
        await self.address.give_back(address)
        if not familiar:
            await self.account.give_back(username)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one who signs in. Raises Unavailable where there are too many already."""
        if self._waiting >= WAITING:
            self.crowded += 1
            raise Unavailable("现在登录的人太多，请稍后再试。", retry_after=5)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether the password fits, in its turn; `stored` is None for an account that does not exist."""
        async with self._verifying:
            return await verify_password(password, stored)


def _pair(username: str, address: str) -> str:
    return f"{address} {username}"
