"""Votes on real sockets: one a device, however often it comes again; taken back freely."""

import secrets

from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff


async def test_a_device_that_comes_again_has_the_same_vote(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    device = secrets.token_urlsafe(16)
    author = await citizen(service.url, slug).connect()
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [author, console]
    asked = (await author.call("question", speech("周末开门吗？")))["id"]
    await console.call("approve", {"id": asked})
    for _ in range(4):  # each time a new connection, and twice at once
        one, two = [await citizen(service.url, slug, device=device).connect() for _ in range(2)]
        for client in (one, two):
            assert (await client.call("vote", {"question": asked}))["votes"] == 1
        await one.close()
        await two.close()
    again = await citizen(service.url, slug, device=device).connect()
    other = await citizen(service.url, slug).connect()
    sockets += [again, other]
    assert (await other.call("vote", {"question": asked}))["votes"] == 2
    assert (await again.call("vote", {"question": asked, "on": False}))["votes"] == 1
    assert (await again.call("vote", {"question": asked, "on": False}))["votes"] == 1
    assert (await again.call("vote", {"question": asked}))["votes"] == 2
    # What is put back to waiting keeps its votes, and takes none meanwhile.
    await console.call("reopen", {"id": asked})
    assert (await again.call("vote", {"question": asked, "on": False}))["error"]["code"] == "not_found"
    assert (await console.call("approve", {"id": asked}))["entry"]["votes"] == 2
