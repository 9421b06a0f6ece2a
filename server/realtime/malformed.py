"""Frames that are no Socket.IO: the libraries raise where they decode them, and log each with a traceback.

A stranger could fill the disk with those. They are counted instead; errors of the service's own handlers stay logged.
"""

import logging
from collections.abc import Iterator
from types import TracebackType

_DECODERS = {
    "server.realtime.packets",
    "socketio.packet",
    "engineio.packet",
    "engineio.payload",
    "socketio.async_server",
    "engineio.async_socket",
}


class Malformed(logging.Filter):
    """Counts, and keeps out of the log, what was raised in the libraries' own decoding."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        """Frames that could not be decoded, since the start."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is None:
            return True
        modules = list(_modules(error.__traceback__))
        inside = [module for module in modules[1:] if module not in _DECODERS]
        ours = any(module.startswith(("server.", "feedback.", "streaming.")) for module in inside)
        decoding = not ours and bool(_DECODERS.intersection(modules))
        self.count += decoding
        return not decoding


def _modules(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        yield traceback.tb_frame.f_globals.get("__name__", "")
        traceback = traceback.tb_next
