"""Plans for staff alone, and the materials that a unit publishes: from the upload to citizens and reporters."""

import hashlib
import io
import json
import zipfile

import aiohttp
from docx import Document
from PIL import Image

from tests.programme.desk import PLANNED, fetch, staff_of
from tests.programme.uploads import OFD, PDF, docx, photo
from tests.service import ServiceProcess, Staff


async def test_plans_are_for_the_units_own_staff(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity(unit="guoziwei")
    path = f"/api/v1/activities/{slug}"
    clerk = await staff_of(service, admin, "guoziwei", "guozi")
    stranger = await staff_of(service, admin, "jiaowei", "jiaowei-other")
    sent = docx()  # the clock goes into a zip: twice made is not the same
    status, plan = await clerk.upload(slug, sent, purpose="plan", name="实施方案.docx")
    assert (status, plan["name"], plan["published"], plan["uploaded_by"]) == (
        201,
        "实施方案.docx",
        False,
        "guoziwei经办人",
    )
    assert (await clerk.upload(slug, OFD, purpose="emergency", name="应急预案.ofd"))[0] == 201
    files = (await clerk.done("GET", f"{path}/files"))["files"]
    assert [item["purpose"] for item in files] == ["plan", "emergency"]
    assert await clerk.download(f"{path}/files/{plan['id']}") == sent
    assert hashlib.sha256(sent).hexdigest() == plan["sha256"]

    # Another unit, and everybody who is not signed in, gets nothing; nor does another activity's address help.
    assert (await stranger.call("GET", f"{path}/files"))[0] == 403
    assert (await stranger.upload(slug, PDF, purpose="plan", name="x.pdf"))[0] == 403
    other = await admin.own_activity(unit="jiaowei")
    assert (await stranger.call("GET", f"/api/v1/activities/{other}/files/{plan['id']}"))[0] == 404
    for address in (f"{path}/files/{plan['id']}", f"{path}/materials/{plan['id']}"):
        assert (await fetch(service, address))[0] in {401, 404}

    # They cannot be published, whoever asks.
    await clerk.done("POST", f"{path}/state", {"state": "ended"})
    status, refused = await clerk.call("POST", f"{path}/materials", {"version": 0, "files": [plan["id"]]})
    assert (status, "内部使用" in refused["error"]["message"]) == (400, True)
    history = (await clerk.done("GET", f"{path}/history"))["history"]
    assert [item["note"] for item in history if item["act"] == "attach"] == [
        "应急预案：应急预案.ofd",
        "实施方案：实施方案.docx",
    ]
    row = (await clerk.done("GET", f"/api/v1/assessment?activity={slug}"))["activities"][0]
    assert row["plan_at"]
    assert row["emergency_at"]
    await clerk.done("DELETE", f"{path}/files/{plan['id']}")
    assert (await clerk.call("GET", f"{path}/files/{plan['id']}"))[0] == 404
    await clerk.close()
    await stranger.close()


async def test_who_leads_and_who_came_is_recorded_with_its_history(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity(unit="guoziwei")
    path = f"/api/v1/activities/{slug}"
    clerk = await staff_of(service, admin, "guoziwei", "guozi-leads")
    asked = {"leader": "副主任", "attended": "主任", "kind": "lecture", "topic": "优化营商环境"}
    changed = await clerk.done("PATCH", path, asked)
    assert {name: changed[name] for name in asked} == asked
    edit = (await clerk.done("GET", f"{path}/history"))["history"][0]
    assert (edit["who"], {item["label"]: item["after"] for item in edit["changes"]}) == (
        "guoziwei经办人",
        {"牵头负责人": "副主任", "到场的主要负责同志": "主任", "类型": "政策公开讲", "专题": "优化营商环境"},
    )
    assert (await clerk.call("PATCH", path, {"leader": None}))[0] == 400
    # What the plan says of its own activities is the coordinator's to correct.
    planned = next(
        row["slug"]
        for row in (await clerk.done("GET", "/api/v1/desk"))["activities"]
        if row["number"] > 0 and row["kind"] == "open-day"
    )
    assert (await clerk.call("PATCH", f"/api/v1/activities/{planned}", {"kind": "lecture"}))[0] == 403
    await clerk.done("PATCH", f"/api/v1/activities/{planned}", {"attended": ""})
    await clerk.close()


async def test_each_bad_file_gets_its_own_message(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity(unit="guoziwei")
    path = f"/api/v1/activities/{slug}/files"
    for content, query, code, words in (
        (b"<html>", {"purpose": "document", "name": "材料.pdf"}, "bad_file", "PDF"),
        (PDF, {"purpose": "picture", "name": "图.jpg", "alt": "现场"}, "bad_file", "不是可以打开的图片"),
        (photo(), {"purpose": "picture", "name": "图.jpg"}, "no_alt", "图片说明"),
        (b"", {"purpose": "plan", "name": "方案.pdf"}, "bad_file", "空"),
        (PDF, {"purpose": "secret", "name": "方案.pdf"}, "bad_request", "purpose"),
    ):
        status, answer = await admin.upload(slug, content, **query)
        assert (status, answer["error"]["code"]) == (400, code), answer
        assert words in answer["error"]["message"]
    status, answer = await admin.upload(slug, PDF + bytes(20 * 2**20), purpose="document", name="大.pdf")
    assert (status, answer["error"]["code"]) == (413, "too_large")
    assert "20 MB" in answer["error"]["message"]
    status, answer = await admin.call("POST", f"{path}?purpose=plan&name=x.pdf", {"not": "bytes"})
    assert (status, answer["error"]["code"]) == (400, "unsupported_media_type")
    assert (await admin.done("GET", path))["files"] == []
    assert list((service.data_dir / "files").glob(".*")) == []


async def test_from_the_materials_to_the_column_and_the_media_kit(service: ServiceProcess, admin: Staff) -> None:
    own = {"kind": "lecture", "title": "医保政策公开讲", "units": ["yibaoju"]}
    slug = (await admin.done("POST", "/api/v1/activities", own))["slug"]
    path = f"/api/v1/activities/{slug}"
    await admin.done("PATCH", path, {**PLANNED, "starts_at": "2099-01-05T06:00:00Z", "ends_at": "2099-01-05T08:00:00Z"})
    _, picture = await admin.upload(slug, photo(), purpose="picture", name="现场.jpg", alt="讲解员在介绍报销流程")
    _, handout = await admin.upload(slug, PDF, purpose="document", name="办事指南.pdf")
    _, unused = await admin.upload(slug, photo(90, 90), purpose="picture", name="备用.jpg", alt="备用的图")
    wanted = {
        "version": 0,
        "text": "讲了三件事。\n一、门诊报销",
        "recording_url": "https://video.example.gov.cn/1.html",
        "files": [picture["id"], handout["id"]],
        "quotes": [{"text": "讲得很清楚", "by": "居民代表王女士", "cleared": True}],
        "contact": "宣传科 010-12345678",
    }
    status, refused = await admin.call("POST", f"{path}/materials", wanted)
    assert (status, refused["error"]["code"]) == (409, "too_early")
    await admin.done("PATCH", path, {**PLANNED, "reason": "补录"})
    for changed, code in (
        ({"quotes": [{"text": "讲得很清楚", "by": "王女士", "cleared": False}]}, 400),
        ({"recording_url": "javascript:alert(1)"}, 400),
        ({"files": [10**8]}, 404),
        ({"text": " ", "files": [], "recording_url": None}, 400),
        ({"version": 3}, 409),
    ):
        assert (await admin.call("POST", f"{path}/materials", {**wanted, **changed}))[0] == code, changed
    assert (await fetch(service, f"{path}/materials"))[0] == 404
    assert (await fetch(service, f"{path}/materials/{picture['id']}"))[0] == 404

    done = await admin.done("POST", f"{path}/materials", wanted)
    assert (done["version"], done["column"], done["published_by"]) == (1, "政策公开讲", "医保局")
    assert (await admin.call("POST", f"{path}/materials", {**wanted, "version": 1}))[1]["error"]["code"] == "unchanged"

    # A citizen: the text, the picture as a picture, the document as a download, and nothing that was not chosen.
    shown = json.loads((await fetch(service, f"{path}/materials"))[1])
    digest = {name: shown[name] for name in shown if name not in {"version", "published_at", "published_by", "sha256"}}
    canonical = json.dumps(digest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert shown["sha256"] == hashlib.sha256(canonical.encode()).hexdigest()
    async with aiohttp.ClientSession(service.url) as session:
        async with session.get(f"{path}/materials/{picture['id']}") as answer:
            seen = await answer.read()
            assert answer.headers["Content-Disposition"].startswith("inline")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
        async with session.get(f"{path}/materials/{handout['id']}") as answer:
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert await answer.read() == PDF
        async with session.get(f"{path}/materials/{unused['id']}") as answer:
            assert answer.status == 404
    assert hashlib.sha256(seen).hexdigest() == shown["pictures"][0]["sha256"]
    with Image.open(io.BytesIO(seen)) as opened:
        assert len(opened.getexif()) == 0
    column = json.loads((await fetch(service, "/api/v1/columns/lecture"))[1])
    entry = next(item for item in column["activities"] if item["slug"] == slug)
    assert (column["name"], entry["documents"], entry["recording"]) == ("政策公开讲", 1, True)
    assert entry["picture"]["alt"] == "讲解员在介绍报销流程"
    days = json.loads((await fetch(service, "/api/v1/columns/open-day"))[1])["activities"]
    assert slug not in [item["slug"] for item in days]
    feed = json.loads((await fetch(service, "/notices.json"))[1])
    item = next(item for item in feed["items"] if item["id"].endswith(f"/a/{slug}#materials-1"))
    assert "办事指南.pdf" in item["content_text"]
    assert f"/a/{slug}#materials-1" in (await fetch(service, "/notices.atom"))[1].decode()

    # The deadline is met by the materials; the adoption report is another thing.
    await admin.done("PATCH", path, {"promise_days": 5})
    row = (await admin.done("GET", f"/api/v1/assessment?activity={slug}"))["activities"][0]
    assert (row["materials_version"], row["materials_on_time"], row["outcomes_at"]) == (1, False, None)
    assert [item["label"] for item in row["open"]] == ["公告", "采纳情况反馈"]

    # What is public cannot vanish unseen; taken out of the next version, it can be deleted, and is gone for everybody.
    assert (await admin.call("DELETE", f"{path}/files/{picture['id']}"))[1]["error"]["code"] == "published"
    with zipfile.ZipFile(io.BytesIO(await admin.download(f"{path}/media-kit"))) as kit:
        assert kit.read("图片/01_现场.jpg") == seen
        document = Document(io.BytesIO(kit.read("媒体素材.docx")))
    words = "\n".join(
        [
            *(paragraph.text for paragraph in document.paragraphs),
            *(cell.text for table in document.tables for line in table.rows for cell in line.cells),
        ]
    )
    for part in ("“讲得很清楚”——居民代表王女士", "讲解员在介绍报销流程", "宣传科 010-12345678", "一、门诊报销"):
        assert part in words
    await admin.done("POST", f"{path}/materials", {**wanted, "version": 1, "files": [handout["id"]]})
    assert (await fetch(service, f"{path}/materials/{picture['id']}"))[0] == 404
    await admin.done("DELETE", f"{path}/files/{picture['id']}")
    left = {item["id"]: item["published"] for item in (await admin.done("GET", f"{path}/files"))["files"]}
    assert left == {handout["id"]: True, unused["id"]: False}
