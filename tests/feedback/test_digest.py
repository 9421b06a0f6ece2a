"""Every format: the same data gives the same bytes, whatever was typed, and what was withheld stays out."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback import digest as package
from feedback.digest import FORMATS, filename, render
from feedback.digest.csv import HEADER, inert, plain
from feedback.digest.model import Digest, Question, summarise
from feedback.digest.wording import moment, period, share, short_moment
from feedback.scorer import Label
from feedback.states import State
from feedback.text import clean
from tests.feedback import samples


@pytest.fixture(params=["ordinary", "nasty", "empty"])
def digest(request: pytest.FixtureRequest) -> Digest:
    """Each of the sample digests."""
    made: Digest = getattr(samples, request.param)()
    return made


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_data_gives_the_same_bytes(digest: Digest, name: str) -> None:
    assert render(digest, name) == render(replace(digest), name)


@pytest.mark.parametrize("name", FORMATS)
def test_another_moment_gives_another_file(name: str) -> None:
    digest = samples.ordinary()
    assert render(digest, name) != render(replace(digest, as_of=samples.at(6000)), name)


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(KeyError):
        render(samples.empty(), "odt")


@pytest.mark.parametrize("state", [State.HIDDEN, State.WITHDRAWN, State.DECLINED, State.PENDING])
def test_a_withheld_question_cannot_get_in(state: State) -> None:
    question = Question(1, samples.at(0), "某", "不该出现的话", state)
    with pytest.raises(ValueError, match="must not leave"):
        replace(samples.ordinary(), questions=(question,))


def test_an_entry_that_waits_for_its_score_counts_as_unscored() -> None:
    sentiment = summarise([None, Label.POSITIVE, Label.UNSCORED], "m")
    assert (sentiment.scored, sentiment.unscored) == (1, 2)


def test_times_are_worded_in_beijing_time() -> None:
    assert moment(samples.START) == "9月27日（周三）14:00"
    assert short_moment(samples.at(61)) == "9月27日15:01"
    assert period(samples.START, samples.at(120)) == "2023年9月27日（周三）14:00至16:00"
    assert period(samples.START, samples.at(1440)) == "2023年9月27日（周三）14:00至9月28日（周四）14:00"
    assert period(samples.START, None) == "2023年9月27日（周三）14:00起"
    assert (moment(None), share(1, 0), share(1, 3)) == ("—", "—", "33.3%")
    with pytest.raises(ValueError, match="zone"):
        moment(datetime(2023, 9, 27, 14, 0))  # noqa: DTZ001 - a naive time is what the test is about


def test_the_file_has_a_plain_name() -> None:
    assert filename(samples.ordinary(), "docx") == "k05-20231001-0120.docx"


# --- csv -------------------------------------------------------------------------------------------------------------


def read_csv(data: bytes) -> list[dict[str, str]]:
    """The rows as Python's own reader has them."""
    assert data.startswith(b"\xef\xbb\xbf")
    text = data.decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [row for row in rows if row["类型"] != "数据"]


def test_csv_brings_every_text_back() -> None:
    digest = samples.nasty()
    rows = read_csv(render(digest, "csv"))
    assert len(rows) == len(digest.comments) + len(digest.questions) + len(digest.suggestions)
    contents = {(row["类型"], row["编号"]): plain(row["内容"]) for row in rows}
    for comment in digest.comments:
        assert contents["评论", str(comment.id)] == clean(comment.text)
    for question in digest.questions:
        assert contents["提问", str(question.id)] == clean(question.text)
    answers = {row["编号"]: plain(row["答复内容"]) for row in rows if row["类型"] == "提问"}
    assert answers[str(digest.questions[0].id)] == clean(digest.questions[0].answer or "")


def test_csv_holds_no_formula() -> None:
    for row in csv.reader(io.StringIO(render(samples.nasty(), "csv").decode("utf-8-sig"), newline="")):
        for cell in row:
            assert not re.match(r"[=+\-@\t\r＝＋－＠]", cell)


def test_csv_is_rfc_4180() -> None:
    data = render(samples.ordinary(), "csv").decode("utf-8-sig")
    assert data.endswith("\r\n")
    assert data.split("\r\n")[0] == ",".join(HEADER)
    records = list(csv.reader(io.StringIO(data, newline="")))
    assert {len(record) for record in records} == {len(HEADER)}


def test_csv_joins_an_entry_with_the_decision_on_it() -> None:
    rows = read_csv(render(samples.ordinary(), "csv"))
    joined = next(row for row in rows if row["意见建议号"] == "1")
    assert (joined["类型"], joined["采纳决定"], joined["理由"]) == ("评论", "部分采纳", "先在三个小区试点")
    alone = next(row for row in rows if row["意见建议号"] == "3")
    assert (alone["类型"], alone["内容"], alone["采纳决定"]) == ("意见建议", "希望增加周末服务窗口", "采纳")
    assert sum(row["意见建议号"] != "" for row in rows) == 4


@given(st.text())
def test_the_apostrophe_can_always_be_taken_off(text: str) -> None:
    assert plain(inert(text)) == text


# --- json ------------------------------------------------------------------------------------------------------------


SCHEMA: dict[str, Any] = json.loads(Path(package.__file__).with_name("schema.json").read_text(encoding="utf-8"))
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_NOTES = {"$schema", "$defs", "title", "description"}


def violations(value: Any, schema: dict[str, Any], path: str = "$") -> list[str]:
    """Where *value* breaks *schema*: the part of JSON Schema that ours uses, and an error for any other keyword."""
    found: list[str] = []
    for keyword, rule in schema.items():
        match keyword:
            case _ if keyword in _NOTES:
                pass
            case "$ref":
                found += violations(value, SCHEMA["$defs"][rule.removeprefix("#/$defs/")], path)
            case "oneOf":
                if sum(not violations(value, option, path) for option in rule) != 1:
                    found.append(f"{path}: not one of the options")
            case "type":
                names = [rule] if isinstance(rule, str) else rule
                fits = any(
                    isinstance(value, _TYPES[name]) and not (isinstance(value, bool) and name != "boolean")
                    for name in names
                )
                if not fits:
                    found.append(f"{path}: {type(value).__name__} is not {rule}")
            case "const":
                found += [] if value == rule else [f"{path}: not {rule}"]
            case "enum":
                found += [] if value in rule else [f"{path}: {value!r} is not in {rule}"]
            case "minimum":
                found += [] if value is None or value >= rule else [f"{path}: below {rule}"]
            case "maximum":
                found += [] if value is None or value <= rule else [f"{path}: above {rule}"]
            case "pattern":
                found += [] if re.search(rule, value or "") else [f"{path}: {value!r} does not match"]
            case "required":
                found += [f"{path}: {name} is missing" for name in rule if name not in value]
            case "additionalProperties":
                found += [f"{path}: {name} is unknown" for name in value if name not in schema["properties"]]
            case "properties":
                for name, inner in rule.items():
                    found += violations(value[name], inner, f"{path}.{name}") if name in value else []
            case "items":
                for index, item in enumerate(value):
                    found += violations(item, rule, f"{path}[{index}]")
            case _:
                raise AssertionError(f"the check knows no {keyword}")
    return found


def test_json_keeps_to_its_schema(digest: Digest) -> None:
    assert violations(json.loads(render(digest, "json")), SCHEMA) == []


def test_the_check_of_the_schema_finds_errors() -> None:
    document = json.loads(render(samples.ordinary(), "json"))
    document["ledger"]["received"] = -1
    document["questions"][0]["state"] = "hidden"
    document["as_of"] = "2023-10-01"
    del document["comments"][0]["text"]
    assert len(violations(document, SCHEMA)) == 4


def test_json_brings_everything_back() -> None:
    digest = samples.nasty()
    document = json.loads(render(digest, "json"))
    assert [entry["text"] for entry in document["comments"]] == [clean(comment.text) for comment in digest.comments]
    assert document["suggestions"][0]["transferred_to"] == clean(digest.suggestions[0].transferred_to or "")
    assert document["activity"]["starts_at"] == "2023-09-27T06:00:00Z"
