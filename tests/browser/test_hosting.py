"""A host who copes with five comments a second: nothing slips from under pointer or key, and colleagues are seen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_moderation import sign_in
from tests.browser.test_story import DESKTOP, open_page
from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff

UNDER = "([x, y]) => document.elementFromPoint(x, y)?.closest('[data-id]')?.dataset.id"


@pytest.fixture
async def crowd(service: ServiceProcess, admin: Staff) -> AsyncIterator[tuple[str, list[Client]]]:
    """An activity that is live, and eight citizens of it."""
    slug = await admin.own_activity("一人主持")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    people = [await citizen(service.url, slug).connect() for _ in range(8)]
    yield slug, people
    for client in people:
        await client.close()


async def say(people: list[Client], texts: list[str], kind: str = "comment") -> list[int]:
    """Each text by the next of the people; returns the ids."""
    return [(await people[turn % 8].call(kind, speech(text)))["id"] for turn, text in enumerate(texts)]


async def middle(page: Page, entry: int) -> tuple[float, float]:
    """A point within an entry's row, beside its buttons."""
    box = await page.locator(f"[data-id='{entry}']").bounding_box()
    assert box is not None
    return box["x"] + 60, box["y"] + box["height"] / 2


async def test_nothing_slips_from_under_the_pointer_or_the_key(
    service: ServiceProcess,
    admin: Staff,
    browser: Browser,
    crowd: tuple[str, list[Client]],
    pictures: Path,
) -> None:
    errors: list[str] = []
    slug, people = crowd
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    first = await say(people, [f"开头的第{turn}条" for turn in range(24)])
    row = console.locator(f"[data-id='{first[-2]}']")
    await expect(row).to_be_in_viewport()
    await expect(row.get_by_test_id("sentiment")).not_to_have_attribute("data-label", "")
    point = await middle(console, first[-2])
    await console.mouse.move(*point)
    await say(people, [f"涌来的第{turn}条" for turn in range(16)])
    await expect(console.get_by_test_id("host-new")).to_have_text("16 条新留言")
    assert await console.evaluate(UNDER, point) == str(first[-2])
    await console.screenshot(path=pictures / "console-held.png")
    await console.mouse.move(640, 20)
    await expect(console.get_by_test_id("host-new")).to_have_count(0)
    await expect(console.get_by_test_id("host-comment").last).to_be_in_viewport()

    # By keys alone: the chosen one stays, the next ones come when they are asked for.
    await console.keyboard.press("c")
    await console.keyboard.press("k")
    await expect(console.locator("li[aria-current]")).to_contain_text("涌来的第15条")
    later = await say(people, ["后来的第0条", "后来的第1条"])
    await expect(console.get_by_test_id("host-new")).to_have_text("2 条新留言")
    await console.keyboard.press("j")
    await expect(console.locator("li[aria-current]")).to_contain_text("后来的第0条")
    await expect(console.locator("li[aria-current]")).to_be_in_viewport()
    await console.keyboard.press("1")
    await expect(console.locator(f"[data-id='{later[0]}']")).to_contain_text("已隐藏：广告刷屏")
    await console.keyboard.press("c")  # to the newest, and on with them
    await expect(console.locator("li[aria-current]")).to_have_count(0)
    assert errors == []


async def test_a_colleague_takes_a_row_away_and_the_others_stay_where_they_are(
    service: ServiceProcess,
    admin: Staff,
    browser: Browser,
    crowd: tuple[str, list[Client]],
    pictures: Path,
) -> None:
    errors: list[str] = []
    slug, people = crowd
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"moderation": "before"})
    colleague = await host(service.url, slug, admin.cookie).connect()
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    waiting = await say(people, ["甲先审", "乙先审", "丙先审"])
    asked = await say(people, ["甲几点开门？", "乙怎么收费？", "丙在哪里办？"], "question")
    for ids in (waiting, asked):
        await expect(console.locator(f"[data-id='{ids[2]}']")).to_be_visible()
        await expect(console.locator(f"[data-id='{ids[2]}']").get_by_test_id("sentiment")).not_to_have_attribute(
            "data-label", ""
        )
        point = await middle(console, ids[1])
        await console.mouse.move(*point)
        await colleague.call("approve", {"id": ids[0]})
        gone = console.locator(f"[data-id='{ids[0]}']").first
        await expect(gone).to_contain_text("已展示" if ids is waiting else "已公开")
        assert await console.evaluate(UNDER, point) == str(ids[1])
    await console.screenshot(path=pictures / "console-colleague.png")
    await console.mouse.move(640, 20)
    await expect(console.get_by_test_id("host-queue").get_by_test_id("host-question")).to_have_count(2)
    await expect(console.get_by_test_id("host-waiting").get_by_test_id("host-comment")).to_have_count(2)
    assert errors == []
    await colleague.close()
