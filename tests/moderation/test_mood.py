"""Labels that hosts correct: live to other hosts, in the digest, as training data. The picture of mood and topics."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from feedback.scorer import Label
from feedback.training import read_labelled
from server.mood import MOST_POINTS, Said, margin, nameless, picture, topics_of
from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff

START = datetime(2023, 9, 27, 6, 0, tzinfo=UTC)
WHOLE = "👨‍👩‍👧 𠮷𠀀 \u200fمرحبا\u200e 你好"


async def test_a_corrected_label_reaches_other_hosts_the_digest_and_the_training_data(
    service: ServiceProcess, admin: Staff, sockets: list[Client], tmp_path: Path
) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    one, two = [await host(service.url, slug, admin.cookie).connect() for _ in range(2)]
    sockets += [author, one, two]
    wrong = (await author.call("comment", speech("太好了，电话13800138000又打不通，@王科长 真行", nickname="李四")))[
        "id"
    ]
    other = (await author.call("comment", speech(f"=今天天气{WHOLE}")))["id"]
    await one.entry("comments", wrong, scored=True)
    model = (await two.entry("comments", wrong, scored=True))["label"]
    assert model != "negative"
    await two.entry("comments", other, scored=True)

    done = (await one.call("correct", {"id": wrong, "sentiment": "negative"}))["entry"]
    assert (done["label"], done["corrected"]) == (model, "negative")
    await two.until(lambda: two.entries("comments")[wrong]["corrected"] == "negative")
    await two.call("correct", {"id": other, "sentiment": "positive"})
    await two.call("correct", {"id": other, "sentiment": None})  # taken back
    await one.call("correct", {"id": other, "sentiment": "uncertain"})
    assert not (await one.call("correct", {"id": other, "sentiment": "unscored"}))["ok"]
    # A citizen never learns how it was taken.
    assert all("label" not in item and "corrected" not in item for item in author.entries("comments").values())

    digest = json.loads(await admin.download(f"/api/v1/activities/{slug}/digest?format=json"))
    assert digest["sentiment"]["corrected"] == 2
    assert digest["sentiment"]["counts"]["negative"] == 1
    assert WHOLE in json.dumps(digest, ensure_ascii=False)

    body = await admin.download(f"/api/v1/activities/{slug}/corrections")
    path = tmp_path / "corrections.csv"
    path.write_bytes(body)
    assert [(item.text, item.polarity.value) for item in read_labelled(path)] == [
        ("太好了，电话0又打不通，@ 真行", "negative"),
        (f"=今天天气{WHOLE}", "neutral"),
    ]
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert set(rows[0]) == {"text", "label", "model_label", "model"}
    assert rows[0]["model_label"] == model
    assert rows[1]["text"].startswith("'=")
    assert "李四" not in body.decode()

    mood = await admin.done("GET", f"/api/v1/activities/{slug}/mood")
    assert (mood["n"], mood["corrected"]) == (2, 2)
    assert mood["counts"]["negative"] == 1
    assert 0 < mood["margins"]["negative"] <= 0.5
    point = next(point for point in mood["points"] if point["counts"]["negative"])
    since = point["at"].replace("+", "%2B")
    found = await admin.done(
        "GET", f"/api/v1/activities/{slug}/entries?sentiment=negative&public=true&since={since}&limit=50"
    )
    assert [entry["id"] for entry in found["entries"]] == [wrong]
    before = await admin.done("GET", f"/api/v1/activities/{slug}/entries?until={since}")
    assert before["entries"] == []


async def test_only_hosts_of_the_unit_see_the_picture_and_take_the_data(service: ServiceProcess, admin: Staff) -> None:
    body = {"username": "outside-mood", "name": "外单位", "role": "staff", "unit": "yufa"}
    slug = await admin.own_activity(unit="caiyu")
    made = await admin.done("POST", "/api/v1/accounts", body)
    outsider = await Staff.sign_in(service, "outside-mood", made["password"])
    async with aiohttp.ClientSession(service.url) as nobody:
        for path in ("mood", "corrections"):
            async with nobody.get(f"/api/v1/activities/{slug}/{path}") as answer:
                assert answer.status == 401
            assert (await outsider.call("GET", f"/api/v1/activities/{slug}/{path}"))[0] == 403
    await outsider.close()


def said(minute: float, label: Label | None, text: str = "", *, corrected: bool = False) -> Said:
    return Said(START + timedelta(minutes=minute), label, corrected, text)


def test_points_cover_all_that_was_said_and_never_grow_many() -> None:
    few = picture([said(0, Label.POSITIVE), said(3, None), said(3.5, Label.NEGATIVE, corrected=True)])
    assert (few.minutes, few.n, few.corrected, len(few.points)) == (1, 3, 1, 4)
    assert few.points[3].counts == {**dict.fromkeys(Label, 0), Label.NEGATIVE: 1, Label.UNSCORED: 1}
    for minutes in (59, 61, 600, 50_000, 3_000_000):
        long = picture([said(minute, Label.POSITIVE) for minute in (0, minutes / 2, minutes)])
        assert len(long.points) <= MOST_POINTS
        assert sum(point.counts[Label.POSITIVE] for point in long.points) == 3
    assert picture([]).points == ()
    backwards = picture([said(5, Label.POSITIVE), said(0, Label.NEGATIVE)])  # clocks of two processes
    assert sum(sum(point.counts.values()) for point in backwards.points) == 2


def test_topics_are_what_several_speak_of_and_each_once() -> None:
    texts = [
        "小区停车位太少了",
        "停车位什么时候增加",
        "晚上没有停车位",
        "希望延长图书馆时间",
        "图书馆周末开吗",
        "图书馆很好",
    ]
    topics = dict(topics_of(texts))
    assert topics["停车位"] == 3
    assert topics["图书馆"] == 3
    assert not {"停车", "车位", "图书", "书馆"} & set(topics)
    assert topics_of(["停车位"] * 2) == ()
    assert topics_of(["", "👍", "\ud800"] * 5) == ()
    shown = picture([said(index, None, text) for index, text in enumerate(texts)])
    column = [word for word, _ in shown.topics].index("停车位")
    assert [point.topics[column] for point in shown.points] == [1, 1, 1, 0, 0, 0]


def test_the_margin_is_that_of_wilson() -> None:
    assert margin(0, 0) == 0.5
    assert margin(50, 100) == pytest.approx(0.0961, abs=0.0005)
    assert margin(1, 4) > margin(25, 100) > margin(250, 1000)


def test_what_names_somebody_is_taken_out() -> None:
    assert nameless("打13800138000找@李四 ，身份证110105199001011234") == "打0找@ ，身份证0"
    assert nameless("写信给 a.b@example.org 就行") == "写信给 @ 就行"
    assert nameless("3楼20号") == "3楼20号"
