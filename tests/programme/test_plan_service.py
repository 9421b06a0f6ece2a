"""A year's plan over HTTP: read, shown with its lines, and imported only when that very reading is confirmed."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.programme.desk import staff_of
from tests.service import ServiceProcess, Staff

PLAN = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")
OF_2025 = PLAN.replace("2023", "2025")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One of its own: another year's plan would stand in the way of every other test."""
    process = ServiceProcess(tmp_path_factory.mktemp("plan")).start()
    yield process
    assert process.stop() == 0, process.log.read_text()


async def read(staff: Staff, content: bytes, confirm: str = "") -> tuple[int, Any]:
    path = "/api/v1/plan" + (f"?confirm={confirm}" if confirm else "")
    return await staff.send(path, content)


async def slugs(staff: Staff) -> set[str]:
    return {row["slug"] for row in (await staff.done("GET", "/api/v1/activities"))["activities"]}


async def test_the_same_plan_again_has_nothing_to_import(service: ServiceProcess, admin: Staff) -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        status, reading = await read(admin, PLAN.encode(encoding))
        assert (status, reading["activities"], reading["units"], reading["year"]) == (200, 22, 19, 2023)
        assert (reading["first"], reading["last"]) == ("2023-08-01", "2023-11-30")
        assert (reading["unread"], reading["imported"]) == ([], None)


async def test_nothing_changes_until_what_was_seen_is_confirmed(service: ServiceProcess, admin: Staff) -> None:
    lines = OF_2025.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if "开放点 9（" in line)
    end = next(number for number, line in enumerate(lines) if "开放点 10（" in line)
    damaged = "".join(lines[:start] + lines[end:]).encode()
    before = await slugs(admin)
    status, reading = await read(admin, damaged)
    assert (status, reading["year"], reading["activities"]) == (200, 2025, 21)
    (unread,) = reading["unread"]
    assert unread["line"] > 0
    assert "9" in unread["why"]
    assert [change["slug"] for change in reading["changes"]][:2] == ["2025-k01", "2025-k02"]
    assert reading["changes"][0]["inferred"]
    assert await slugs(admin) == before

    # Another text than the one that was seen is not what was confirmed, nor is a digest that somebody made up.
    for content, confirm in ((OF_2025.encode(), reading["digest"]), (damaged, "0" * 64)):
        status, refused = await read(admin, content, confirm)
        assert (status, refused["error"]["code"]) == (409, "stale")
    assert await slugs(admin) == before

    status, done = await read(admin, damaged, reading["digest"])
    assert (status, len(done["imported"])) == (200, 21)
    assert await slugs(admin) == before | set(done["imported"])
    history = (await admin.done("GET", "/api/v1/activities/2025-k01/history"))["history"]
    assert [(item["act"], item["who"]) for item in history] == [("import", "管理员")]

    # What was missing is found by the whole text, and nothing else is touched.
    reading = (await read(admin, OF_2025.encode()))[1]
    assert [change["slug"] for change in reading["changes"]] == ["2025-k09"]
    assert (await read(admin, OF_2025.encode(), reading["digest"]))[1]["imported"] == ["2025-k09"]


async def test_a_file_that_is_no_plan_and_who_may_not(service: ServiceProcess, admin: Staff) -> None:
    for content, code in (
        (b"%PDF-1.7", "bad_file"),
        (b"PK\x03\x04", "bad_file"),
        (b"\x00\x01", "bad_file"),
        (b"", "bad_file"),
    ):
        status, refused = await read(admin, content)
        assert (status, refused["error"]["code"]) == (400, code)
    status, refused = await read(admin, "啊".encode() * 2_000_000)
    assert (status, refused["error"]["code"]) == (413, "too_large")
    status, reading = await read(admin, "今天天气很好。".encode())
    assert (status, reading["year"], reading["activities"]) == (200, None, 0)
    assert (await read(admin, "今天天气很好。".encode(), reading["digest"]))[1]["error"]["code"] == "no_period"
    clerk = await staff_of(service, admin, "jiaowei", "jiaowei-plan")
    try:
        assert (await read(clerk, PLAN.encode()))[0] == 403
    finally:
        await clerk.close()
