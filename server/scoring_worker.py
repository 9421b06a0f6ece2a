"""What runs in the scorer's process. It imports no more than scoring needs: what the service imports takes 40 MB."""

import os
from collections.abc import Sequence
from multiprocessing import parent_process
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from threading import Thread

from feedback.model import Model
from feedback.scorer import Score, Scorer

_scorer: Scorer | None = None


def begin() -> None:
    """Runs first in the scorer's process, before it waits for work."""
    # Ctrl-C and a service manager's SIGTERM reach the whole group; the service ends this process itself.
    signal(SIGINT, SIG_IGN)
    signal(SIGTERM, SIG_IGN)
    Thread(target=_end_with_the_service, daemon=True).start()


def load(labels: Model) -> None:
    """Then this, once; an engine that is compiled when it is first used is used here."""
    global _scorer  # noqa: PLW0603 - the process exists for this one object
    _scorer = Scorer(labels=labels)
    _scorer.score_many(["服务很好"])


def _end_with_the_service() -> None:
    """A service that was killed cannot end this process, and its queue never closes."""
    service = parent_process()
    if service is not None:
        service.join()
        os._exit(0)


def score(texts: Sequence[str]) -> tuple[str, list[Score]]:
    """The engine's name and the scores."""
    if _scorer is None:
        raise RuntimeError("the scorer is not loaded")
    return _scorer.engine, _scorer.score_many(texts)
