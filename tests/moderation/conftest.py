"""A service of their own, databases of both kinds, and the sockets that a test opens."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.citizen import Client
from tests.server.conftest import database, database_url, migrated
from tests.service import ServiceProcess, free_port

__all__ = ["database", "database_url", "migrated", "service", "sockets"]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One running service for these tests alone: the district's word lists hold for every activity."""
    hook = f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}/sms"
    # The tests' own address counts as a proxy: a test may come from any address it names.
    process = ServiceProcess(
        tmp_path_factory.mktemp("moderation"),
        MINSHENG_SMS_URL=hook,
        MINSHENG_SMS_SECRET="shared-with-the-gateway",
        MINSHENG_TRUSTED_PROXIES="127.0.0.1",
    ).start()
    yield process
    assert process.stop() == 0, process.log.read_text()


@pytest.fixture
async def sockets() -> AsyncIterator[list[Client]]:
    """What a test connects, closed afterwards."""
    opened: list[Client] = []
    yield opened
    for client in opened:
        await client.close()
