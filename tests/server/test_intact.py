"""Emoji, rare characters, right-to-left marks and joiners: the same code points through every way in and out."""

import asyncio
import csv
import io
import json
from typing import Any

import docx
import openpyxl

from feedback.digest.csv import plain
from tests.citizen import citizen, host, speech
from tests.service import ServiceProcess, Staff

TEXTS = (
    "一家四口👨‍👩‍👧‍👦来办事，👍🏽，🇨🇳",
    "地名𠮷家务村、𬇕河，人名𠀀",
    "从右到左\u200fمرحبا\u200e再回来，覆盖\u202eabc\u202c完",
    "零宽\u200d连接\u200c不连接，变体︎❤️，组合é",
)
NICKNAME = "𠮷👩‍🚀"


async def test_what_is_written_is_what_is_stored_shown_and_exported(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity("字符完整 👨‍👩‍👧 𠮷")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    reader = await citizen(service.url, slug).connect()
    author = await citizen(service.url, slug).connect()
    console = await host(service.url, slug, admin.cookie).connect()
    try:
        for text in TEXTS:
            said = await author.call("comment", speech(text, NICKNAME))
            for client in (reader, console):
                shown = await client.entry("comments", said["id"])
                assert (shown["text"], shown["nickname"]) == (text, NICKNAME)
            receipt = await admin.done("POST", "/api/v1/receipts", {"receipt": said["receipt"]})
            assert (receipt["text"], receipt["nickname"]) == (text, NICKNAME)
        asked = await author.call("question", speech(TEXTS[0] + "？", NICKNAME))
        await console.entry("questions", asked["id"])
        await console.call("approve", {"id": asked["id"]})
        await console.call("answer", {"id": asked["id"], "mode": "written", "text": TEXTS[2]})
        answered = await reader.until(lambda: reader.entries("questions")[asked["id"]]["answer"])
        assert answered["text"] == TEXTS[2]
        newcomer = await citizen(service.url, slug).connect()
        assert {(await newcomer.entry("comments", key))["text"] for key in reader.entries("comments")} == set(TEXTS)
        await newcomer.close()
    finally:
        for client in (reader, author, console):
            await client.close()
    page = await admin.done("GET", f"/api/v1/activities/{slug}/entries")
    assert {entry["text"] for entry in page["entries"] if entry["kind"] == "comment"} == set(TEXTS)

    async def digest(form: str) -> bytes:
        return await admin.download(f"/api/v1/activities/{slug}/digest?format={form}")

    written = [*TEXTS, TEXTS[0] + "？", TEXTS[2]]
    data = json.loads(await digest("json"))
    assert all(text in _strings(data) for text in written)
    cells = {plain(cell) for row in csv.reader(io.StringIO((await digest("csv")).decode("utf-8-sig"))) for cell in row}
    assert all(text in cells for text in written)
    book = await asyncio.to_thread(openpyxl.load_workbook, io.BytesIO(await digest("xlsx")))
    values = {str(value) for sheet in book for row in sheet.iter_rows(values_only=True) for value in row if value}
    assert all(any(text == value or text in value for value in values) for text in written)
    document = docx.Document(io.BytesIO(await digest("docx")))
    paragraphs = [paragraph.text for paragraph in document.paragraphs]
    paragraphs += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    assert all(any(text in paragraph for paragraph in paragraphs) for text in written)


def _strings(value: Any) -> set[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {found for item in inner for found in _strings(item)}


async def test_a_receipt_follows_an_entry_from_waiting_to_another_unit(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity("转办的去向", unit="yinghai")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    asked = await author.call("question", speech("社保卡怎么换？"))
    await author.close()

    async def receipt() -> dict[str, Any]:
        found: dict[str, Any] = await admin.done("POST", "/api/v1/receipts", {"receipt": asked["receipt"]})
        return found

    assert ((await receipt())["state"], (await receipt())["handover"]) == ("pending", None)
    await admin.done("POST", f"/api/v1/entries/{asked['id']}/acts", {"act": "approve"})
    assert (await receipt())["state"] == "open"
    body = {"unit": "renbaoju", "due": "2099-01-01", "note": "内部说明"}
    given = (await admin.done("POST", f"/api/v1/entries/{asked['id']}/handovers", body))["handover"]
    seen = (await receipt())["handover"]
    assert (seen["state"], seen["due"]) == ("offered", "2099-01-01")
    assert seen["unit"].endswith("局")
    assert "内部说明" not in json.dumps(await receipt(), ensure_ascii=False)
    await admin.done("POST", f"/api/v1/handovers/{given['id']}", {"act": "recall"})
    assert (await receipt())["handover"] is None
    await admin.done("POST", f"/api/v1/entries/{asked['id']}/acts", {"act": "answer", "mode": "live"})
    assert ((await receipt())["state"], (await receipt())["answer"]["mode"]) == ("answered", "live")
