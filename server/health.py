"""Which parts of the service answer: asked every second, told to the consoles when it changes, and to `/readyz`."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from logging import ERROR, INFO, getLogger

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

log = getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks."""
PATIENCE = 2.0
"""Seconds without an answer after which a part is away."""

Ask = Callable[[], Awaitable[object]]


class _Probe:
    """One question to one part, out at one time: a part that hangs does not gather questions."""

    def __init__(self, name: str, ask: Ask) -> None:
        self._name = name
        self._ask = ask
        self._out: asyncio.Task[bool] | None = None

    async def answers(self) -> bool:
        """Whether the part answers within `PATIENCE`; a question that is out goes on waiting."""
        if self._out is None:
            self._out = asyncio.create_task(self._asked(), name=f"probe of {self._name}")
        await asyncio.wait({self._out}, timeout=PATIENCE)
        if not self._out.done():
            return False
        answered, self._out = self._out.result(), None
        return answered

    async def _asked(self) -> bool:
        try:
            await self._ask()
        except (SQLAlchemyError, RedisError, OSError):
            return False
        return True

    async def close(self) -> None:
        if self._out is not None:
            self._out.cancel()
            with suppress(asyncio.CancelledError):
                await self._out
            self._out = None


class HealthWatch:
    """Owner of the looking task.

    `asked` are the parts that have to be asked, by name; `known` those that know themselves: a word each, `up` where
    all is well. `on_change` gets the words of all parts whenever one changes.
    """

    def __init__(
        self,
        asked: dict[str, Ask],
        known: dict[str, Callable[[], str]],
        *,
        on_change: Callable[[dict[str, str]], Awaitable[None]],
    ) -> None:
        self._probes = {name: _Probe(name, ask) for name, ask in asked.items()}
        self._known = known
        self._on_change = on_change
        self._asked = dict.fromkeys(asked, "up")
        self._told: dict[str, str] = {}
        self._looking = asyncio.Lock()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._told = self.parts()
        self._task = asyncio.create_task(self._run(), name="health")

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for probe in self._probes.values():
            await probe.close()

    def wake(self) -> None:
        """A part that knows itself has changed: tell at once."""
        self._woken.set()

    def parts(self) -> dict[str, str]:
        """The word of each part as of the last look."""
        return self._asked | {name: word() for name, word in self._known.items()}

    async def look(self) -> dict[str, str]:
        """Ask now; two seconds at most."""
        async with self._looking:
            answers = await asyncio.gather(*(probe.answers() for probe in self._probes.values()))
            for name, answered in zip(self._probes, answers, strict=True):
                self._asked[name] = "up" if answered else "down"
        return self.parts()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._woken.wait()
            self._woken.clear()
            parts = await self.look()
            if parts != self._told:
                for name, word in parts.items():
                    if word != self._told[name]:
                        log.log(INFO if word == "up" else ERROR, "health: %s is %s", name, word)
                self._told = parts
                await self._on_change(parts)
