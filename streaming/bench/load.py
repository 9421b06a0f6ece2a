"""The viewers of the benchmark, in a process of their own: handshakes, then counting what arrives.

Reads lines of JSON on standard input and answers each with one: `{"fingerprint": true}`, `{"answer": SDP, "asked":
seconds}` (a viewer joins; `asked` is when it asked for the answer), `{"leave": number}`, `{"count": true}`. With the
argument `each` it reads datagram by datagram, else what the kernel has in one piece (`UDP_GRO`).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from typing import Any

from streaming.bench.peer import BenchPeer, certificate

CONSENT_SECONDS = 10


class Crowd:
    """All viewers of the process."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._viewers: list[BenchPeer] = []
        self._asked: dict[BenchPeer, float] = {}
        self._joins: set[asyncio.Task[None]] = set()
        self._failed = 0
        self._why: Counter[str] = Counter()

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do what a line says."""
        if "answer" in message:
            task = asyncio.get_running_loop().create_task(self._join(**message))
            self._joins.add(task)
            task.add_done_callback(self._joins.discard)
            return {}
        if "count" in message:
            joins = [
                viewer.first_media - asked for viewer, asked in self._asked.items() if viewer.first_media is not None
            ]
            self._asked.clear()
            return {
                "media": sum(viewer.media for viewer in self._viewers),
                "viewers": len(self._viewers),
                "pictured": sum(viewer.first_media is not None for viewer in self._viewers),
                "failed": self._failed,
                "why": self._why,
                "join": statistics.median(joins) if joins else None,
                "cpu": time.process_time(),
            }
        if "leave" in message:
            return self._leave(message["leave"])
        return {"fingerprint": certificate().fingerprint}

    def _leave(self, count: int) -> dict[str, Any]:
        """Every second of them says good-bye, the others just go."""
        count = min(count, len(self._viewers))
        for number in range(count):
            viewer = self._viewers.pop(0)
            self._asked.pop(viewer, None)
            task = asyncio.get_running_loop().create_task(viewer.close(goodbye=number % 2 == 0))
            self._joins.add(task)
            task.add_done_callback(self._joins.discard)
        return {"left": count}

    async def _join(self, answer: str, asked: float, controlled: bool = False) -> None:
        viewer = BenchPeer(answer, lambda peer, data: None, whole=self._whole, controlled=controlled)
        self._asked[viewer] = asked
        try:
            await viewer.connect()
        except Exception as error:  # counted, and shown: a join that failed is a result
            self._failed += 1
            self._why[type(error).__name__] += 1
            return
        self._viewers.append(viewer)

    async def consent(self) -> None:
        """Show again and again that the viewers are there, a few at a time."""
        while True:
            for place in range(CONSENT_SECONDS * 10):
                await asyncio.sleep(0.1)
                for viewer in self._viewers[place :: CONSENT_SECONDS * 10]:
                    viewer.consent()

    async def close(self) -> None:
        """Stop joining; the relay notices by itself that the viewers are gone."""
        for task in list(self._joins):
            task.cancel()


async def main() -> None:
    """Serve until standard input ends."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    crowd = Crowd(whole=sys.argv[1:] != ["each"])
    consenting = asyncio.create_task(crowd.consent())
    while line := await reader.readline():
        print(json.dumps(crowd.answer(json.loads(line))), flush=True)
    consenting.cancel()
    await crowd.close()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
