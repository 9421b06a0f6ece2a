"""A year of the whole service with a moved clock: from the plan's text to the pack for the assessment, over HTTP."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from docx import Document

from server.administration import import_plan
from server.app import build
from server.config import Settings
from server.serve import prepare
from server.services import SERVICES, Services
from tests.citizen import citizen, speech
from tests.programme.uploads import docx, photo
from tests.server.test_reminders import Letterbox
from tests.service import ADMIN_PASSWORD, Staff, free_media_port, free_port

SLUG = "2024-k12"
PATH = f"/api/v1/activities/{SLUG}"


class Clock:
    """The service's clock: stands at a moment of 2024 in Beijing until it is moved."""

    def __init__(self) -> None:
        self.at = beijing(8, 1)

    def __call__(self) -> datetime:
        return self.at


def beijing(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2024, month, day, hour - 8, minute, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Running:
    """The service in this process."""

    url: str
    services: Services


@pytest.fixture
def letterbox() -> Iterator[tuple[Letterbox, int]]:
    """An SMTP server and its port."""
    box, port = Letterbox(), free_port(socket.SOCK_STREAM)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@asynccontextmanager
async def serving(settings: Settings, clock: Clock) -> AsyncIterator[Running]:
    app = build(settings, now=clock)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.http_port).start()
        yield Running(f"http://127.0.0.1:{settings.http_port}", app[SERVICES])
    finally:
        await runner.cleanup()
        # Engine.IO leaves the heartbeat of a socket that has gone to end by itself, half a minute later.
        beats = [task for task in asyncio.all_tasks() if "_send_ping" in repr(task.get_coro())]
        for beat in beats:
            beat.cancel()
        await asyncio.gather(*beats, return_exceptions=True)


async def test_a_year_from_the_plan_to_the_assessment(tmp_path: Path, letterbox: tuple[Letterbox, int]) -> None:
    box, port = letterbox
    clock = Clock()
    settings = Settings(
        data_dir=tmp_path,
        http_port=free_port(socket.SOCK_STREAM),
        media_port=free_media_port(),
        admin_password=ADMIN_PASSWORD,
        smtp_url=f"smtp://127.0.0.1:{port}",
        mail_from="minsheng@example.gov.cn",
    )
    await prepare(settings)
    text = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")
    plan = text.replace("2023 年 8--11", "2024 年 8--11").encode()
    words, _ = await import_plan(settings, plan, confirm=True, only=())
    assert "已导入" in words
    async with serving(settings, clock) as service:
        await _year(service, clock, box)


async def _year(service: Running, clock: Clock, box: Letterbox) -> None:
    admin = await Staff.sign_in(service)
    account = {"username": "yinghai", "name": "瀛海镇经办人", "role": "staff", "unit": "yinghai"}
    password = (await admin.done("POST", "/api/v1/accounts", account))["password"]

    clerk = await Staff.sign_in(service, "yinghai", password)

    async def on(at: datetime) -> None:
        """Move the clock; a session of twelve hours is over by then, so the clerk signs in again."""
        nonlocal clerk
        clock.at = at
        await clerk.close()
        clerk = await Staff.sign_in(service, "yinghai", password)

    async def due() -> dict[str, tuple[str, bool, bool]]:
        rows = (await clerk.done("GET", "/api/v1/desk"))["activities"]
        row = next(row for row in rows if row["slug"] == SLUG)
        return {item["kind"]: (item["due"], item["done"], item["late"]) for item in row["deadlines"]}

    # 1 August: the clerk plans a Wednesday after the holiday, with people on the spot, and asks to be reminded.
    await clerk.done("PUT", "/api/v1/reminders", {"email": "yinghai@example.gov.cn"})
    planned = {
        "form": "hybrid",
        "starts_at": beijing(10, 16, 14).isoformat(),
        "ends_at": beijing(10, 16, 16).isoformat(),
        "place": "瀛海镇政务服务中心",
        "flow": "一、参观\n二、座谈",
        "participation": "打开本页观看并提问",
        "leader": "副镇长",
        "promise_days": 10,
    }
    await clerk.done("PATCH", PATH, planned)
    for purpose, name in (("plan", "实施方案.docx"), ("emergency", "应急预案.docx")):
        assert (await clerk.upload(SLUG, docx(), purpose=purpose, name=name))[0] == 201
    selection = {
        "mode": "open",
        "opens_at": beijing(9, 20).isoformat(),
        "closes_at": beijing(10, 11, 17).isoformat(),
        "quotas": {"resident": 2},
        "requirements": "本镇居民",
        "revision": 0,
    }
    await clerk.done("PUT", f"{PATH}/places", selection)
    # 10-12 is a Saturday that is worked, 10-01 to 10-07 is the holiday: five working days before the 16th.
    assert await due() == {
        "notice": ("2024-10-10", False, False),
        "selection": ("2024-10-10", False, False),
        "materials": ("2024-10-23", False, False),
        "adoption": ("2024-10-30", False, False),
    }
    assert await service.services.reminders.remind() == 0

    # 20 September: the 遴选公告, and people register. The notice itself is forgotten until the mail comes.
    await on(beijing(9, 20))
    await clerk.done("POST", f"{PATH}/places/notice")
    receipts = []
    for number in range(3):
        one = {"name": f"朱小明{number}", "phone": f"1380000000{number}", "category": "resident", "consent": True}
        receipts.append((await clerk.done("POST", f"{PATH}/registrations", one))["receipt"])
    await on(beijing(10, 8, 10))
    assert await service.services.reminders.remind() == 1
    assert await service.services.reminders.remind() == 0
    assert "公告，最迟2024-10-10（周四）" in box.letters[0].get_content()
    await clerk.done("POST", f"{PATH}/notice", {"version": 0})

    # 10 October: the hall is not free. The move is filed, the notice corrected within the day that is left for it.
    moved = {"starts_at": beijing(10, 21, 14).isoformat(), "ends_at": beijing(10, 21, 16).isoformat()}
    await on(beijing(10, 10))
    assert (await clerk.call("PATCH", PATH, moved))[1]["error"]["code"] == "needs_reason"
    await clerk.done("PATCH", PATH, {**moved, "reason": "场地检修"})
    assert (await due())["notice"] == ("2024-10-14", False, False)
    await clerk.done("POST", f"{PATH}/notice", {"version": 1})

    # Registration is closed and drawn; two are in and confirm, and one comes on the day.
    await on(beijing(10, 12))
    # The 遴选公告 still announces the old time: it is corrected first.
    assert (await clerk.call("POST", f"{PATH}/places/close"))[1]["error"]["code"] == "not_announced"
    await clerk.done("POST", f"{PATH}/places/notice")
    await clerk.done("POST", f"{PATH}/places/close")
    await clerk.done("POST", f"{PATH}/places/draw", {})
    views = [await clerk.done("POST", "/api/v1/registrations", {"receipt": receipt}) for receipt in receipts]
    chosen = [view for view in views if view["state"] == "selected"]
    assert len(chosen) == 2
    for view in chosen:
        await clerk.done("POST", "/api/v1/registrations/answer", {"receipt": view["receipt"], "act": "confirm"})

    # 21 October: held. A question is answered, a suggestion is made, and the hall is asked how it was.
    await on(beijing(10, 21, 14))
    scans = [{"ticket": str(chosen[0]["number"]), "at": clock.at.isoformat()}]
    assert (await clerk.done("POST", f"{PATH}/check-ins", {"scans": scans}))["present"] == 1
    await clerk.done("POST", f"{PATH}/state", {"state": "live"})
    phone = await citizen(service.url, SLUG).connect()
    asked = await phone.call("question", speech("周末能办吗？"))
    idea = await phone.call("comment", speech("建议增加座椅"))
    await phone.close()
    answer = {"act": "answer", "mode": "written", "text": "周六上午可以。"}
    await clerk.done("POST", f"/api/v1/entries/{asked['id']}/acts", answer)
    await clerk.done("POST", f"/api/v1/entries/{idea['id']}/acts", {"act": "suggest", "on": True})
    for device, level in (("d" * 16, "very-satisfied"), ("e" * 16, "neutral")):
        await clerk.done("PUT", f"{PATH}/satisfaction", {"device": device, "level": level})
    await clerk.done("POST", f"{PATH}/state", {"state": "ended"})
    await clerk.done("PATCH", PATH, {"attended": "镇长"})

    # Materials on the last day in time; the promise is forgotten, and kept late.
    await on(beijing(10, 28, 17))
    _, picture = await clerk.upload(SLUG, photo(), purpose="picture", name="现场.jpg", alt="居民在座谈")
    materials = {"version": 0, "text": "居民座谈。", "files": [picture["id"]]}
    await clerk.done("POST", f"{PATH}/materials", materials)
    assert (await due())["materials"] == ("2024-10-28", True, False)
    await on(beijing(11, 5, 10))
    assert (await due())["adoption"] == ("2024-11-04", False, True)
    assert await service.services.reminders.remind() == 1
    assert "采纳情况反馈" in box.letters[-1].get_content()
    (suggestion,) = (await clerk.done("GET", f"{PATH}/suggestions"))["suggestions"]
    decision = {
        "decision": "adopted",
        "reason": "已列入计划",
        "transferred_to": None,
        "revision": suggestion["revision"],
    }
    await clerk.done("PUT", f"/api/v1/suggestions/{suggestion['id']}/decision", decision)
    await clerk.done("POST", f"{PATH}/outcomes")

    # December: the pack. Facts with their times, in three forms that say the same.
    await on(beijing(12, 2))
    row = next(row for row in (await clerk.done("GET", "/api/v1/assessment"))["activities"] if row["slug"] == SLUG)
    _check_facts(row)
    book = openpyxl.load_workbook(io.BytesIO(await clerk.download("/api/v1/assessment.xlsx")))
    header, *lines = book["考核事实"].iter_rows(values_only=True)
    line = next(dict(zip(header, line, strict=True)) for line in lines if line[0] == SLUG)
    assert (line["公告按时"], line["材料按时"], line["承诺按时"], line["待办和逾期"]) == ("是", "是", "否", None)
    assert line["材料校验码"] == row["materials_sha256"]
    pack = Document(io.BytesIO(await clerk.download(f"/api/v1/assessment.docx?activity={SLUG}")))
    told = dict(tuple(cell.text for cell in line.cells) for line in pack.tables[1].rows)
    assert (told["主要负责同志"], told["报备"]) == ("镇长", "1次")
    assert told["承诺反馈"] == "2024年11月5日（周二）10:00，晚于期限（期限2024-11-04）"
    assert told["材料公开"] == "2024年10月28日（周一）17:00，按时（期限2024-10-28）"
    acts = [item["act"] for item in (await clerk.done("GET", f"{PATH}/history"))["history"]]
    for act in ("import", "edit", "filing", "notice", "selection-notice", "draw", "attach", "materials", "publish"):
        assert act in acts
    await clerk.close()
    await admin.close()


def _check_facts(row: dict[str, Any]) -> None:
    assert (row["notice_due"], row["notice_on_time"], row["notice_version"]) == ("2024-10-14", True, 2)
    assert (row["selection"], row["registered"], row["holding"], row["present"]) == ("公开遴选", 3, 2, 1)
    assert (row["filings"], row["leader"], row["attended"]) == (1, "副镇长", "镇长")
    assert row["plan_at"] == row["emergency_at"] == "2024-08-01T01:00:00Z"
    assert (row["questions"], row["answered"], row["comments"]) == (1, 1, 1)
    assert (row["suggestions"], row["decided"], row["adopted"]) == (1, 1, 1)
    assert (row["satisfaction_answers"], row["satisfaction_share"]) == (2, 0.5)
    assert (row["materials_due"], row["materials_on_time"]) == ("2024-10-28", True)
    assert (row["adoption_due"], row["adoption_on_time"]) == ("2024-11-04", False)
    assert row["open"] == []
    assert all(row[name] for name in ("notice_sha256", "materials_sha256", "outcomes_sha256"))
