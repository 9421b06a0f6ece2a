"""Stories of citizens and a host on real sockets, against the running service."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from functools import partial

import aiohttp
import pytest
import socketio

from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff


@pytest.fixture
async def sockets() -> AsyncIterator[list[Client]]:
    """What a test connects, closed afterwards."""
    opened: list[Client] = []
    yield opened
    for client in opened:
        await client.close()


async def live(admin: Staff, activity: str) -> None:
    await admin.done("POST", f"/api/v1/activities/{activity}/state", {"state": "live"})


async def test_a_comment_reaches_everybody_and_its_score_the_host_alone(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k02")
    sockets += [await citizen(service.url, "k02").connect() for _ in range(2)]
    author, reader = sockets
    console = await host(service.url, "k02", admin.cookie).connect()
    sockets.append(console)

    answer = await author.call("comment", speech("窗口的同志很热情，服务很好", "王小明"))
    assert answer["ok"], answer
    assert answer["state"] == "shown"
    assert len(answer["receipt"]) == 10

    shown = await reader.entry("comments", answer["id"])
    assert set(shown) == {"id", "text", "nickname", "at", "proposed"}
    scored = await console.entry("comments", answer["id"], scored=True)
    assert 0 <= scored["score"] <= 1
    assert scored["label"] == "positive"


async def test_a_question_waits_for_approval_then_collects_votes_and_is_answered(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k03")
    sockets += [await citizen(service.url, "k03").connect() for _ in range(2)]
    author, reader = sockets
    console = await host(service.url, "k03", admin.cookie).connect()
    sockets.append(console)

    asked = await author.call("question", speech("周末上班吗？"))
    assert asked["state"] == "pending"
    await console.until(lambda: asked["id"] in console.entries("questions"))
    assert asked["id"] not in reader.entries("questions")
    assert (await reader.call("vote", {"question": asked["id"]}))["error"]["code"] == "not_found"

    approved = await console.call("approve", {"id": asked["id"]})
    assert approved["ok"], approved
    await reader.until(lambda: asked["id"] in reader.entries("questions"))
    vote = await reader.call("vote", {"question": asked["id"]})
    assert vote == {"ok": True, "id": asked["id"], "votes": 1, "state": "open"}
    assert (await reader.call("vote", {"question": asked["id"]}))["votes"] == 1
    await author.until(lambda: author.entries("questions")[asked["id"]]["votes"] == 1)
    assert (await reader.call("vote", {"question": asked["id"], "on": False}))["votes"] == 0

    await console.call("answer", {"id": asked["id"], "mode": "written", "text": "周六上午上班。"})
    answered = await reader.until(
        lambda: reader.entries("questions")[asked["id"]]["answer"] and reader.entries("questions")[asked["id"]]
    )
    assert answered["answer"]["text"] == "周六上午上班。"
    assert answered["state"] == "answered"


async def test_a_hidden_comment_disappears_and_never_comes_back_to_a_newcomer(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k05")
    author = await citizen(service.url, "k05").connect()
    console = await host(service.url, "k05", admin.cookie).connect()
    sockets += [author, console]
    posted = await author.call("comment", speech("加微信领红包"))
    await author.until(lambda: posted["id"] in author.entries("comments"))
    assert (await console.call("hide", {"id": posted["id"], "reason": "spam"}))["ok"]
    await author.until(lambda: posted["id"] in [gone for batch in author.received["removed"] for gone in batch["ids"]])

    newcomer = await citizen(service.url, "k05").connect()
    sockets.append(newcomer)
    await newcomer.until(lambda: newcomer.received["comments"])
    assert posted["id"] not in newcomer.entries("comments")
    assert (await console.call("restore", {"id": posted["id"]}))["ok"]
    await newcomer.until(lambda: posted["id"] in newcomer.entries("comments"))


async def test_the_same_key_gets_the_first_acknowledgement_even_after_the_end(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k06")
    device = secrets.token_urlsafe(16)
    author = await citizen(service.url, "k06", device=device).connect()
    sockets.append(author)
    payload = speech("说一遍就够", key="first")
    first = await author.call("comment", payload)
    assert await author.call("comment", payload) == first
    await admin.done("POST", "/api/v1/activities/k06/state", {"state": "ended"})
    await author.until(lambda: author.received["broadcast"][-1]["state"] == "ended")
    assert (await author.call("comment", speech("晚了")))["error"]["code"] == "not_live"

    again = await citizen(service.url, "k06", device=device).connect()
    sockets.append(again)
    assert await again.call("comment", payload) == first


async def test_after_a_reconnect_a_client_gets_what_it_missed(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k07")
    author = await citizen(service.url, "k07").connect()
    sockets.append(author)
    ids = [(await author.call("comment", speech(f"第{number}条")))["id"] for number in range(4)]
    console = await host(service.url, "k07", admin.cookie).connect()
    sockets.append(console)
    await console.call("hide", {"id": ids[0], "reason": "other"})

    back = await citizen(service.url, "k07", last=ids[1]).connect()
    sockets.append(back)
    await back.until(lambda: ids[3] in back.entries("comments"))
    assert sorted(back.entries("comments")) == ids[2:]
    assert back.received["removed"] == [{"ids": [ids[0]]}]
    missed = await back.call("resume", {"last": ids[2]})
    assert [item["id"] for item in missed["comments"]] == ids[3:]


async def test_one_device_is_slowed_down_and_told_for_how_long(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k08")
    author, other = [await citizen(service.url, "k08").connect() for _ in range(2)]
    sockets += [author, other]
    answers = [await author.call("comment", speech(f"刷屏{number}")) for number in range(12)]
    refused = [answer["error"] for answer in answers if not answer["ok"]]
    assert refused
    assert {error["code"] for error in refused} == {"rate_limited"}
    assert 0 < refused[0]["retry_after"] <= 2.1
    assert (await other.call("comment", speech("别人不受影响")))["ok"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (None, "bad_request"),
        ("text", "bad_request"),
        ({"text": "没有 key"}, "bad_request"),
        ({"key": "k", "text": 5}, "bad_request"),
        ({"key": "", "text": "好"}, "bad_request"),
        ({"key": "k", "text": " \u200b\n"}, "empty"),
        ({"key": "k", "text": "长" * 1001}, "too_long"),
        ({"key": "k", "text": "长" * 20_001}, "too_long"),
    ],
)
async def test_bad_input_is_refused_with_words(
    service: ServiceProcess, admin: Staff, sockets: list[Client], payload: object, code: str
) -> None:
    if (await admin.done("GET", "/api/v1/activities/k09"))["state"] != "live":
        await live(admin, "k09")
    author = await citizen(service.url, "k09").connect()
    sockets.append(author)
    answer = await author.call("comment", payload)
    assert answer["ok"] is False
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


async def test_strange_text_is_stored_and_shown_as_the_text_it_is(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k10")
    author = await citizen(service.url, "k10").connect()
    sockets.append(author)
    texts = {
        "a\0b\x1b[31m": "a␀b␛[31m",
        "<script>alert(1)</script>": "<script>alert(1)</script>",
        '=HYPERLINK("http://x")': '=HYPERLINK("http://x")',
        "@x +1 -1": "@x +1 -1",
        "𠮷野家👨‍👩‍👧‍👦\u202eabc": "𠮷野家👨‍👩‍👧‍👦\u202eabc",
    }
    for sent, stored in texts.items():
        answer = await author.call("comment", speech(sent))
        shown = await author.entry("comments", answer["id"])
        assert shown["text"] == stored


async def test_a_text_without_words_has_no_score_and_is_no_error(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k11")
    author = await citizen(service.url, "k11").connect()
    console = await host(service.url, "k11", admin.cookie).connect()
    sockets += [author, console]
    for text, label in (("👍👍👍", "positive"), ("hello", "unscored"), ("666", "positive"), ("的", "unscored")):
        answer = await author.call("comment", speech(text))
        entry = await console.entry("comments", answer["id"], scored=True)
        assert (entry["label"], entry["score"]) == (label, None)


async def test_the_number_of_viewers_is_told(service: ServiceProcess, sockets: list[Client]) -> None:
    device = secrets.token_urlsafe(16)
    first = await citizen(service.url, "k12", device=device).connect()
    same = await citizen(service.url, "k12", device=device).connect()
    other = await citizen(service.url, "k12").connect()
    sockets += [first, same, other]
    await first.until(lambda: {"watching": 2} in first.received["presence"])


@pytest.mark.parametrize(
    "auth",
    [{"activity": "nowhere"}, {"activity": 5}, {"device": "short"}, {"device": "x" * 129}, {"last": -1}, {"last": "1"}],
)
async def test_a_stranger_who_does_not_say_who_is_refused(service: ServiceProcess, auth: dict[str, object]) -> None:
    client = citizen(service.url, **{"activity": "k01", **auth})
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect()


async def test_the_console_is_for_the_units_own_staff(service: ServiceProcess, admin: Staff) -> None:
    created = await admin.done(
        "POST", "/api/v1/accounts", {"username": "yufa-1", "name": "榆垡主持人", "role": "staff", "unit": "yufa"}
    )
    staff = await Staff.sign_in(service, "yufa-1", created["password"])
    own = await host(service.url, "k02", staff.cookie).connect()
    await own.until(lambda: own.received["state"])
    for client in (host(service.url, "k01", staff.cookie), host(service.url, "k02", "minsheng_session=wrong")):
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect()
    # An account that is disabled acts no more, even on a socket that is open.
    await admin.done("PATCH", f"/api/v1/accounts/{created['account']['id']}", {"disabled": True})
    assert (await own.call("hide", {"id": 1, "reason": "spam"}))["error"]["code"] == "unauthorized"
    await own.close()
    await staff.close()


async def test_a_host_reaches_no_entry_of_another_activity(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k13")
    author = await citizen(service.url, "k13").connect()
    console = await host(service.url, "k14", admin.cookie).connect()
    sockets += [author, console]
    posted = await author.call("comment", speech("别的活动的留言"))
    assert (await console.call("hide", {"id": posted["id"], "reason": "spam"}))["error"]["code"] == "not_found"


async def test_many_comments_travel_in_one_message(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k15")
    authors = [await citizen(service.url, "k15").connect() for _ in range(10)]
    sockets += authors
    await asyncio.gather(*(author.call("comment", speech("一起说")) for author in authors))
    await authors[0].until(lambda: len(authors[0].entries("comments")) == 10)
    assert len([batch for batch in authors[0].received["comments"] if batch]) <= 3


async def test_whoever_comes_while_others_speak_misses_nothing(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    """Newcomers share what was read for one of them: none of them may lack what came in between."""
    await live(admin, "j05")
    speakers = [await citizen(service.url, "j05").connect() for _ in range(6)]
    sockets.extend(speakers)
    said: list[int] = []

    async def speak(speaker: Client) -> None:
        for number in range(7):
            said.append((await speaker.call("comment", speech(f"第{number}句")))["id"])
            await asyncio.sleep(0.05)

    speaking = asyncio.gather(*map(speak, speakers))
    comers = []
    while not speaking.done():
        comers += await asyncio.gather(*(citizen(service.url, "j05").connect() for _ in range(5)))
    await speaking
    sockets.extend(comers)

    def lacks_nothing(comer: Client) -> bool:
        return set(said) <= {comment["id"] for comments in comer.received["comments"] for comment in comments}

    for comer in comers:  # all that was said is less than the fifty comments of a greeting
        await comer.until(partial(lacks_nothing, comer))


@pytest.mark.parametrize(
    "frames",
    [
        ["40/audience,{}", "garbage", "42/audience,[", '42/audience,["comment"'],
        ['40/audience,{"activity":"k16","device":"device-device"}', '42/audience,7["comment",{"key":"k"}]'],
        ['40/audience,{"activity":"k16","device":"device-device"}', "452-/audience,[{}]", "9", ""],
        ['40/host,{"activity":"k16"}', '42/host,1["hide",{"id":1,"reason":"spam"}]'],
        ['40/audience,{"activity":"k16","device":"device-device"}', "42/audience," + "x" * 1_000_000],
        [b"\x00\xff" * 100, "40/nowhere,"],
    ],
)
async def test_invalid_frames_disturb_nobody(
    service: ServiceProcess, admin: Staff, sockets: list[Client], frames: list[str | bytes]
) -> None:
    if (await admin.done("GET", "/api/v1/activities/k16"))["state"] != "live":
        await live(admin, "k16")
    other = await citizen(service.url, "k16").connect()
    sockets.append(other)
    async with aiohttp.ClientSession(service.url) as session:
        async with session.ws_connect("/socket.io/?EIO=4&transport=websocket", max_msg_size=0) as socket:
            await socket.receive(5)
            for frame in frames:
                if socket.closed:
                    break
                await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
            await asyncio.sleep(0.1)
    assert (await other.call("comment", speech("不受影响")))["ok"]
    assert "Traceback" not in service.log.read_text()
