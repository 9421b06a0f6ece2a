"""Guessing passwords: from one address, from everywhere, many at once; and the owner gets in meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import aiohttp
import pytest

from server.auth import throttle as throttles
from server.auth.familiar import COOKIE, LASTS, familiar_token, is_familiar
from server.auth.throttle import ACCOUNT_TRIES, ADDRESS_TRIES, PAIR_TRIES, Throttle
from server.errors import RateLimited, Unavailable
from server.realtime.shared import SharedMemory
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff

KEY = b"a key of the service"
NOW = datetime(2023, 9, 27, 6, tzinfo=UTC)


async def tries(throttle: Throttle, username: str, address: str, *, familiar: bool = False) -> int:
    """How many tries pass until one is refused."""
    passed = 0
    try:
        while True:
            await throttle.attempt(username, address, familiar=familiar)
            passed += 1
    except RateLimited:
        return passed


async def test_guessing_is_limited_and_keeps_nobody_else_out() -> None:
    throttle = Throttle(SharedMemory(None, KEY))
    assert await tries(throttle, "host", "192.0.2.1") == PAIR_TRIES.burst
    await throttle.attempt("host", "192.0.2.2", familiar=False)  # the host, at another address
    await throttle.attempt("colleague", "192.0.2.1", familiar=False)  # and who sits beside the one who guesses
    # The right password makes good the account's wrong ones at that address, and costs nothing.
    for _ in range(3 * int(ADDRESS_TRIES.burst)):
        await throttle.attempt("host", "192.0.2.2", familiar=False)
        await throttle.succeeded("host", "192.0.2.2", familiar=False)
    assert await tries(throttle, "host", "192.0.2.1") == 0


async def test_one_address_tries_no_hundred_accounts() -> None:
    throttle = Throttle(SharedMemory(None, KEY))
    for number in range(int(ADDRESS_TRIES.burst)):
        await throttle.attempt(f"account{number}", "192.0.2.1", familiar=False)
    with pytest.raises(RateLimited):
        await throttle.attempt("another", "192.0.2.1", familiar=False)


async def test_a_botnet_is_slowed_down_and_the_owner_gets_in_where_she_always_does() -> None:
    throttle = Throttle(SharedMemory(None, KEY))
    guesses = 0
    for number in range(100):
        guesses += await tries(throttle, "host", f"2001:db8:0:{number:x}::/64")
    assert guesses == ACCOUNT_TRIES.burst
    with pytest.raises(RateLimited):
        await throttle.attempt("host", "192.0.2.2", familiar=False)
    await throttle.attempt("host", "192.0.2.2", familiar=True)
    await throttle.succeeded("host", "192.0.2.2", familiar=True)
    assert await tries(throttle, "host", "192.0.2.2", familiar=True) == PAIR_TRIES.burst


async def test_too_many_at_once_are_sent_away() -> None:
    throttle = Throttle(SharedMemory(None, KEY))
    left = asyncio.Event()

    async def stay() -> None:
        with throttle.place():
            await left.wait()

    staying = [asyncio.create_task(stay()) for _ in range(throttles.WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable), throttle.place():
        pass
    left.set()
    await asyncio.gather(*staying)
    with throttle.place():
        assert throttle.crowded == 1


def test_a_familiar_browser_is_that_of_one_account_for_a_while() -> None:
    token = familiar_token(KEY, "host", NOW)
    assert is_familiar(KEY, "host", token, NOW)
    assert not is_familiar(KEY, "host", token, NOW + LASTS)
    assert not is_familiar(KEY, "other", token, NOW)
    assert not is_familiar(b"another key", "host", token, NOW)
    later = str(round((NOW + 2 * LASTS).timestamp()))
    for forged in ("", ".", "x.y", "\ud800.\ud800", f"{later}.{token.partition('.')[2]}", token + "0"):
        assert not is_familiar(KEY, "host", forged, NOW + timedelta(days=1))


async def test_the_host_in_her_browser_while_others_guess(service: ServiceProcess, admin: Staff) -> None:
    username = "guessed"
    new = {"username": username, "name": "小王", "role": "coordinator", "unit": None, "password": ADMIN_PASSWORD}
    await admin.done("POST", "/api/v1/accounts", new)

    async def sign_in(password: str, address: str, cookie: str = "") -> tuple[int, str]:
        headers = {"X-Forwarded-For": address, "Cookie": cookie}
        body = {"username": username, "password": password}
        async with session.post("/api/v1/session", json=body, headers=headers) as answer:
            cookies = SimpleCookie("; ".join(answer.headers.getall("Set-Cookie", [])))
            return answer.status, f"{COOKIE}={cookies[COOKIE].value}" if COOKIE in cookies else ""

    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(service.url, cookie_jar=jar) as session:
        status, familiar = await sign_in(ADMIN_PASSWORD, "198.51.100.1")
        assert status == 200
        for number in range(11):
            for _ in range(5):
                status, cookie = await sign_in("wrong", f"203.0.113.{number}")
                assert cookie == ""
        assert status == 429
        assert (await sign_in(ADMIN_PASSWORD, "198.51.100.2"))[0] == 429
        assert (await sign_in(ADMIN_PASSWORD, "198.51.100.2", familiar))[0] == 200


async def test_nobody_learns_which_accounts_there_are(service: ServiceProcess) -> None:
    answers = []
    async with aiohttp.ClientSession(service.url) as session:
        for number, username in enumerate(("admin", "nobody-of-that-name")):
            headers = {"X-Forwarded-For": f"192.0.2.{100 + number}"}
            for _ in range(int(PAIR_TRIES.burst) + 1):
                body = {"username": username, "password": "wrong"}
                async with session.post("/api/v1/session", json=body, headers=headers) as answer:
                    error = (await answer.json())["error"]
                    answers.append((username, answer.status, error["code"], sorted(answer.headers)))
    told = [[answer[1:] for answer in answers if answer[0] == name] for name in ("admin", "nobody-of-that-name")]
    assert told[0] == told[1]
    assert [status for status, _, _ in told[0]] == [401] * int(PAIR_TRIES.burst) + [429]
