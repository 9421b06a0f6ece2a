"""The second model: what a text says of its feelings decides its label; snownlp's number stays as it is."""

import time

import pytest

from feedback import model
from feedback.lexicon import lexicon
from feedback.scorer import Label, Scorer, label
from feedback.trained import shipped
from feedback.utterance import Utterance


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("工作人员很热情，服务周到", Label.POSITIVE),
        ("窗口的老师耐心细心，办得很快，非常感谢", Label.POSITIVE),
        ("讲得清楚，点赞👍", Label.POSITIVE),
        ("电话一直打不通，太差了", Label.NEGATIVE),
        ("投诉三次了，迟迟不处理，很失望", Label.NEGATIVE),
        ("我不满意", Label.NEGATIVE),
        ("今天的活动下午两点开始", Label.UNCERTAIN),
        ("居住证在街道一楼大厅办理", Label.UNCERTAIN),
        # a question asks, whatever it names, and whatever its characters hold by chance
        ("请问噪音扰民向哪个部门投诉？", Label.UNCERTAIN),
        ("请问垃圾乱堆该找谁？", Label.UNCERTAIN),
        ("我妈的医保卡丢了怎么办？", Label.UNCERTAIN),
        ("网站崩溃了，怎么登录？", Label.UNCERTAIN),
        ("麻烦人社局回答：失业金怎么领？", Label.UNCERTAIN),
        # unless its writer voices a feeling
        ("电梯又坏了，什么时候能修好？真受不了", Label.NEGATIVE),
        ("電梯又壞了，什麼時候能修好？很失望", Label.NEGATIVE),
        ("地铁几点开门？😡", Label.NEGATIVE),
        ("谢谢", Label.POSITIVE),
        ("谢谢！", Label.POSITIVE),
        ("谢谢老师", Label.POSITIVE),
        ("辛苦了！", Label.POSITIVE),
        ("没有推诿，一次就办好了", Label.POSITIVE),
        # praise of what is missing
        ("要是能这么快就好了", Label.NEGATIVE),
        ("什么时候能像东区那样干净就好了", Label.NEGATIVE),
        # traditional characters
        ("工作人員很熱情，服務周到，非常感謝", Label.POSITIVE),
        ("電話打不通，態度太差，很失望", Label.NEGATIVE),
        # signs alone have no score of snownlp's, and sound clearly all the same
        ("👍👍", Label.POSITIVE),
        ("[鲜花][鼓掌]", Label.POSITIVE),
        ("[怒][怒]", Label.NEGATIVE),
        ("[怒]", Label.NEGATIVE),
        ("12345", Label.UNSCORED),
        ("🙈", Label.UNSCORED),
        # too short to say how it is meant
        ("好", Label.UNCERTAIN),
        ("差。", Label.UNCERTAIN),
    ],
)
def test_what_a_citizen_says_sounds_as_it_is_meant(scorer: Scorer, text: str, expected: Label) -> None:
    assert scorer.score(text).label is expected


def test_a_question_is_not_negative_because_it_asks() -> None:
    text = "噪音扰民"
    assert label(text, 0.05, Utterance.COMPLAINT, shipped()) is Label.NEGATIVE
    assert label(text, 0.05, Utterance.QUESTION, shipped()) is Label.UNCERTAIN
    assert label(f"{text}😡", 0.05, Utterance.QUESTION, shipped()) is Label.NEGATIVE
    assert label("42", None, Utterance.OTHER, shipped()) is Label.UNSCORED


def test_snownlp_alone_never_makes_a_label() -> None:
    for score in (0.0, 1.0):
        assert label("居住证", score, Utterance.OTHER, shipped()) is Label.UNCERTAIN
        assert label("居住证", score, Utterance.OTHER, model.Ms1()) is Label.UNCERTAIN
        assert model.NEGATIVE_TO < model.feeling("居住证", score) < model.POSITIVE_FROM


def test_negation_turns_a_feeling_round_and_a_degree_strengthens_it() -> None:
    balance = {text: lexicon().feeling(text).balance for text in ("满意", "不满意", "没有不满", "很满意")}
    assert balance["不满意"] < 0 < balance["满意"] < balance["很满意"]
    assert balance["没有不满"] > 0


def test_signs_count_and_an_unknown_text_says_nothing() -> None:
    feelings = lexicon()
    assert feelings.feeling("[怒]").balance < 0 < feelings.feeling("👍").balance
    assert feelings.feeling("").balance == feelings.feeling("\ud800\x00").balance == 0


def test_time_is_linear() -> None:
    feelings = lexicon()
    times = {}
    for length in (5_000, 20_000):
        attempts = []
        for _ in range(3):
            begun = time.process_time()
            feelings.feeling("不很满意" * (length // 4))
            attempts.append(time.process_time() - begun)
        times[length] = min(attempts)
    assert times[20_000] < 4 * 2.5 * times[5_000]
