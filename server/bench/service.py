"""The service as an operator runs it, in a process of its own, for the benches."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

PASSWORD = "only-for-the-bench"  # noqa: S105 - of a service that lives for a minute on loopback


class Serving(NamedTuple):
    """A service that runs: its address, its process, its data, and its database."""

    url: str
    pid: int
    folder: Path
    database_url: str


@contextmanager
def served(folder: str, **settings: str) -> Iterator[Serving]:
    """Run it on free ports with its data in `folder`."""
    port = free_port(socket.SOCK_STREAM)
    environment = {
        **os.environ,
        "MINSHENG_DATA_DIR": folder,
        "MINSHENG_HTTP_PORT": str(port),
        "MINSHENG_MEDIA_PORT": str(free_media_port()),
        "MINSHENG_ADMIN_PASSWORD": PASSWORD,
        **settings,
    }
    command = [sys.executable, "-m", "server.cli", "serve"]
    service = subprocess.Popen(  # noqa: S603 - this interpreter, this service
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        sqlite = f"sqlite+aiosqlite:///{Path(folder) / 'minsheng.db'}"
        database_url = settings.get("MINSHENG_DATABASE_URL", sqlite)
        yield Serving(f"http://127.0.0.1:{port}", service.pid, Path(folder), database_url)
    finally:
        service.terminate()
        service.wait(20)


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port(kind: socket.SocketKind) -> int:
    """A port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_media_port() -> int:
    """A number that nobody uses now, neither over UDP nor over TCP."""
    while True:
        port = free_port(socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for(port: int) -> None:
    """Wait until something listens there. Raises RuntimeError after a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the service does not start")
