"""The memory of the service's own scoring process: snownlp's score, kind and label, as `server.scoring` starts it."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from tempfile import TemporaryDirectory

from feedback.bench.process import peak_megabytes
from feedback.bench.scorer import TEXTS, comments
from feedback.trained import shipped
from server import scoring_worker

_BATCH = 100

Row = tuple[str, str, str]


def _run(texts: list[str]) -> tuple[float, float]:
    """Seconds until it can score, and its peak in MB after all of the texts."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=scoring_worker.begin) as pool:
        begun = time.perf_counter()
        pool.submit(scoring_worker.load, shipped()).result()
        seconds = time.perf_counter() - begun
        for start in range(0, len(texts), _BATCH):
            pool.submit(scoring_worker.score, texts[start : start + _BATCH]).result()
        return seconds, pool.submit(peak_megabytes).result()


@contextmanager
def _nothing_compiled() -> Iterator[None]:
    before = os.environ.get("NUMBA_CACHE_DIR")
    with TemporaryDirectory(prefix="minsheng-bench-") as folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["NUMBA_CACHE_DIR"]
            if before is not None:
                os.environ["NUMBA_CACHE_DIR"] = before


def rows() -> Iterator[Row]:
    """The rows of the table; about ten seconds."""
    texts = comments(TEXTS)
    with _nothing_compiled():
        seconds, megabytes = _run(texts)
    what = f"the service's scoring process, {TEXTS:,} comments with kind and label"
    yield (
        f"{what}: the first start, which compiles",
        f"ready in {seconds:.1f} s, peak {megabytes:.0f} MB",
        "aim: 250 MB",
    )
    seconds, megabytes = _run(texts)
    yield f"{what}: a later start", f"ready in {seconds:.1f} s, peak {megabytes:.0f} MB", "aim: 250 MB"
