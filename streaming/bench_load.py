"""The viewers of the benchmark, in a process of their own: handshakes, then counting what arrives.

Reads lines of JSON on standard input and answers each with one: `{"fingerprint": true}`, `{"answer": SDP, "asked":
seconds}` (a viewer joins; `asked` is when it asked for the answer), `{"count": true}`.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from typing import Any

from streaming.bench_peer import BenchPeer, certificate


class Crowd:
    """All viewers of the process."""

    def __init__(self) -> None:
        self._viewers: list[BenchPeer] = []
        self._asked: dict[BenchPeer, float] = {}
        self._joins: set[asyncio.Task[None]] = set()
        self._failed = 0

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do what a line says."""
        if "answer" in message:
            task = asyncio.get_running_loop().create_task(self._join(message["answer"], message["asked"]))
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
                "failed": self._failed,
                "join": statistics.median(joins) if joins else None,
                "cpu": time.process_time(),
            }
        return {"fingerprint": certificate().fingerprint}

    async def _join(self, answer: str, asked: float) -> None:
        viewer = BenchPeer(answer, lambda peer, data: None)
        self._asked[viewer] = asked
        try:
            await viewer.connect()
        except Exception:  # counted, and shown: a join that failed is a result
            self._failed += 1
            return
        self._viewers.append(viewer)

    async def close(self) -> None:
        """Stop joining; the relay notices by itself that the viewers are gone."""
        for task in list(self._joins):
            task.cancel()


async def main() -> None:
    """Serve until standard input ends."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    crowd = Crowd()
    while line := await reader.readline():
        print(json.dumps(crowd.answer(json.loads(line))), flush=True)
    await crowd.close()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
