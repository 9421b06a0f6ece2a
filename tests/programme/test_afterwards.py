"""After an activity: the facts of the assessment, and what reporters get."""

import io
import json
import zipfile
from datetime import datetime

import openpyxl
from docx import Document

from tests.citizen import citizen, speech
from tests.programme.desk import PLANNED, staff_of
from tests.service import ServiceProcess, Staff


async def test_the_assessment_gives_facts_and_no_score(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity(unit="renbaoju")
    path = f"/api/v1/activities/{slug}"
    await admin.done("PATCH", path, {**PLANNED, "title": "=1+1"})
    await admin.done("POST", f"{path}/notice", {"version": 0, "reason": "补录"})
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    idea = await author.call("comment", speech("建议多讲案例"))
    await author.call("question", speech("仲裁要多久？"))
    await author.close()
    await admin.done("POST", f"/api/v1/entries/{idea['id']}/acts", {"act": "suggest", "on": True})
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    rows = (await admin.done("GET", "/api/v1/assessment"))["activities"]
    row = next(row for row in rows if row["slug"] == slug)
    assert (row["notice_due"], row["notice_on_time"], row["notice_version"]) == ("2023-10-07", False, 1)
    assert (row["comments"], row["questions"], row["answered"]) == (1, 1, 0)
    assert (row["suggestions"], row["decided"], row["adopted"]) == (1, 0, 0)
    assert (row["materials_due"], row["outcomes_at"], row["materials_on_time"]) == ("2023-10-17", None, None)
    assert not [name for name in row if "score" in name]

    book = openpyxl.load_workbook(io.BytesIO(await admin.download("/api/v1/assessment.xlsx")))
    header, *body = book["考核事实"].iter_rows(values_only=True)
    written = next(dict(zip(header, line, strict=True)) for line in body if line[0] == slug)
    assert (written["活动"], written["公告按时"], written["采纳情况公布"]) == ("=1+1", "否", None)
    assert written["开始时间"] == datetime(2023, 10, 10, 14)  # noqa: DTZ001 - Beijing time, as the sheet has it
    assert len(body) == len(rows)

    document = Document(io.BytesIO(await admin.download(f"/api/v1/assessment.docx?activity={slug}")))
    section = document.sections[0]
    assert section.page_width is not None
    assert section.top_margin is not None
    assert (round(section.page_width.mm), round(section.top_margin.mm)) == (210, 37)
    assert document.paragraphs[0].text == "政民互动活动组织情况"
    heading = document.styles["Heading 1"]
    assert [paragraph.text for paragraph in document.paragraphs if paragraph.style == heading] == [
        "一、总体情况",
        "二、=1+1",
    ]
    told = dict(tuple(cell.text for cell in line.cells) for line in document.tables[1].rows)
    assert told["公告"].endswith("，晚于期限（期限2023-10-07）")
    assert told["材料公开"] == "没有记录，期限2023-10-17"
    assert told["意见建议"] == "1条，已决定0条，采纳和部分采纳0条"
    assert "材料公开，最迟2023-10-17，已逾期" in document.tables[0].rows[1].cells[4].text
    assert any(row["notice_sha256"] in paragraph.text for paragraph in document.paragraphs)
    assert not any("分数" in paragraph.text for paragraph in document.paragraphs)

    # Filtered: what is urgent, one unit, one kind; and a filter that does not exist.
    urgent = (await admin.done("GET", "/api/v1/assessment?urgent=1&unit=renbaoju"))["activities"]
    assert slug in [item["slug"] for item in urgent]
    assert all(item["open"] and {unit["id"] for unit in item["units"]} >= {"renbaoju"} for item in urgent)
    assert (await admin.done("GET", f"/api/v1/assessment?kind=lecture&activity={slug}"))["activities"] == []
    book = openpyxl.load_workbook(io.BytesIO(await admin.download(f"/api/v1/assessment.xlsx?activity={slug}")))
    assert [line[0] for line in book["考核事实"].iter_rows(min_row=2, values_only=True)] == [slug]
    assert (await admin.call("GET", "/api/v1/assessment?colour=red"))[0] == 400

    clerk = await staff_of(service, admin, "renbaoju", "renbao")
    mine = (await clerk.done("GET", "/api/v1/assessment"))["activities"]
    assert {unit["id"] for row in mine for unit in row["units"]} == {"renbaoju"}
    await clerk.close()


async def test_reporters_get_what_is_public_and_nothing_else(service: ServiceProcess, admin: Staff) -> None:
    own = {"kind": "open-day", "title": "法律援助开放日", "units": ["sifaju"]}
    slug = (await admin.done("POST", "/api/v1/activities", own))["slug"]
    path = f"/api/v1/activities/{slug}"

    async def kit() -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(await admin.download(f"{path}/media-kit"))) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def text_of(content: bytes) -> str:
        document = Document(io.BytesIO(content))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])

    assert set(await kit()) == {"媒体素材.docx", "观看页二维码.svg"}
    await admin.done("PATCH", path, PLANNED)
    free = [{"label": "联系电话", "text": "010-12345678"}]
    await admin.done("POST", f"{path}/notice", {"version": 0, "reason": "补录", "free": free})
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    idea = await author.call("comment", speech("建议多开几场", "朱小明"))
    insult = await author.call("comment", speech("骂人的话", "某某"))
    asked = await author.call("question", speech("怎样申请法律援助？", "李小红"))
    await author.close()
    for entry, command in (
        (insult, {"act": "hide", "reason": "abuse"}),
        (asked, {"act": "answer", "mode": "written", "text": "拨打12348。"}),
        (idea, {"act": "suggest", "on": True}),
    ):
        await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", command)
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    before = await kit()
    assert set(before) == {"媒体素材.docx", "观看页二维码.svg", "活动公告.docx"}
    assert "尚未公布" in text_of(before["媒体素材.docx"])
    assert "12348" not in text_of(before["媒体素材.docx"])  # decided on, and not yet public

    (suggestion,) = (await admin.done("GET", f"{path}/suggestions"))["suggestions"]
    decision = {"decision": "adopted", "reason": "下月加开", "transferred_to": None, "revision": suggestion["revision"]}
    await admin.done("PUT", f"/api/v1/suggestions/{suggestion['id']}/decision", decision)
    await admin.done("POST", f"{path}/outcomes")
    after = await kit()
    text = text_of(after["媒体素材.docx"])
    for words in ("朱**", "建议多开几场", "下月加开", "李**", "拨打12348。", "010-12345678", f"{service.url}/a/{slug}"):
        assert words in text
    assert "骂人的话" not in text
    assert "朱小明" not in text
    assert json.loads(after["采纳情况.json"])["numbers"]["adopted"] == 1
    assert after == await kit()
