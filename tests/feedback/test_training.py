"""Training on labelled texts and measuring: what is learnt, that it repeats, and what bad data is told."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback.evaluation import Judged, evaluate, judge
from feedback.features import features
from feedback.model import Ms1
from feedback.scorer import Label, Scorer
from feedback.synthetic import synthetic
from feedback.trained import SHIPPED, BadModel, TrainedModel, shipped
from feedback.training import BadData, Labelled, Polarity, bands, in_half, macro_f1, read_labelled, train
from server.config import ConfigurationError, Settings
from server.sentiment_commands import named_model

NOW = datetime(2023, 9, 27, 6, 0, tzinfo=UTC)
PLACES = ("一号窗口", "二楼大厅", "社区食堂", "公交站", "图书馆", "停车场", "幼儿园", "小公园")
DAYS = ("今天", "昨天", "上周", "周末", "刚才", "前天", "周五", "早上")
# Words that no list of ours knows: what is right here was learnt.
SAID = {
    Polarity.POSITIVE: ("蛮敞亮的", "一趟就弄好啦", "真是没白来"),
    Polarity.NEGATIVE: ("又白跑一趟", "连个坐的都没", "灯一直黑着"),
    Polarity.NEUTRAL: ("九点开门", "有两层楼", "挨着邮局"),
}


def texts() -> list[Labelled]:
    return [
        Labelled(f"{day}{place}{words}", polarity)
        for polarity, phrases in SAID.items()
        for words in phrases
        for place in PLACES
        for day in DAYS
    ]


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(texts(), "own", lambda _text: None, NOW)


def test_what_was_taught_is_known_in_a_new_sentence(trained: TrainedModel) -> None:
    scorer = Scorer(labels=trained)
    assert scorer.score("早上体育馆蛮敞亮的").label is Label.POSITIVE
    assert scorer.score("晚上体育馆灯一直黑着").label is Label.NEGATIVE
    assert scorer.score("体育馆挨着邮局").label is Label.UNCERTAIN
    assert scorer.score("体育馆灯一直黑着？").label is not Label.NEGATIVE  # it asks
    assert Scorer(labels=Ms1()).score("晚上体育馆灯一直黑着").label is Label.UNCERTAIN
    assert scorer.score("好").model == f"snownlp-0.12.3+own@{trained.sha256[:8]}"


def test_the_same_data_makes_the_same_model_in_another_process(trained: TrainedModel) -> None:
    program = "from tests.feedback.test_training import *; print(repr(train(texts(), 'own', lambda _text: None, NOW)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(trained)


def test_a_model_comes_back_from_its_file_as_it_was(trained: TrainedModel, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    (tmp_path / "sentiment").mkdir()
    path = tmp_path / "sentiment" / "own.json"
    trained.write(path)
    assert named_model(settings, "own") == trained
    with pytest.raises(ConfigurationError, match="there is no sentiment model 'other'"):
        named_model(settings, "other")
    for content in ("[]", "{", json.dumps({**json.loads(path.read_text()), "bias": "inf"})):
        path.write_text(content)
        with pytest.raises(BadModel):
            TrainedModel.read(path)


def test_data_is_read_from_csv_and_json_lines_and_what_is_wrong_is_said(tmp_path: Path) -> None:
    table, lines = tmp_path / "a.csv", tmp_path / "b.jsonl"
    table.write_text("\ufefftext,label\n很好,正面\n,负面\n不好,-1\n没标,\n一般,中性\n", encoding="utf-8")
    lines.write_text(
        '{"text": "很好", "label": "positive"}\n\n{"text": "还行", "label": "uncertain"}\n', encoding="utf-8"
    )
    assert [item.polarity.value for item in read_labelled(table)] == ["positive", "negative", "neutral"]
    assert [item.text for item in read_labelled(lines)] == ["很好", "还行"]
    lines.write_text('{"text": "很好", "label": "happy"}\n')
    with pytest.raises(BadData, match=r"b.jsonl:1: “happy” is no label"):
        read_labelled(lines)
    with pytest.raises(BadData, match="there is no “sentence”"):
        read_labelled(table, text="sentence")
    table.write_bytes(b"text,label\n\xff\xfe,1\n")
    with pytest.raises(BadData):
        read_labelled(table)
    with pytest.raises(BadData, match="training takes 200"):
        train(texts()[:100], "own", lambda _text: None, NOW)


def test_the_halves_part_the_texts_whatever_their_order() -> None:
    first = [item.text for item in texts() if in_half(item.text, "first")]
    second = [item.text for item in texts() if in_half(item.text, "second")]
    assert not set(first) & set(second)
    assert len(first) + len(second) == len(texts())
    assert min(len(first), len(second)) > len(texts()) / 3


def test_negation_signs_and_names_are_seen_as_what_they_are() -> None:
    found = features("@某人 没有问题[赞]👍")
    assert {"¬问", "¬问题", "[赞]", "👍", "@", "没有问"} <= found
    assert not any("某" in feature for feature in found)
    assert features("") == set()
    features("\ud800\x00")


def test_figures_of_a_small_set_worked_out_by_hand() -> None:
    positive, negative, neutral = Polarity.POSITIVE, Polarity.NEGATIVE, Polarity.NEUTRAL
    judged = [
        judge(2, positive, -1, 1),
        judge(0.5, positive, -1, 1),
        judge(-0.5, positive, -1, 1),
        judge(-2, negative, -1, 1),
        judge(-2, neutral, -1, 1),
        Judged(-2, neutral, neutral),  # a question that only asks
    ]
    result = evaluate(judged)
    assert result.accuracy is not None
    assert result.classes is not None
    assert result.neutral_negative is not None
    assert result.macro is not None
    assert result.accuracy.value == 3 / 4
    assert result.accuracy.low <= 3 / 4 <= result.accuracy.high
    assert result.classes.value == pytest.approx((2 / 3 + 1) / 2)
    assert result.labelled == 1 / 2
    assert result.neutral_negative.value == 1 / 2
    pairs = [(item.label, item.true) for item in judged]
    assert result.macro.value == macro_f1(pairs) == pytest.approx((2 / 4 + 2 / 3 + 2 / 5) / 3)


def test_the_bands_keep_doubtful_texts_out() -> None:
    sums = [(value / 10, Polarity.POSITIVE if value > 0 else Polarity.NEGATIVE) for value in range(-30, 31)]
    sums += [(value / 10, Polarity.NEUTRAL) for value in range(-10, 11)] * 3
    low, high = bands(sums)
    assert -1.5 < low < 0 < high < 1.5


def test_train_and_evaluate_from_the_command_line(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    rows = "\n".join(f"{item.text},{item.polarity.value}" for item in texts())
    table.write_text(f"text,label\n{rows}\n", encoding="utf-8")
    environment = {"MINSHENG_DATA_DIR": str(tmp_path / "data"), "PATH": ""}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "server.cli", "sentiment", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = run("train", str(table), "--name", "own", "--half", "first")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "sentiment" / "own.json").exists()
    measured = run("evaluate", str(table), "--half", "second", "--model", "ms1", "--model", "own")
    rows_of = [line for line in measured.stdout.splitlines() if line.startswith(("| own@", "| ms1", "| snownlp"))]
    assert len(rows_of) == 3
    own = float(rows_of[2].split("|")[3].split("%")[0])
    assert own > 95 > float(rows_of[1].split("|")[3].split("%")[0])
    for wrong in (("--name", "ms1"), ("--name", "ms2"), ("--name", "../x")):
        refused = run("train", str(table), *wrong)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_the_model_that_ships_is_made_again_from_what_ships_byte_for_byte(tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    command = [sys.executable, "-m", "server.cli", "sentiment", "train", "--shipped", str(again)]
    subprocess.run(command, check=True, capture_output=True)
    assert again.read_bytes() == SHIPPED.read_bytes()
    assert shipped().full_name == f"ms2@{shipped().sha256[:8]}"


def test_the_synthetic_texts_are_whole_and_of_all_three_kinds() -> None:
    data = synthetic()
    assert not [item.text for item in data if "@" in item.text or not item.text]
    assert {item.polarity for item in data} == set(Polarity)
    assert [item for item in data if item.text == "请问开放日在几楼"]
    assert data == synthetic()
