"""Following a suggestion: asked for, confirmed, told of each change, ended by one click; feeds and frames."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import aiohttp
import pytest
from aiosmtpd.controller import Controller

from server.errors import Conflict, NotFound, RateLimited
from server.mail import Mailer
from server.store.database import Database
from server.store.subscriptions import Subscription
from server.store.tables import Activity
from server.subscriptions import MOST_WAITING, Subscriptions, confirm, read_token, subscribe, token_of
from tests.citizen import citizen, speech
from tests.server.test_reminders import Letterbox
from tests.service import ServiceProcess, Staff, free_port

NOW = datetime(2023, 10, 10, 6, 0, tzinfo=UTC)
ATOM = {"a": "http://www.w3.org/2005/Atom"}
KEY = b"only for the tests"


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def smtp_url(letterbox: Letterbox) -> Iterator[str]:
    port = free_port(socket.SOCK_STREAM)
    controller = Controller(letterbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
async def posted(tmp_path: Path, smtp_url: str) -> AsyncIterator[tuple[ServiceProcess, Staff]]:
    """A service that has a mail server, and a site that may show it in a frame."""
    service = ServiceProcess(
        tmp_path / "data", MINSHENG_SMTP_URL=smtp_url, MINSHENG_EMBED_ORIGINS="https://www.example.gov.cn"
    ).start()
    admin = await Staff.sign_in(service)
    yield service, admin
    await admin.close()
    assert service.stop() == 0


async def letters(box: Letterbox, number: int) -> None:
    """Wait until so many have come."""
    for _ in range(200):
        if len(box.letters) >= number:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{len(box.letters)} letters, not {number}")


async def test_a_citizen_follows_a_suggestion_by_mail_and_feed(
    posted: tuple[ServiceProcess, Staff], letterbox: Letterbox
) -> None:
    service, admin = posted
    slug = await admin.own_activity()
    path = f"/api/v1/activities/{slug}"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    for text in ("建议周末开放", "建议增设座椅"):
        entry = await author.call("comment", speech(text))
        await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", {"act": "suggest", "on": True})
    await author.close()
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    items = (await admin.done("GET", f"{path}/suggestions"))["suggestions"]
    for item in items:
        decision = {"decision": "adopted", "reason": "", "transferred_to": None, "revision": item["revision"]}
        await admin.done("PUT", f"/api/v1/suggestions/{item['id']}/decision", decision)

    async with aiohttp.ClientSession(service.url) as public:
        wish = {"email": "Li@example.org", "number": 1}
        async with public.post(f"{path}/subscriptions", json=wish) as answer:
            assert answer.status == 404  # nothing is published yet
        await admin.done("POST", f"{path}/outcomes")
        async with public.post(f"{path}/subscriptions", json=wish) as answer:
            assert (answer.status, await answer.json()) == (202, {"state": "asked"})
        async with public.post(f"{path}/subscriptions", json=wish) as answer:
            assert answer.status == 429  # nobody is flooded with questions
        await letters(letterbox, 1)
        found = re.search(r"/subscription/confirm/(\S+)", letterbox.letters[0].get_content())
        assert found is not None
        async with public.post("/api/v1/subscriptions/confirm", json={"token": found[1][:-1] + "0"}) as answer:
            assert answer.status == (200 if found[1].endswith("0") else 404)
        async with public.post("/api/v1/subscriptions/confirm", json={"token": found[1]}) as answer:
            assert (await answer.json())["number"] == 1
        async with public.post(f"{path}/subscriptions", json=wish) as answer:
            assert answer.status == 202  # as for anybody else

        # A change of the other suggestion is not told; one of this is.
        for number, words in ((1, "座椅已到货"), (0, "已排班")):
            update = {"progress": "under-way", "text": words}
            await admin.done("POST", f"/api/v1/suggestions/{items[number]['id']}/updates", update)
            await admin.done("POST", f"{path}/outcomes")
        await letters(letterbox, 2)
        letter = letterbox.letters[1]
        assert "已排班" in letter.get_content()
        assert "座椅" not in letter.get_content()
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        one_click = letter["List-Unsubscribe"].strip("<>").split("/api/", 1)[1]
        async with public.post(f"/api/{one_click}", data={"List-Unsubscribe": "One-Click"}) as answer:
            assert answer.status == 204
        await admin.done("POST", f"/api/v1/suggestions/{items[0]['id']}/updates", {"progress": "done", "text": "开放"})
        await admin.done("POST", f"{path}/outcomes")

        async with public.get(f"{path}/suggestions/1.atom") as answer:
            feed = ElementTree.fromstring(await answer.read())
        told = [entry.findtext("a:content", "", ATOM) for entry in feed.iterfind("a:entry", ATOM)]
        assert ["已落实" in told[0], "已排班" in told[1], "建议周末开放" in told[2], len(told)] == [True, True, True, 3]
        async with public.get(f"{path}/suggestions/1.rss") as answer:
            assert answer.content_type == "application/rss+xml"
            items = ElementTree.fromstring(await answer.read()).findall("channel/item")
            assert items
            assert all((item.findtext("link") or "").endswith(f"/a/{slug}#s1") for item in items)
        async with public.get(f"{path}/outcomes.atom") as answer:
            assert len(ElementTree.fromstring(await answer.read()).findall("a:entry", ATOM)) == 4
        async with public.get(f"{path}/suggestions/9.atom") as answer:
            assert answer.status == 404
        async with public.get(f"{path}/outcomes") as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        async with public.get(f"/embed/{slug}") as answer:
            assert "frame-ancestors 'self' https://www.example.gov.cn;" in answer.headers["Content-Security-Policy"]
        async with public.get(f"/a/{slug}") as answer:
            assert "frame-ancestors 'self';" in answer.headers["Content-Security-Policy"]
    assert len(letterbox.letters) == 2


async def test_a_service_without_mail_says_so(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity()
    answer = await admin.call("POST", f"/api/v1/activities/{slug}/subscriptions", {"email": "a@example.org"})
    assert (answer[0], answer[1]["error"]["code"]) == (503, "no_mail")
    assert (await admin.call("POST", f"/api/v1/activities/{slug}/subscriptions", {"email": "nobody"}))[0] == 400


def test_a_link_is_for_one_subscription_and_one_act() -> None:
    assert read_token(KEY, token_of(KEY, 7, "cancel"), "cancel") == 7
    for bad in (
        token_of(KEY, 7, "confirm"),
        token_of(b"other", 7, "cancel"),
        "8-" + token_of(KEY, 7, "cancel")[2:],
        "",
        "x",
    ):
        with pytest.raises(NotFound):
            read_token(KEY, bad, "cancel")


async def test_wishes_are_bounded_and_run_out(database: Database, smtp_url: str, letterbox: Letterbox) -> None:
    async with database.write() as session:
        activities = [await session.get_one(Activity, number) for number in range(1, MOST_WAITING + 2)]
        for activity in activities[:-1]:
            assert await subscribe(session, activity, 0, "a@example.org", NOW) is not None
        with pytest.raises(Conflict):
            await subscribe(session, activities[-1], 0, "a@example.org", NOW)
        with pytest.raises(RateLimited):
            await subscribe(session, activities[0], 0, "A@example.org", NOW + timedelta(minutes=1))
        row = await subscribe(session, activities[0], 0, "a@example.org", NOW + timedelta(minutes=11))
        assert row is not None
        number = row.id
    later = NOW + timedelta(days=4)
    async with database.write() as session:
        with pytest.raises(NotFound):
            await confirm(session, number, later)
    owner = Subscriptions(database, Mailer(smtp_url, "m@example.gov.cn"), key=KEY, site="http://x", now=lambda: later)
    assert await owner.tell() == 0
    async with database.read() as session:
        assert await session.get(Subscription, number) is None
    assert letterbox.letters == []
