"""The service as an operator runs it: a process of its own on free ports, with a data folder of its own."""

import io
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from yarl import URL

ADMIN_PASSWORD = "only-for-the-tests"


_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_numbers = itertools.count(10_000 + (os.getpid() % 50 * 2 + _worker % 2) * 200)
"""Below those that the kernel gives to whoever asks for any (32,768 and more): no connection that somebody opens takes
a number between its choice here and the moment the service binds it. Each process of pytest counts from another place.
"""


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def free_port(*kinds: socket.SocketKind) -> int:
    """A number that nobody uses now over any of these, and that is given to nobody else in this run."""
    return next(port for port in _numbers if all(_is_free(port, kind) for kind in kinds))


def free_media_port() -> int:
    """A number that nobody uses now, neither over UDP nor over TCP."""
    return free_port(socket.SOCK_DGRAM, socket.SOCK_STREAM)


class ServiceProcess:
    """`minsheng serve` (or another command that serves) from outside."""

    def __init__(self, data_dir: Path, command: str = "serve", **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port(socket.SOCK_STREAM)
        self.media_port = free_media_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = command
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MINSHENG_")},
            "MINSHENG_DATA_DIR": str(data_dir),
            "MINSHENG_HTTP_PORT": str(self.port),
            "MINSHENG_MEDIA_PORT": str(self.media_port),
            "MINSHENG_ADMIN_PASSWORD": ADMIN_PASSWORD,
            **environment,
        }
        self.log = data_dir / "service.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "ServiceProcess":
        """Start and wait until it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", self._command],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
                    if b" 200 " in connection.recv(64):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the service is not ready:\n{self.log.read_text()}")

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process that runs."""
        if self._process is None:
            raise RuntimeError("the service is not started")
        return self._process

    def kill(self) -> None:
        """What a power cut does to the service's own process."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Ctrl-C, and wait until all of it is gone. Returns the exit status."""
        if self._process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()  # and waited for: what it leaves behind would fail the tests that come after
            raise RuntimeError(f"the service does not end:\n{self.log.read_text()[-2000:]}") from None

    def run(self, *arguments: str, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Run another `minsheng` command with the same configuration."""
        return subprocess.run(
            [sys.executable, "-m", "server.cli", *arguments],
            env=self.environment,
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
        )


class Reachable(Protocol):
    """A service that listens somewhere."""

    @property
    def url(self) -> str: ...


class Staff:
    """A signed-in member of staff with an HTTP session."""

    def __init__(self, service: Reachable, session: aiohttp.ClientSession) -> None:
        self._service = service
        self._session = session

    @classmethod
    async def sign_in(cls, service: Reachable, username: str = "admin", password: str = ADMIN_PASSWORD) -> "Staff":
        """Open a session; close it with `close`."""
        # The service is plain HTTP on an address: the jar has to be told that such cookies are meant.
        session = aiohttp.ClientSession(service.url, cookie_jar=aiohttp.CookieJar(unsafe=True))
        staff = cls(service, session)
        status, body = await staff.call("POST", "/api/v1/session", {"username": username, "password": password})
        if status != 200:
            await session.close()
            raise RuntimeError(f"cannot sign in as {username}: {body}")
        return staff

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """A request; returns the status and the JSON (None where there is no body)."""
        async with self._session.request(method, path, json=body) as answer:
            content = await answer.read()
            return answer.status, (await answer.json()) if content else None

    async def done(self, method: str, path: str, body: object = None) -> Any:
        """A request that has to succeed."""
        status, answer = await self.call(method, path, body)
        assert 200 <= status < 300, (method, path, status, answer)
        return answer

    async def upload(self, slug: str, content: bytes, **query: str) -> tuple[int, Any]:
        """Attach a file to an activity; returns the status and the JSON."""
        return await self.send(f"/api/v1/activities/{slug}/files", content, **query)

    async def send(self, path: str, content: bytes, **query: str) -> tuple[int, Any]:
        """Post bytes; returns the status and the JSON."""
        headers = {"Content-Type": "application/octet-stream"}
        async with self._session.post(path, params=query, data=io.BytesIO(content), headers=headers) as answer:
            return answer.status, await answer.json()

    async def own_activity(self, title: str = "自办的开放日", unit: str = "caiyu") -> str:
        """The slug of a new activity beside the plan: for a test that shares its activity with no other."""
        new = {"kind": "open-day", "title": title, "units": [unit]}
        return str((await self.done("POST", "/api/v1/activities", new))["slug"])

    async def download(self, path: str) -> bytes:
        """The bytes of a file."""
        async with self._session.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    @property
    def cookie(self) -> str:
        """The Cookie header of the session."""
        cookies = self._session.cookie_jar.filter_cookies(URL(self._service.url))
        return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())

    async def close(self) -> None:
        """End the HTTP session."""
        await self._session.close()
