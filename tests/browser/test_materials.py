"""A clerk attaches plans and publishes materials; a citizen finds them in the column, in the elder view too."""

import io
from pathlib import Path

import pytest
from docx import Document
from playwright.async_api import Browser, Page, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.programme.desk import PLANNED
from tests.programme.uploads import PDF, docx, photo
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff

pytestmark = pytest.mark.browser

# What WCAG 2.1 AA asks of a page and a program can measure: words for pictures and fields, a name on every control,
# contrast of text, headings in order, room for a finger, nothing cut off at the side.
AA = """(target) => {
  const wrong = [];
  const visible = (item) => item.checkVisibility({ visibilityProperty: true }) && item.getClientRects().length > 0;
  const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((value) => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (item) => {
    for (let at = item; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const parts = numbers(colour);
      if (parts.length < 4 || parts[3] > 0.99) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const image of document.images) if (!image.alt.trim()) wrong.push(`no words for ${image.src}`);
  for (const field of document.querySelectorAll('input, select, textarea')) {
    if (visible(field) && !field.labels?.length && !field.ariaLabel) wrong.push(`no label for ${field.outerHTML}`);
  }
  for (const control of document.querySelectorAll('a[href], button, summary')) {
    if (!visible(control)) continue;
    const name = control.innerText.trim() || control.ariaLabel || control.querySelector('img')?.alt;
    if (!name) wrong.push(`no name: ${control.outerHTML}`);
    const box = control.getBoundingClientRect();
    if (box.height < target - 0.5) wrong.push(`${control.innerText} is ${box.height} high`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) wrong.push(`h${own} follows h${level}: ${heading.innerText}`);
    level = own;
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const item = node.parentElement;
    if (!node.textContent.trim() || !item || !visible(item)) continue;
    if (item.closest('[disabled], .visually-hidden, script, style')) continue;
    const [a, b] = [light(getComputedStyle(item).color), light(ground(item))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.49) wrong.push(`contrast ${ratio.toFixed(2)}: ${node.textContent.trim()}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`${document.documentElement.scrollWidth} px wide`);
  if (document.documentElement.lang !== 'zh-CN') wrong.push(`lang ${document.documentElement.lang}`);
  return wrong;
}"""


async def faults(page: Page, *, elder: bool = False) -> list[str]:
    """What is wrong with the page for who sees little or has big fingers."""
    found: list[str] = await page.evaluate(AA, 60 if elder else 44)
    return found


async def test_from_the_plan_to_the_column(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    slug = await admin.own_activity("法治宣传开放日", unit="sifaju")
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {**PLANNED, "reason": "补录"})

    desk = await open_page(browser, f"{service.url}/admin/activities/{slug}", DESKTOP, errors)
    await desk.get_by_test_id("login-username").fill("admin")
    await desk.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await desk.get_by_test_id("login-submit").click()
    await desk.get_by_test_id("edit-topic").fill("便民惠民服务")
    await desk.get_by_test_id("edit-leader").fill("副局长")
    await desk.get_by_test_id("edit-attended").fill("局长")
    await desk.get_by_test_id("edit-save").click()
    await expect(desk.get_by_test_id("edit-state")).to_contain_text("已保存")
    await desk.get_by_test_id("activity-materials").click()

    # The plan goes in; a wrong file is refused with words, and nothing else is lost.
    plan = desk.get_by_test_id("shelf-plan")
    await desk.get_by_test_id("materials-text").fill("现场解答了三个问题。")
    bad = {"name": "方案.pdf", "mimeType": "application/pdf", "buffer": b"<html>"}
    await desk.get_by_test_id("plan-input").set_input_files(bad)  # type: ignore[arg-type]
    await desk.get_by_test_id("plan-upload").click()
    await expect(plan.get_by_text("请上传 PDF、OFD")).to_be_visible()
    good = {"name": "实施方案.docx", "mimeType": "application/octet-stream", "buffer": docx()}
    await desk.get_by_test_id("plan-input").set_input_files(good)  # type: ignore[arg-type]
    await desk.get_by_test_id("plan-upload").click()
    await expect(plan.get_by_test_id("file")).to_contain_text("实施方案.docx")
    await expect(desk.get_by_test_id("materials-text")).to_have_value("现场解答了三个问题。")

    # Pictures need words; documents do not. Both are offered for publishing.
    picture = {"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    await desk.get_by_test_id("picture-input").set_input_files(picture)  # type: ignore[arg-type]
    await desk.get_by_test_id("picture-upload").click()
    await expect(desk.get_by_text("请写一句图片说明")).to_be_visible()
    await desk.get_by_test_id("picture-alt").fill("工作人员在讲解法律援助")
    await desk.get_by_test_id("picture-upload").click()
    handout = {"name": "办事指南.pdf", "mimeType": "application/pdf", "buffer": PDF}
    await desk.get_by_test_id("document-input").set_input_files(handout)  # type: ignore[arg-type]
    await desk.get_by_test_id("document-upload").click()
    await expect(desk.get_by_test_id("materials-file")).to_have_count(2)
    await expect(desk.get_by_test_id("materials-file").nth(1)).to_be_checked()
    await desk.get_by_test_id("quote-add").click()
    await desk.get_by_test_id("quote-text").fill("讲得很清楚")
    await desk.get_by_test_id("quote-by").fill("居民代表")
    await desk.get_by_test_id("materials-publish").click()
    await expect(desk.get_by_text("请先征得本人同意")).to_be_visible()
    await desk.get_by_test_id("quote-cleared").check()
    await desk.get_by_test_id("materials-contact").fill("宣传科 010-12345678")
    await desk.screenshot(path=pictures / "materials-desktop.png", full_page=True)
    await desk.get_by_test_id("materials-publish").click()
    await expect(desk.get_by_test_id("materials-state")).to_contain_text("已公开第 1 版")
    assert await faults(desk) == []
    await desk.set_viewport_size({"width": 390, "height": 844})
    assert await faults(desk) == []
    await desk.screenshot(path=pictures / "materials-phone.png", full_page=True)
    await desk.set_viewport_size({"width": 1280, "height": 800})

    # The citizen finds them in the column and on the activity's page, large letters included.
    phone = await open_page(browser, f"{service.url}/columns/open-day", PHONE, errors)
    entry = phone.get_by_test_id("column-entry").filter(has_text="法治宣传开放日")
    await expect(entry.get_by_role("img", name="工作人员在讲解法律援助")).to_be_visible()
    assert await faults(phone) == []
    await phone.screenshot(path=pictures / "column-phone.png")
    await phone.get_by_test_id("elder").click()
    assert await faults(phone, elder=True) == []
    await phone.screenshot(path=pictures / "column-elder.png")
    await entry.get_by_role("link").click()
    await phone.get_by_role("tab", name="介绍").click()
    card = phone.get_by_test_id("materials")
    await expect(card).to_contain_text("现场解答了三个问题。")
    await expect(card.get_by_role("link", name="办事指南.pdf")).to_be_visible()
    shown = card.get_by_role("img", name="工作人员在讲解法律援助")
    await shown.scroll_into_view_if_needed()
    await expect(shown).to_have_js_property("naturalWidth", 480)
    await phone.screenshot(path=pictures / "materials-card-elder.png")

    # The coordinator sees it among the facts, filtered, and takes the pack along.
    await desk.get_by_test_id("nav-assessment").click()
    await desk.get_by_test_id("assessment-unit").select_option("sifaju")
    fact = desk.get_by_test_id("assessment-row").filter(has_text="法治宣传开放日")
    await expect(fact).to_contain_text("牵头：副局长；到场：局长")
    await expect(fact).to_contain_text("有实施方案，没有应急预案")
    await expect(fact.get_by_test_id("assessment-open")).to_contain_text("已逾期")
    await desk.screenshot(path=pictures / "assessment-filtered.png", full_page=True)
    async with desk.expect_download() as started:
        await desk.get_by_test_id("assessment-docx").click()
    document = Document(io.BytesIO((await (await started.value).path()).read_bytes()))
    assert document.paragraphs[0].text == "司法局政民互动活动组织情况"
    assert errors == []
