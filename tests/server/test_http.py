"""Signing in, rights, and clear errors, over real HTTP."""

import re

import aiohttp
import pytest

from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff


async def test_a_wrong_password_is_refused_and_then_slowed_down(service: ServiceProcess) -> None:
    async with aiohttp.ClientSession(service.url, headers={"X-Forwarded-For": "203.0.113.9"}) as session:
        statuses = []
        for _ in range(7):
            async with session.post("/api/v1/session", json={"username": "nobody", "password": "wrong"}) as answer:
                statuses.append(answer.status)
                body = await answer.json()
        assert statuses[:5] == [401] * 5
        assert 429 in statuses[5:]
        assert body["error"]["message"]


async def test_signing_out_ends_the_session(service: ServiceProcess) -> None:
    staff = await Staff.sign_in(service)
    cookie = staff.cookie
    assert (await staff.done("GET", "/api/v1/session"))["account"]["role"] == "admin"
    assert (await staff.call("DELETE", "/api/v1/session"))[0] == 204
    await staff.close()
    async with aiohttp.ClientSession(service.url, headers={"Cookie": cookie}) as session:
        async with session.get("/api/v1/session") as answer:
            assert answer.status == 401


async def test_another_sites_page_cannot_act_for_a_host(service: ServiceProcess, admin: Staff) -> None:
    headers = {"Cookie": admin.cookie, "Origin": "https://elsewhere.example"}
    async with aiohttp.ClientSession(service.url, headers=headers) as session:
        async with session.post("/api/v1/activities/k16/state", json={"state": "live"}) as answer:
            assert answer.status == 403
            assert (await answer.json())["error"]["code"] == "foreign_origin"


async def test_a_script_acts_with_a_token(service: ServiceProcess) -> None:
    token = service.run("user", "token", "admin").stdout.decode().strip()
    async with aiohttp.ClientSession(service.url, headers={"Authorization": f"Bearer {token}"}) as session:
        async with session.get("/api/v1/session") as answer:
            assert (await answer.json())["account"]["username"] == "admin"
    async with aiohttp.ClientSession(service.url, headers={"Authorization": "Bearer wrong"}) as session:
        async with session.get("/api/v1/session") as answer:
            assert answer.status == 401


async def test_staff_reaches_its_own_unit_alone(service: ServiceProcess, admin: Staff) -> None:
    created = await admin.done(
        "POST", "/api/v1/accounts", {"username": "caizheng", "name": "财政局", "role": "staff", "unit": "caizhengju"}
    )
    staff = await Staff.sign_in(service, "caizheng", created["password"])
    desk = await staff.done("GET", "/api/v1/desk")
    assert [row["slug"] for row in desk["activities"]] == ["k15", "j02"]
    assert (await staff.call("GET", "/api/v1/activities/k01/entries"))[0] == 403
    assert (await staff.call("GET", "/api/v1/activities/k01/publish-token"))[0] == 403
    assert (await staff.call("GET", "/api/v1/activities/k01/digest?format=csv"))[0] == 403
    assert (await staff.call("PATCH", "/api/v1/activities/k01", {"place": "别处"}))[0] == 403
    assert (await staff.call("GET", "/api/v1/accounts"))[0] == 403
    assert (await staff.call("PATCH", "/api/v1/activities/j02", {"place": "财政局三层"}))[0] == 200
    await staff.close()


async def test_a_deadline_is_counted_in_working_days(admin: Staff) -> None:
    await admin.done(
        "PATCH",
        "/api/v1/activities/j05",
        {"form": "online", "starts_at": "2023-10-10T09:00:00+08:00", "ends_at": "2023-10-10T10:30:00+08:00"},
    )
    desk = await admin.done("GET", "/api/v1/desk")
    row = next(row for row in desk["activities"] if row["slug"] == "j05")
    due = {deadline["kind"]: deadline["due"] for deadline in row["deadlines"]}
    assert due == {"notice": "2023-10-07", "materials": "2023-10-17"}
    assert row["starts_at"] == "2023-10-10T01:00:00Z"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/activities/nowhere", None, 404),
        ("GET", "/api/v1/nothing", None, 404),
        ("PUT", "/api/v1/activities", None, 405),
        ("GET", "/api/v1/session", None, 401),
        ("POST", "/api/v1/session", [1, 2], 400),
        ("POST", "/api/v1/session", {"username": "a", "password": "b", "extra": 1}, 400),
        ("POST", "/api/v1/receipts", {"receipt": "NOTTHERE00"}, 404),
        ("POST", "/api/v1/receipts", {"receipt": ""}, 400),
    ],
)
async def test_errors_have_one_form(service: ServiceProcess, method: str, path: str, body: object, status: int) -> None:
    async with aiohttp.ClientSession(service.url) as session:
        async with session.request(method, path, json=body) as answer:
            assert answer.status == status
            error = (await answer.json())["error"]
            assert error["code"]
            assert error["message"]


async def test_bad_bodies_are_refused(service: ServiceProcess) -> None:
    async with aiohttp.ClientSession(service.url) as session:
        for data in (b"{", b"\xff\xfe", b'{"username": "\\ud800", "password": "x"}', b"x" * 300_000):
            async with session.post(
                "/api/v1/session", data=data, headers={"Content-Type": "application/json"}
            ) as answer:
                assert answer.status in {400, 401, 413}, data[:20]
        async with session.post("/api/v1/session", data=b"username=a") as answer:
            assert answer.status == 400


async def test_times_that_make_no_sense_are_refused_and_nothing_changes(admin: Staff) -> None:
    before = await admin.done("GET", "/api/v1/activities/j04")
    change = {"starts_at": "2023-10-10T09:00:00+08:00", "ends_at": "2023-10-10T08:00:00+08:00"}
    status, body = await admin.call("PATCH", "/api/v1/activities/j04", change)
    assert (status, body["error"]["code"]) == (400, "bad_times")
    status, body = await admin.call("PATCH", "/api/v1/activities/j04", {"starts_at": "2023-10-10T09:00:00"})
    assert status == 400
    assert await admin.done("GET", "/api/v1/activities/j04") == before


async def test_an_account_is_disabled_reset_and_never_ones_own(service: ServiceProcess, admin: Staff) -> None:
    created = await admin.done(
        "POST", "/api/v1/accounts", {"username": "coord", "name": "区公开办", "role": "coordinator"}
    )
    path = f"/api/v1/accounts/{created['account']['id']}"
    assert (await admin.call("POST", "/api/v1/accounts", {"username": "coord", "name": "x", "role": "admin"}))[0] == 409
    reset = await admin.done("PATCH", path, {"reset_password": True})
    assert reset["password"] != created["password"]
    with pytest.raises(RuntimeError):
        await Staff.sign_in(service, "coord", created["password"])
    coordinator = await Staff.sign_in(service, "coord", reset["password"])
    rows = (await coordinator.done("GET", "/api/v1/desk"))["activities"]
    assert len([row for row in rows if row["number"] > 0]) == 22  # beside those that units added
    await admin.done("PATCH", path, {"disabled": True})
    assert (await coordinator.call("GET", "/api/v1/session"))[0] == 401
    await coordinator.close()
    own = (await admin.done("GET", "/api/v1/session"))["account"]["id"]
    assert (await admin.call("PATCH", f"/api/v1/accounts/{own}", {"disabled": True}))[0] == 409
    listed = await admin.done("GET", "/api/v1/accounts")
    assert "password" not in str(listed)
    assert ADMIN_PASSWORD not in str(listed)


async def test_the_pages_come_with_strict_headers(service: ServiceProcess) -> None:
    async with aiohttp.ClientSession(service.url) as session:
        for path in ("/", "/a/k01", "/console", "/console/k01", "/admin"):
            async with session.get(path) as answer:
                assert answer.status == 200
                assert answer.content_type == "text/html"
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_health_and_metrics(service: ServiceProcess) -> None:
    async with aiohttp.ClientSession(service.url) as session:
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/readyz") as answer:
            health = await answer.json()
            assert health["parts"] == {"database": "up", "relay": "up"}
            # Whether anything was scored yet depends on the tests before this one.
            assert health["scorer"] in (None, "numba")
            assert health["model"].startswith("snownlp-0.12.3+")
        async with session.get("/metrics") as answer:
            text = await answer.text()
    assert "minsheng_relay_up 1.0" in text
    assert "minsheng_journal_refused_total" in text
    assert re.search(r'minsheng_scorer_info\{engine="(none|numba)",model="snownlp-0.12.3\+', text)
    for what in ("blocked", "held", "muted"):
        assert f'minsheng_rules_total{{what="{what}"}}' in text


async def test_a_browsers_socket_is_not_deflated(service: ServiceProcess) -> None:
    async with aiohttp.ClientSession(service.url) as session:
        async with session.ws_connect("/socket.io/?EIO=4&transport=websocket", compress=15) as socket:
            assert socket.compress == 0
            assert (await socket.receive_str()).startswith("0{")
