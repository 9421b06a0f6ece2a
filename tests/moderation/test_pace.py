"""Slow mode and proof of work: what a citizen in a flood meets, and what others do not."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from altcha.v1 import Challenge, solve_challenge

from server.errors import BadRequest, RateLimited
from server.realtime.challenge import ANSWER_WITHIN, CROWD, PASS_LASTS, VOTERS, ChallengeRequired, Challenges, Solution
from server.realtime.limits import SlowMode
from tests.citizen import Client, citizen, speech
from tests.service import ServiceProcess, Staff

KEY = b"k" * 32


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2023, 10, 10, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def asked(challenges: Challenges, mode: str, device: str = "d1", address: str = "a") -> dict[str, Any] | None:
    try:
        challenges.require(mode, device, address)
    except ChallengeRequired as required:
        challenge: dict[str, Any] = required.as_dict()["challenge"]
        return challenge
    return None


def solved(challenge: dict[str, Any]) -> dict[str, Any]:
    terms = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
    solution = solve_challenge(Challenge(max_number=challenge["maxnumber"], **terms))
    assert solution is not None
    return {**terms, "number": solution.number}


def test_a_device_proves_work_once_and_speaks_for_a_while() -> None:
    clock = Clock()
    challenges = Challenges(KEY, now=clock)
    assert asked(challenges, "off") is None
    challenge = asked(challenges, "on")
    assert challenge is not None
    challenges.prove("d1", Solution(**solved(challenge)))
    assert asked(challenges, "on") is None
    assert asked(challenges, "on", "d2") is not None
    clock.at += PASS_LASTS + timedelta(seconds=1)
    assert asked(challenges, "on") is not None


def test_a_solution_that_is_wrong_foreign_or_late_opens_nothing() -> None:
    clock = Clock()
    challenges = Challenges(KEY, now=clock)
    challenge = asked(challenges, "on")
    assert challenge is not None
    right = solved(challenge)
    forged = [
        ("d1", {**right, "number": right["number"] + 1}),
        ("d1", {**right, "signature": "0" * 64}),
        ("d1", {**right, "salt": right["salt"].replace("device=d1", "device=d2")}),
        ("d2", right),
    ]
    for device, solution in forged:
        with pytest.raises(BadRequest, match="验证"):
            challenges.prove(device, Solution(**solution))
    elsewhere = Challenges(b"another key", now=clock)
    with pytest.raises(BadRequest):
        elsewhere.prove("d1", Solution(**right))
    clock.at += ANSWER_WITHIN + timedelta(seconds=1)
    with pytest.raises(BadRequest):
        challenges.prove("d1", Solution(**right))
    assert challenges.solved == 0


def test_a_crowd_above_its_pace_makes_its_address_suspect_and_no_other() -> None:
    clock = Clock()
    challenges = Challenges(KEY, now=clock)
    for number in range(CROWD - 1):
        challenges.one_of_a_crowd(f"d{number}", "a")
        challenges.one_of_a_crowd(f"d{number}", "a")  # the same device counts once
    assert asked(challenges, "auto") is None
    clock.at += timedelta(minutes=2)
    challenges.one_of_a_crowd("late", "a")
    assert asked(challenges, "auto") is None, "the crowd of two minutes ago is forgotten"
    for number in range(CROWD):
        challenges.one_of_a_crowd(f"d{number}", "a")
    assert asked(challenges, "auto") is not None
    assert asked(challenges, "auto", address="b") is None
    assert asked(challenges, "off") is None


def test_slow_mode_tells_the_seconds_that_are_left() -> None:
    now = [100.0]
    slow = SlowMode(clock=lambda: now[0])
    slow.take("k01:d1", 30)
    slow.take("k01:d2", 30)
    now[0] += 12
    with pytest.raises(RateLimited) as refused:
        slow.take("k01:d1", 30)
    assert (refused.value.code, refused.value.retry_after) == ("slow_mode", 18)
    slow.take("k01:d1", 10)


async def test_slow_mode_on_the_line(service: ServiceProcess, admin: Staff, sockets: list[Client]) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    sockets.append(author)
    await author.until(lambda: author.received["broadcast"])
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"slow_seconds": 60})
    await author.until(lambda: author.received["broadcast"][-1]["slow_seconds"] == 60)
    first = speech("第一条")
    accepted = await author.call("comment", first)
    assert accepted["ok"], accepted
    refused = (await author.call("question", speech("第二条？")))["error"]
    assert refused["code"] == "slow_mode"
    assert 55 < refused["retry_after"] <= 60
    assert await author.call("comment", first) == accepted, "an acknowledgement that was lost is given again"
    status, answer = await admin.call("PATCH", f"/api/v1/activities/{slug}", {"slow_seconds": 601})
    assert (status, answer["error"]["field"]) == (400, "slow_seconds")


async def test_the_challenge_on_the_line(service: ServiceProcess, admin: Staff, sockets: list[Client]) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"challenge": "on"})
    author = await citizen(service.url, slug).connect()
    sockets.append(author)
    words = speech("大家好")
    refused = (await author.call("comment", words))["error"]
    assert refused["code"] == "challenge"
    solution = solved(refused["challenge"])
    for wrong in (None, {}, {**solution, "number": "1"}, {**solution, "salt": "x" * 1000}):
        assert (await author.call("prove", wrong))["error"]["code"] == "bad_request"
    assert (await author.call("prove", {**solution, "signature": secrets.token_hex(32)}))["error"][
        "code"
    ] == "bad_solution"
    assert await author.call("prove", solution) == {"ok": True}
    assert (await author.call("comment", words))["ok"]
    assert (await author.call("comment", speech("再说一句")))["ok"]


async def test_votes_of_invented_devices_cost(service: ServiceProcess, admin: Staff, sockets: list[Client]) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    sockets.append(author)
    question = (await author.call("question", speech("谁的票最多？")))["id"]
    await admin.done("POST", f"/api/v1/entries/{question}/acts", {"act": "approve"})

    async def invent(address: str) -> Client:
        auth = {"activity": slug, "device": secrets.token_urlsafe(16)}
        client = await Client(service.url, "/audience", auth, {"X-Forwarded-For": address}).connect()
        sockets.append(client)
        return client

    for number in range(VOTERS):
        answer = await (await invent("203.0.113.50")).call("vote", {"question": question})
        assert (answer["ok"], answer["votes"]) == (True, number + 1)
    one_more = await invent("203.0.113.50")
    refused = (await one_more.call("vote", {"question": question}))["error"]
    assert refused["code"] == "challenge"
    assert (await one_more.call("prove", solved(refused["challenge"])))["ok"]
    assert (await one_more.call("vote", {"question": question}))["votes"] == VOTERS + 1
    # Who speaks from that address, and who votes from another, proves nothing.
    assert (await (await invent("203.0.113.50")).call("comment", speech("大家好")))["ok"]
    assert (await (await invent("198.51.100.50")).call("vote", {"question": question}))["votes"] == VOTERS + 2
    # A device that comes back has the vote that it had.
    again = await one_more.call("vote", {"question": question})
    assert again["votes"] == VOTERS + 2
