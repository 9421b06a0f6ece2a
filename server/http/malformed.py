"""What comes in over HTTP and is none: aiohttp answers it with 400 and logs each with a traceback.

A stranger could fill the disk with those. They are counted instead; errors of the service's own handlers stay logged.
"""

import logging

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

LOG = "aiohttp.server"


class MalformedRequests(logging.Filter):
    """Counts, and keeps out of the log, what aiohttp could not read."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        """Requests that could not be read, since the start."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        malformed = isinstance(error, HttpProcessingError | RequestPayloadError)
        self.count += malformed
        return not malformed

    def attach(self) -> None:
        """Begin to look at what aiohttp logs."""
        logging.getLogger(LOG).addFilter(self)

    def detach(self) -> None:
        """Look no more. Idempotent."""
        logging.getLogger(LOG).removeFilter(self)
