"""The service ends, whatever hangs, and says what did."""

import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
from multiprocessing import active_children
from pathlib import Path

import aiohttp
import psutil
import pytest

from server.config import Settings
from server.ending import Ending
from server.health import HealthWatch
from server.periodic import Periodic
from server.scoring import Scoring
from server.sentiment_commands import configured_model
from server.serve import prepare, running
from server.services import SERVICES
from server.store.database import Database
from server.store.journal import Journal
from tests.service import ServiceProcess, free_media_port, free_port

LINGERING = """
import logging, threading, time
from server.ending import end_for_sure
logging.basicConfig()
threading.Thread(target=time.sleep, args=(60,), name="a disk that hangs").start()
end_for_sure(0.5)
"""


async def test_what_is_woken_in_the_moment_it_is_stopped_ends() -> None:
    # Python 3.11's asyncio.wait_for loses a cancellation that comes together with what it waits for.
    async def work() -> None:
        pass

    async def told(_parts: dict[str, str]) -> None:
        pass

    async with asyncio.timeout(10):
        for _ in range(3):
            for part in (Periodic("test", work, 60), HealthWatch({}, {}, on_change=told)):
                await part.start()
                await asyncio.sleep(0.01)
                part.wake()
                await asyncio.sleep(0)
                await part.close()


async def test_a_part_that_does_not_end_is_named_and_left(caplog: pytest.LogCaptureFixture) -> None:
    ending, ended, freed = Ending(), list[bool](), asyncio.Event()
    ending.part_seconds, ending.all_seconds = 0.1, 0.15

    async def stubborn() -> None:
        while not freed.is_set():
            try:
                await freed.wait()
            except asyncio.CancelledError:
                continue

    async def well() -> None:
        ended.append(True)

    async def fails() -> None:
        raise OSError("the disk")

    hanging = asyncio.create_task(stubborn(), name="a task that will not end")
    await asyncio.sleep(0)

    async def close() -> None:
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)

    with caplog.at_level(logging.ERROR):
        await ending.end("first", close)
        await ending.end("second", well)
        with pytest.raises(OSError, match="the disk"):
            await ending.end("third", fails)
    assert ended == [True]
    assert len(caplog.messages) == 1
    assert "first did not end" in caplog.messages[0]
    assert "a task that will not end" in caplog.messages[0]
    freed.set()
    await hanging


async def test_the_service_ends_though_a_part_of_it_hangs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, http_port=free_port(socket.SOCK_STREAM), media_port=free_media_port())
    await prepare(settings)
    monkeypatch.setattr(Ending, "part_seconds", 0.5)
    close = Journal.close

    async def hang(journal: Journal) -> None:
        await close(journal)
        await asyncio.Event().wait()

    monkeypatch.setattr(Journal, "close", hang)
    async with asyncio.timeout(60), running(settings) as app:
        relay = psutil.Process(app[SERVICES].relay.pid)
    assert not relay.is_running()
    assert any("journal did not end" in line for line in caplog.messages)


async def test_who_is_connected_is_let_go_at_once(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path / "data").start()
    here, asked = asyncio.Event(), asyncio.Event()

    async def talk() -> None:
        async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as line:
            hello = {"activity": "k01", "device": "a-device-of-mine"}
            await line.send_str(f"40/audience,{json.dumps(hello)}")
            async for _ in line:
                here.set()

    async def poll() -> str:
        async with http.get("/socket.io/?EIO=4&transport=polling") as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        asked.set()
        async with http.get(f"/socket.io/?EIO=4&transport=polling&sid={sid}") as answer:
            return await answer.text()

    async with asyncio.timeout(60), aiohttp.ClientSession(service.url) as http:
        talking, polling = asyncio.create_task(talk()), asyncio.create_task(poll())
        await here.wait()
        await asked.wait()
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(service.stop) == 0
        await talking
        assert await polling == "1"  # Engine.IO's goodbye, for a request that would have waited for news


async def test_nobody_waits_for_a_scorer_that_is_just_starting(tmp_path: Path) -> None:
    async def told(_: object) -> None:
        pass

    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    settings = Settings(data_dir=tmp_path)
    scoring = Scoring(database, labels=configured_model(settings), on_scored=told, on_health=told)
    before = set(active_children())
    asking = asyncio.create_task(scoring._ask(["服务很好"]))
    while not (started := set(active_children()) - before):
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await scoring.close()
    for process in started:
        await asyncio.to_thread(process.join, 10)
    assert [process.exitcode for process in started] == [-signal.SIGKILL]
    await database.close()


def test_a_thread_that_hangs_keeps_the_process_for_no_longer_than_said() -> None:
    done = subprocess.run([sys.executable, "-c", LINGERING], capture_output=True, timeout=30, check=False)
    assert done.returncode == 1
    assert b"a disk that hangs" in done.stderr
