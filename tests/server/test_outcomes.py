"""From the broadcast to the public record: digest, decisions, publication, and a citizen who checks."""

import asyncio
import csv
import io
import json
import zipfile

import aiohttp
import openpyxl
import pypdfium2
import pytest

from tests.citizen import citizen, speech
from tests.service import ServiceProcess, Staff
from tests.verify import by_hand


async def test_a_unit_decides_publishes_and_a_citizen_finds_the_answer(service: ServiceProcess, admin: Staff) -> None:
    path = "/api/v1/activities/k17"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, "k17").connect()
    praise = await author.call("comment", speech("讲得很清楚，感谢老师", "朱小明"))
    idea = await author.call("comment", speech("建议多开几个班", "李四"))
    insult = await author.call("comment", speech("加微信领红包", "广告"))
    question = await author.call("question", speech("=HYPERLINK(员额制教师待遇怎么样？)", "王五"))
    await author.close()
    for entry, command in (
        (insult, {"act": "hide", "reason": "spam"}),
        (question, {"act": "answer", "mode": "written", "text": "与编制内教师同工同酬。"}),
        (idea, {"act": "suggest", "on": True}),
        (question, {"act": "suggest", "on": True}),
    ):
        await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", command)

    # Nothing is published while it is live, or while a suggestion is undecided.
    status, body = await admin.call("POST", f"{path}/outcomes")
    assert (status, body["error"]["code"]) == (409, "incomplete")
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    work = await admin.done("GET", f"{path}/suggestions")
    assert work["ledger"] == {"received": 4, "shown": 3, "withheld": 1, "merged": 0, "withdrawn": 0, "deleted": 0}
    assert len(work["problems"]) == 2
    first, second = work["suggestions"]

    decision = {"decision": "not-adopted", "reason": "", "transferred_to": None, "revision": first["revision"]}
    decided = (await admin.done("PUT", f"/api/v1/suggestions/{first['id']}/decision", decision))["suggestion"]
    assert decided["revision"] == first["revision"] + 1
    stale = await admin.call("PUT", f"/api/v1/suggestions/{first['id']}/decision", {**decision, "decision": "adopted"})
    assert (stale[0], stale[1]["error"]["code"]) == (409, "stale")
    assert (await admin.done("GET", f"{path}/suggestions"))["suggestions"][0]["decision"] == "not-adopted"
    transfer = {
        "decision": "transferred",
        "reason": "由人保局答复",
        "transferred_to": None,
        "revision": second["revision"],
    }
    assert (await admin.call("PUT", f"/api/v1/suggestions/{second['id']}/decision", transfer))[0] == 400
    transfer["transferred_to"] = "renbaoju"
    await admin.done("PUT", f"/api/v1/suggestions/{second['id']}/decision", transfer)

    # 未采纳 needs a reason before it can be published.
    status, body = await admin.call("POST", f"{path}/outcomes")
    assert "理由" in body["error"]["message"]
    decision |= {"reason": "场地有限，明年再安排", "revision": decided["revision"]}
    await admin.done("PUT", f"/api/v1/suggestions/{first['id']}/decision", decision)
    published = await admin.done("POST", f"{path}/outcomes")
    assert published["version"] == 1

    async with aiohttp.ClientSession(service.url) as public:
        async with public.get(f"{path}/outcomes") as answer:
            page = await answer.json()
        async with public.get(path) as answer:
            assert (await answer.json())["outcomes_version"] == 1
        receipts = {}
        for entry in (praise, idea, insult, question):
            typed = entry["receipt"].lower()
            async with public.post("/api/v1/receipts", json={"receipt": f" {typed[:5]}-{typed[5:]} "}) as answer:
                assert answer.status == 200
                receipts[entry["id"]] = await answer.json()
    assert page["numbers"]["not_adopted"] == page["numbers"]["transferred"] == page["numbers"]["answered"] == 1
    assert [item["nickname"] for item in page["suggestions"]] == ["李**", "王**"]
    assert page["questions"][0]["answer"] == "与编制内教师同工同酬。"
    assert "红包" not in json.dumps(page, ensure_ascii=False)
    assert by_hand(page) == page["sha256"]

    assert receipts[praise["id"]]["suggestion"] is None
    assert receipts[insult["id"]]["state"] == "hidden"
    found = receipts[idea["id"]]["suggestion"]
    assert (found["published"], found["decision"], found["reason"]) == (True, "not-adopted", "场地有限，明年再安排")
    assert receipts[question["id"]]["suggestion"]["transferred_to"] == "人保局"

    # A change is drafted first: the receipt keeps saying what was published.
    decision |= {"decision": "adopted", "reason": "", "revision": decision["revision"] + 1}
    await admin.done("PUT", f"/api/v1/suggestions/{first['id']}/decision", decision)
    async with aiohttp.ClientSession(service.url) as public:
        async with public.post("/api/v1/receipts", json={"receipt": idea["receipt"]}) as answer:
            assert (await answer.json())["suggestion"]["decision"] == "not-adopted"
    assert (await admin.done("POST", f"{path}/outcomes"))["version"] == 2


@pytest.mark.parametrize("form", ["docx", "pdf", "xlsx", "csv", "json"])
async def test_the_page_and_the_command_give_the_same_bytes(
    service: ServiceProcess, admin: Staff, tmp_path_factory: pytest.TempPathFactory, form: str
) -> None:
    slug = "j03"
    if (await admin.done("GET", f"/api/v1/activities/{slug}"))["state"] == "scheduled":
        await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
        author = await citizen(service.url, slug).connect()
        await author.call("comment", speech('=HYPERLINK("http://x","看")'))
        hidden = await author.call("comment", speech("不该出现的话"))
        asked = await author.call("question", speech("<b>加班费</b>怎么算？"))
        await author.close()
        await admin.done("POST", f"/api/v1/entries/{hidden['id']}/acts", {"act": "hide", "reason": "abuse"})
        await admin.done("POST", f"/api/v1/entries/{asked['id']}/acts", {"act": "approve"})
        await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "ended"})
    while any(
        entry["label"] is None for entry in (await admin.done("GET", f"/api/v1/activities/{slug}/entries"))["entries"]
    ):
        await asyncio.sleep(0.05)
    digest = f"/api/v1/activities/{slug}/digest?format="
    while json.loads(await admin.download(f"{digest}json"))["audience"]["devices"] == 0:
        await asyncio.sleep(0.1)  # who watched is written once a second
    page = await admin.download(f"{digest}{form}")
    output = tmp_path_factory.mktemp("digest") / f"digest.{form}"
    command = service.run("digest", slug, "--format", form, "-o", str(output))
    assert command.returncode == 0, command.stderr.decode()
    assert output.read_bytes() == page
    text = _text_of(page, form)
    assert "不该出现的话" not in text
    assert "加班费" in text
    if form == "csv":
        assert page.startswith("\ufeff".encode())
        assert len(list(csv.reader(io.StringIO(page.decode("utf-8-sig"))))) > 2


def _text_of(content: bytes, form: str) -> str:
    if form in {"csv", "json"}:
        return content.decode("utf-8-sig")
    if form == "pdf":
        with pypdfium2.PdfDocument(content) as document:
            return "".join(page.get_textpage().get_text_range() for page in document)
    if form == "xlsx":
        sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
        return " ".join(str(cell) for sheet in sheets for row in sheet.values for cell in row)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(
            archive.read(name).decode(errors="ignore") for name in archive.namelist() if name.endswith("xml")
        )


async def test_an_activity_with_nothing_received_is_published_too(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "ended"})
    published = await admin.done("POST", f"/api/v1/activities/{slug}/outcomes")
    assert published["numbers"]["received"] == 0
    assert published["suggestions"] == []
    assert "没有收到意见建议" in _text_of(
        await admin.download(f"/api/v1/activities/{slug}/adoption-report?format=docx"), "docx"
    )


async def test_the_adoption_report_is_the_published_version(
    service: ServiceProcess, admin: Staff, tmp_path_factory: pytest.TempPathFactory
) -> None:
    slug = await admin.own_activity()
    path = f"/api/v1/activities/{slug}"
    assert (await admin.call("GET", f"{path}/adoption-report?format=docx"))[0] == 404
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    idea = await author.call("comment", speech("=建议延长<b>开放</b>时间", "朱小明"))
    await author.close()
    await admin.done("POST", f"/api/v1/entries/{idea['id']}/acts", {"act": "suggest", "on": True})
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    [item] = (await admin.done("GET", f"{path}/suggestions"))["suggestions"]
    decision = {"decision": "adopted", "reason": "", "transferred_to": None, "revision": item["revision"]}
    await admin.done("PUT", f"/api/v1/suggestions/{item['id']}/decision", decision)
    progress = {"progress": "under-way", "text": "正在排班"}
    await admin.done("POST", f"/api/v1/suggestions/{item['id']}/updates", progress)
    published = await admin.done("POST", f"{path}/outcomes")
    output = tmp_path_factory.mktemp("adoption") / "report"
    for form in ("docx", "pdf", "xlsx", "csv", "json"):
        page = await admin.download(f"{path}/adoption-report?format={form}")
        command = service.run("adoption-report", slug, "--format", form, "-o", str(output))
        assert command.returncode == 0, command.stderr.decode()
        assert output.read_bytes() == page
        text = "".join(_text_of(page, form).split())
        for part in ("建议延长", "朱**", "正在排班", published["sha256"][:12]):
            assert part in text, (form, part)
        assert "朱小明" not in text
