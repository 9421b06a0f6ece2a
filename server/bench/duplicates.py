"""What a question costs that is compared with 1,000 open ones, as the service does it: SQLite, index and look-up."""

import asyncio
import gc
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import median, quantiles

from sqlalchemy import insert, select

from server.duplicates import COMPARED, Duplicates
from server.serve import spare_the_collector
from server.store.database import Database
from server.store.journal import new_receipt
from server.store.migrate import migrate
from server.store.tables import Entry

_STARTS = 15
_FURTHER = 300
_BEAT = 0.001

Row = tuple[str, str, str]

# A thousand questions out of few words, so that each is held against hundreds that share some of them: real ones share
# less.
_WHO = ("", "请问", "老师好，", "我家孩子", "外地户口的")
_WHAT = (
    "居住证", "老年证", "医保卡", "公积金", "社保转移", "公租房", "积分落户", "入学报名", "生育津贴", "营业执照",
    "不动产证", "加装电梯", "充电桩", "停车位", "养老金", "退役军人优待证",
)  # fmt: skip
_ASKED = (
    "怎么办理？", "需要什么材料？", "在哪个窗口办？", "什么时候开始？", "可以网上办吗？", "多久能办好？", "要收费吗？",
    "周末能办吗？", "可以代办吗？", "电话是多少？", "还能补办吗？", "进展到哪一步了？", "怎么查询？", "还需要预约吗？",
)  # fmt: skip


def questions(count: int) -> list[str]:
    """Different questions, always the same ones."""
    every = ["".join(parts) for parts in product(_WHO, _WHAT, _ASKED)]
    return [every[number * 11 % len(every)] for number in range(count)]


@dataclass(frozen=True, slots=True)
class _Figures:
    """All in seconds: the first question after a start, further ones with the processor's time, the longest hold."""

    starts: list[float]
    further: list[float]
    cpu: list[float]
    held: float


async def _ask(database: Database, texts: Sequence[str]) -> Sequence[Entry]:
    now = datetime.now(UTC)
    rows = [
        {"activity_id": 1, "kind": "question", "device": "d" * 32, "key": new_receipt(), "receipt": new_receipt(),
         "nickname": "网友", "text": text, "at": now, "state": "open", "changed_at": now}
        for text in texts
    ]  # fmt: skip
    async with database.write() as session:
        await session.execute(insert(Entry), rows)
        newest = select(Entry).order_by(Entry.id.desc()).limit(len(texts))
        return (await session.scalars(newest)).all()


async def _beat(held: list[float]) -> None:
    """Note the processor time that others took of the event loop's thread between two turns of a task."""
    while True:
        begun = time.thread_time()
        await asyncio.sleep(_BEAT)
        held.append(time.thread_time() - begun)


async def _measure(database: Database) -> _Figures:
    stored = await _ask(database, questions(COMPARED))
    spare_the_collector()  # as the service does it, and with the thousand rows, which are this bench's own
    starts, further, cpu, held = [], [], [], list[float]()
    beating = asyncio.create_task(_beat(held))
    for _ in range(_STARTS):
        duplicates = Duplicates(database)
        begun = time.perf_counter()
        await duplicates.likely(1, stored[:1])
        starts.append(time.perf_counter() - begun)
    for number in range(_FURTHER):
        arrived = await _ask(database, [f"{questions(COMPARED)[number]}谢谢"])
        begun, used = time.perf_counter(), time.process_time()
        await duplicates.likely(1, arrived)
        further.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    beating.cancel()
    with suppress(asyncio.CancelledError):
        await beating
    return _Figures(starts, further, cpu, max(held))


async def _run() -> _Figures:
    with tempfile.TemporaryDirectory(prefix="minsheng-bench-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"
        await migrate(url)
        database = Database(url)
        try:
            return await _measure(database)
        finally:
            await database.close()


def rows() -> Iterator[Row]:
    """The rows of the table; some five seconds."""
    thresholds = gc.get_threshold()
    found = asyncio.run(_run())
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    what = f"likely duplicates of a question among {COMPARED:,} open ones, SQLite"
    usual, slow = median(found.further) * 1e3, quantiles(found.further, n=100)[98] * 1e3
    yield (
        f"{what}: as it arrives",
        f"median {usual:.1f} ms, p99 {slow:.1f} ms; CPU {median(found.cpu) * 1e3:.1f} ms",
        "aim: under 20 ms",
    )
    yield (
        f"{what}: the first one after a start",
        f"median {median(found.starts) * 1e3:.0f} ms, at most {max(found.starts) * 1e3:.0f} ms",
        f"aim: under 20 ms; the event loop was held for {found.held * 1e3:.0f} ms of CPU at most, with the collector",
    )
