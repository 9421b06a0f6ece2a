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
    errors: list[str],
) -> None:
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


async def test_a_colleague_takes_a_row_away_and_the_others_stay_where_they_are(
    service: ServiceProcess,
    admin: Staff,
    browser: Browser,
    crowd: tuple[str, list[Client]],
    pictures: Path,
    errors: list[str],
) -> None:
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
    await colleague.close()


async def test_two_hosts_see_each_other_and_take_back_only_their_own(
    service: ServiceProcess,
    admin: Staff,
    browser: Browser,
    crowd: tuple[str, list[Client]],
    pictures: Path,
    errors: list[str],
) -> None:
    slug, people = crowd
    lists = (await admin.done("GET", "/api/v1/word-lists"))["lists"]
    marks = next(item for item in lists if item["unit"] is None and item["severity"] == "mark")
    words = {"unit": None, "severity": "mark", "words": ["代办证件"], "revision": marks["revision"]}
    revision = (await admin.done("PUT", "/api/v1/word-lists", words))["revision"]
    created = await admin.done(
        "POST", "/api/v1/accounts", {"username": "wang", "name": "王科长", "role": "coordinator", "unit": None}
    )
    wang = await Staff.sign_in(service, "wang", created["password"])
    colleague = await host(service.url, slug, wang.cookie).connect()
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    try:
        asked = await say(
            people,
            ["老年卡在哪个窗口办？", "请问老年卡在哪个窗口办理", "可以代·辦·证件吗？", "停车收费吗？"],
            "question",
        )
        await expect(console.get_by_test_id("host-question")).to_have_count(4)
        held = console.locator(f"[data-id='{asked[2]}']")
        await expect(held.get_by_test_id("question-flags")).to_contain_text("代办证件")
        await expect(held.locator("mark")).to_have_text("代·辦·证件")

        # Who is there, what is being written, what was done.
        await colleague.call("doing", {"entry": asked[3], "form": "answer"})
        await expect(console.get_by_test_id("colleagues")).to_contain_text("王科长（正在写）")
        await expect(console.locator(f"[data-id='{asked[3]}']").get_by_test_id("writers")).to_have_text("王科长正在写")
        await colleague.call("doing", {"entry": None, "form": None})
        spam = (await say(people, ["加微信领红包"]))[0]
        await colleague.call("hide", {"id": spam, "reason": "spam"})
        await expect(console.get_by_test_id("colleague-news")).to_contain_text("王科长隐藏了（广告刷屏）“加微信领红包”")
        await expect(console.locator(f"[data-id='{spam}']")).to_contain_text("已隐藏：广告刷屏（王科长，")

        # By keys alone: merge what asks the same, note, approve, answer, and take back one after another.
        await console.keyboard.press("q")  # from the first tab to the next, and round
        for _ in range(3):
            await console.keyboard.press("q")
        await console.keyboard.press("j")
        await console.keyboard.press("j")
        await expect(console.locator("li[aria-current]")).to_contain_text("请问老年卡")
        await console.keyboard.press("d")
        await expect(console.locator(f"[data-id='{asked[0]}']").get_by_test_id("merged")).to_be_visible()
        await console.keyboard.press("n")
        await expect(console.get_by_test_id("label-input")).to_be_focused()
        await console.keyboard.press("Escape")
        await console.locator(f"[data-id='{asked[3]}']").click(position={"x": 8, "y": 8})
        await console.mouse.move(640, 20)
        await console.keyboard.press("a")
        await expect(console.get_by_test_id("tab-open")).to_have_text("已公开1")
        await console.screenshot(path=pictures / "console-two-hosts.png")
        await console.keyboard.press("z")
        await expect(console.get_by_test_id("tab-pending")).to_have_text("待审3")
        await console.keyboard.press("z")
        await expect(console.get_by_test_id("tab-pending")).to_have_text("待审4")

        # Handed to another unit, seen at the question, and taken back.
        own = [unit["id"] for unit in (await admin.done("GET", f"/api/v1/activities/{slug}"))["units"]]
        units = [unit["id"] for unit in (await admin.done("GET", "/api/v1/units"))["units"]]
        unit = next(one for one in units if one not in own)
        await console.locator(f"[data-id='{asked[3]}']").click(position={"x": 8, "y": 8})
        await console.keyboard.press("o")
        await console.get_by_test_id("handover-unit").select_option(unit)
        await console.get_by_test_id("handover-due").fill("2099-01-01")
        await console.get_by_test_id("handover-send").click()
        handed = console.locator(f"[data-id='{asked[3]}']").get_by_test_id("queue-handover")
        await expect(handed).to_contain_text("：待接收，要求2099年1月1日")
        await console.mouse.move(640, 20)
        await console.keyboard.press("z")
        await expect(handed).to_have_count(0)

        # What a colleague did since is not taken back with it.
        await console.locator(f"[data-id='{asked[3]}']").click(position={"x": 8, "y": 8})
        await console.mouse.move(640, 20)
        await console.keyboard.press("l")
        await expect(console.get_by_test_id("tab-answered")).to_have_text("已答1")
        answered = await colleague.call("answer", {"id": asked[3], "mode": "written", "text": "每小时两元。"})
        assert answered["ok"]
        await expect(console.get_by_test_id("colleague-news")).to_contain_text("书面答复了“停车收费吗？”")
        await console.keyboard.press("z")
        await expect(console.get_by_test_id("toasts")).to_contain_text("王科长刚刚处理过这条")
        kept = (await admin.done("GET", f"/api/v1/activities/{slug}/entries?kind=question"))["entries"][0]
        assert kept["answer"]["text"] == "每小时两元。"

        await console.get_by_test_id("act-log-open").click()
        await expect(console.get_by_test_id("act-line").first).to_contain_text("王科长")
        await expect(console.get_by_test_id("act-log")).to_contain_text("隐藏了（广告刷屏）“加微信领红包”")
        await console.screenshot(path=pictures / "console-log.png")
        await console.keyboard.press("Escape")

        # What one sets, the other sees.
        await wang.done("PATCH", f"/api/v1/activities/{slug}", {"moderation": "before"})
        await expect(console.get_by_test_id("moderation-mode")).to_have_value("before")
    finally:
        await admin.done("PUT", "/api/v1/word-lists", {**words, "words": [], "revision": revision})
        await colleague.close()
        await wang.close()


async def test_a_long_question_is_whole_at_a_distance_and_over_the_picture(
    service: ServiceProcess,
    admin: Staff,
    browser: Browser,
    crowd: tuple[str, list[Client]],
    pictures: Path,
    errors: list[str],
) -> None:
    slug, people = crowd
    long = "我父亲退休以前一直在外地工作，去年才把户口迁回来，老年卡和异地医保备案应该先办哪一样？" * 12
    asked, short = await say(people, [long, "停车收费吗？"], "question")
    presenter = await open_page(browser, f"{service.url}/console/{slug}/present", DESKTOP, errors)
    await sign_in(presenter)
    screen = await open_page(browser, f"{service.url}/screen/{slug}", DESKTOP, errors)
    await expect(presenter.get_by_test_id("presenter")).to_contain_text("屏上没有提问")
    await expect(presenter.get_by_test_id("logout")).to_have_count(0)  # nothing but the page
    for act in ({"act": "approve"}, {"act": "screen", "on": True}):
        await admin.done("POST", f"/api/v1/entries/{asked}/acts", act)
    await admin.done("POST", f"/api/v1/entries/{short}/acts", {"act": "approve"})
    whole = "one => [one.parentElement.clientHeight - one.scrollHeight, one.getBoundingClientRect().top]"
    current = presenter.get_by_test_id("presenter-current")
    await expect(current).to_contain_text("老年卡")
    await presenter.wait_for_timeout(300)
    assert (await current.evaluate(whole))[0] >= 0
    over = screen.get_by_test_id("screen-question")
    await expect(over).to_contain_text("老年卡")
    await screen.wait_for_timeout(300)
    assert (await over.evaluate(whole))[1] > 0
    await presenter.screenshot(path=pictures / "presenter-long.png")
    await screen.screenshot(path=pictures / "screen-long.png", omit_background=True)
    await admin.done("POST", f"/api/v1/entries/{short}/acts", {"act": "screen", "on": True})
    await expect(current).to_have_text("停车收费吗？")
    assert await current.evaluate("one => parseFloat(getComputedStyle(one).fontSize)") > 60
    await presenter.screenshot(path=pictures / "presenter-short.png")
    await presenter.context.set_offline(True)
    await expect(presenter.get_by_test_id("presenter-cut")).to_be_visible(timeout=60_000)
    await expect(current).to_have_text("停车收费吗？")


async def test_a_host_finds_one_of_many_and_a_flood_goes_by_one_key(
    service: ServiceProcess,
    admin: Staff,
    browser: Browser,
    crowd: tuple[str, list[Client]],
    pictures: Path,
    errors: list[str],
) -> None:
    slug, people = crowd
    await say(people, [f"讲得很清楚{turn}" for turn in range(20)])
    await people[0].call("suggestion", speech("建议增加停车位", "老张"))
    spam = [(await people[7].call("comment", speech(f"加微信领红包{turn}")))["id"] for turn in range(3)]
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    await expect(console.get_by_test_id("host-comment")).to_have_count(24)
    await console.keyboard.press("/")
    await expect(console.get_by_test_id("sieve-words")).to_be_focused()
    await console.get_by_test_id("sieve-words").fill("老张")
    await expect(console.get_by_test_id("host-comment")).to_have_count(1)
    await expect(console.get_by_test_id("sieve-found")).to_have_text("已加载的 24 条里有 1 条")
    await console.get_by_test_id("sieve-words").fill("")
    await console.get_by_test_id("sieve-sort").select_option("proposed")
    await expect(console.get_by_test_id("host-comment")).to_contain_text("建议增加停车位")
    await console.screenshot(path=pictures / "console-sieve.png")
    await console.get_by_test_id("sieve-open").click()
    await expect(console.get_by_test_id("host-comment")).to_have_count(24)

    await console.locator(f"[data-id='{spam[1]}']").click(position={"x": 60, "y": 8})
    await console.mouse.move(640, 20)
    await console.keyboard.press("w")
    await expect(console.get_by_test_id("toasts")).to_contain_text("并隐藏了")
    for entry in spam:
        await expect(console.locator(f"[data-id='{entry}']")).to_contain_text("已隐藏：与活动无关")
    assert (await people[7].call("comment", speech("还有红包")))["error"]["code"] == "muted"
    await console.keyboard.press("z")
    for entry in spam:
        await expect(console.locator(f"[data-id='{entry}']").get_by_test_id("act-hide")).to_be_visible()
    assert (await admin.done("GET", f"/api/v1/activities/{slug}/bans"))["bans"] == []
    # From the list of bans, too, an end is taken back.
    await console.keyboard.press("m")
    await console.get_by_test_id("moderation-more").click()
    await console.get_by_test_id("bans-open").click()
    await console.get_by_test_id("unban").click()
    await expect(console.get_by_test_id("bans")).to_contain_text("现在没有人被禁言")
    await console.get_by_role("button", name="撤销", exact=True).last.click()
    await expect(console.get_by_test_id("ban")).to_contain_text("加微信领红包")


async def test_what_a_host_has_read_passes_by_one_key_but_for_what_a_list_found(
    service: ServiceProcess,
    admin: Staff,
    browser: Browser,
    crowd: tuple[str, list[Client]],
    pictures: Path,
    errors: list[str],
) -> None:
    slug, people = crowd
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"moderation": "before"})
    lists = (await admin.done("GET", "/api/v1/word-lists"))["lists"]
    marks = next(item for item in lists if item["unit"] is None and item["severity"] == "mark")
    words = {"unit": None, "severity": "mark", "words": ["代办证件"], "revision": marks["revision"]}
    revision = (await admin.done("PUT", "/api/v1/word-lists", words))["revision"]
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    try:
        ids = await say(people, ["窗口很热情", "代办证件找我", *(f"讲得很清楚{turn}" for turn in range(10))])
        await expect(console.get_by_test_id("waiting-count")).to_contain_text("待审 12 条")
        await console.keyboard.press("e")
        await expect(console.get_by_test_id("toasts")).to_contain_text("已通过")
        states = {
            entry["id"]: entry["state"]
            for entry in (await admin.done("GET", f"/api/v1/activities/{slug}/entries"))["entries"]
        }
        assert (states[ids[0]], states[ids[1]], states[ids[-1]]) == ("shown", "pending", "pending")
        await console.screenshot(path=pictures / "console-in-sight.png")
        await console.keyboard.press("z")
        await expect(console.get_by_test_id("waiting-count")).to_contain_text("待审 12 条")
    finally:
        await admin.done("PUT", "/api/v1/word-lists", {**words, "words": [], "revision": revision})
