"""Databases of both kinds for these tests, and the sockets that a test opens."""

from collections.abc import AsyncIterator

import pytest

from tests.citizen import Client
from tests.server.conftest import database, database_url

__all__ = ["database", "database_url", "sockets"]


@pytest.fixture
async def sockets() -> AsyncIterator[list[Client]]:
    """What a test connects, closed afterwards."""
    opened: list[Client] = []
    yield opened
    for client in opened:
        await client.close()
