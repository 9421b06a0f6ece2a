"""`minsheng demo`, as a stranger sees it in the first minute."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.citizen import citizen, host
from tests.service import ServiceProcess, Staff


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[ServiceProcess]:
    """The demo on a fresh data folder, without a password from outside."""
    process = ServiceProcess(tmp_path / "data", "demo", MINSHENG_ADMIN_PASSWORD="").start()
    yield process
    process.stop()


async def test_the_demo_shows_the_whole_service_and_ends_cleanly(demo: ServiceProcess) -> None:
    async with asyncio.timeout(40):
        while "Ctrl-C" not in (printed := demo.log.read_text()):
            await asyncio.sleep(0.1)
        async with aiohttp.ClientSession(demo.url) as session:
            while True:
                async with session.get("/api/v1/activities/k01") as answer:
                    activity = await answer.json()
                if activity["state"] == "live" and activity["on_air"]:
                    assert activity["notice_version"] == 1
                    break
                await asyncio.sleep(0.2)
    assert f"{demo.url}/a/k01" in printed
    assert f"{demo.url}/console/k01" in printed
    passwords = dict(re.findall(r"^ {4}(\S+) +(\S{16}) ", printed, re.M))
    assert list(passwords) == ["admin", "coordinator", "caiyu"]

    staff = await Staff.sign_in(demo, "caiyu", passwords["caiyu"])
    console = await host(demo.url, "k01", staff.cookie).connect()
    phone = await citizen(demo.url, "k01").connect()
    shown = await phone.until(lambda: phone.entries("comments"), 20)
    scored = await console.entry("comments", next(iter(shown)), scored=True)
    assert 0 <= scored["score"] <= 1
    await console.until(lambda: any(stream["on_air"] for stream in console.received["stream"]), 10)
    for client in (console, phone):
        await client.close()
    await staff.close()

    os.killpg(demo.process.pid, signal.SIGINT)
    assert demo.process.wait(20) == 0
    assert "Traceback" not in demo.log.read_text()
