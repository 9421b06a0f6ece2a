"""What faults cost: a killed service, a killed relay, a killed scorer, several processes, Redis away."""

import asyncio
import os
import secrets
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest
import socketio

from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service that a test may kill."""
    process = ServiceProcess(tmp_path / "data").start()
    yield process
    process.stop()


@pytest.fixture
async def own_admin(own_service: ServiceProcess) -> AsyncIterator[Staff]:
    """Its administrator, with k01 live."""
    staff = await Staff.sign_in(own_service)
    await staff.done("POST", "/api/v1/activities/k01/state", {"state": "live"})
    yield staff
    await staff.close()


async def speak_until_cut(client: Client, acknowledged: dict[str, int], number: int) -> None:
    """Send without a pause, and note each acknowledgement, until the line is cut."""
    for turn in range(1000):
        key = f"{number}-{turn}"
        try:
            answer = await client.call("comment", speech(f"第{key}条", key=key))
        except (socketio.exceptions.SocketIOError, OSError):
            return
        if answer["ok"]:
            acknowledged[key] = answer["id"]
        else:
            # Slowed down: this device has said what it may; the others go on.
            return


async def test_a_kill_under_load_loses_no_acknowledged_comment(own_service: ServiceProcess, own_admin: Staff) -> None:
    devices = [secrets.token_urlsafe(16) for _ in range(150)]
    clients = [await citizen(own_service.url, "k01", device=device).connect() for device in devices]
    acknowledged: dict[str, int] = {}
    speaking = [
        asyncio.create_task(speak_until_cut(client, acknowledged, number)) for number, client in enumerate(clients)
    ]
    while len(acknowledged) < 300:
        await asyncio.sleep(0.005)
    own_service.kill()
    await asyncio.gather(*speaking)
    for client in clients:
        await client.close()
    assert len(acknowledged) >= 300

    own_service.start()
    stored = dict(
        sqlite3.connect(own_service.data_dir / "minsheng.db")
        .execute("SELECT key, id FROM entry ORDER BY id")
        .fetchall()
    )
    assert {key: stored.get(key) for key in acknowledged} == acknowledged
    # What was cut off unacknowledged is sent again by the phones, and is there once.
    again = await citizen(own_service.url, "k01", device=devices[0]).connect()
    answer = await again.call("comment", speech("第0-0条", key="0-0"))
    assert answer["id"] == acknowledged["0-0"]
    await again.close()
    connection = sqlite3.connect(own_service.data_dir / "minsheng.db")
    count, keys, received = connection.execute(
        "SELECT count(*), count(DISTINCT device || key), (SELECT received FROM activity WHERE id = 1) FROM entry"
    ).fetchone()
    connection.close()
    assert count == keys == received


async def test_nothing_of_a_killed_service_stays_behind(own_service: ServiceProcess, own_admin: Staff) -> None:
    author = await citizen(own_service.url, "k01").connect()
    await author.call("comment", speech("服务很好"))  # so that the scorer runs
    await author.close()
    while len(children := psutil.Process(own_service.process.pid).children(recursive=True)) < 2:
        await asyncio.sleep(0.1)
    own_service.kill()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert alive == []


async def test_a_killed_relay_is_back_and_the_rest_never_noticed(own_service: ServiceProcess, own_admin: Staff) -> None:
    author = await citizen(own_service.url, "k01").connect()
    relay = next(
        child
        for child in psutil.Process(own_service.process.pid).children(recursive=True)
        if "streaming.relay" in " ".join(child.cmdline())
    )
    relay.send_signal(signal.SIGKILL)
    assert (await author.call("comment", speech("画面没了，话还能说")))["ok"]
    async with aiohttp.ClientSession(own_service.url) as session, asyncio.timeout(15):
        while True:
            async with session.get("/readyz") as answer:
                if answer.status == 200 and not relay.is_running():
                    break
            await asyncio.sleep(0.1)
    await author.close()


async def test_a_killed_scorer_comes_back_and_scores_what_it_missed(
    own_service: ServiceProcess, own_admin: Staff
) -> None:
    author = await citizen(own_service.url, "k01").connect()
    console = await host(own_service.url, "k01", own_admin.cookie).connect()
    first = await author.call("comment", speech("服务很好"))
    await console.until(lambda: (console.entries("comments").get(first["id"]) or {}).get("label"), 30)
    for child in psutil.Process(own_service.process.pid).children(recursive=True):
        if "spawn_main" in " ".join(child.cmdline()):
            os.kill(child.pid, signal.SIGKILL)
    second = await author.call("comment", speech("排队太久了，很失望"))
    assert second["ok"]
    # The host sees it without a score first, and with one when the scorer is back.
    await console.until(lambda: second["id"] in console.entries("comments"))
    await console.until(lambda: console.entries("comments")[second["id"]]["label"] == "negative", 30)
    await author.close()
    await console.close()


async def test_two_processes_share_one_audience_through_redis(
    tmp_path: Path, postgres_url: str, valkey_url: str
) -> None:
    from tests.server.conftest import fresh_postgres

    shared = {
        "MINSHENG_DATABASE_URL": await fresh_postgres(postgres_url),
        "MINSHENG_REDIS_URL": valkey_url,
        "MINSHENG_SECRET_KEY": "one key for both processes",
    }
    one = ServiceProcess(tmp_path / "one", **shared).start()
    two = ServiceProcess(tmp_path / "two", **shared).start()
    try:
        admin = await Staff.sign_in(one)
        await admin.done("POST", "/api/v1/activities/k01/state", {"state": "live"})
        here = await citizen(one.url, "k01").connect()
        there = await citizen(two.url, "k01").connect()
        console = await host(two.url, "k01", admin.cookie).connect()
        posted = await here.call("comment", speech("这边说，那边看"))
        await there.until(lambda: posted["id"] in there.entries("comments"))
        await console.until(lambda: (console.entries("comments").get(posted["id"]) or {}).get("label"), 30)
        await here.until(lambda: {"watching": 2} in here.received["presence"], 20)
        async with aiohttp.ClientSession(two.url) as session, session.get("/readyz") as answer:
            assert (await answer.json())["parts"]["redis"] == "up"
        for client in (here, there, console):
            await client.close()
        await admin.close()
    finally:
        assert one.stop() == 0
        assert two.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_all_of_it_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = ServiceProcess(tmp_path / "data").start()
    children = psutil.Process(process.process.pid).children(recursive=True)
    os.killpg(process.process.pid, number)  # as a terminal does for Ctrl-C, and a service manager to stop it
    assert process.process.wait(20) == 0
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 5)
    assert alive == []
    assert not {"Traceback", "ERROR"} & set(process.log.read_text().split())
