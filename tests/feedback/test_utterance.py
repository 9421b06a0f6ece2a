"""What people say during an open day, and what it is taken for."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.utterance import Utterance, classify


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("请问老年证在哪里办理？", Utterance.QUESTION),
        ("周末能不能办居住证", Utterance.QUESTION),
        ("怎么投诉物业？", Utterance.QUESTION),
        ("投诉电话是多少", Utterance.QUESTION),
        ("老师好，医保断缴怎么补", Utterance.QUESTION),
        ("我想咨询一下公租房的申请条件，谢谢", Utterance.QUESTION),
        ("有回放吗", Utterance.QUESTION),
        ("建议增加停车位", Utterance.SUGGESTION),
        ("希望多办这样的活动，谢谢！", Utterance.SUGGESTION),
        ("希望加强噪音管理", Utterance.SUGGESTION),
        ("提个建议：能不能延长开放时间", Utterance.SUGGESTION),
        ("投诉物业乱收费", Utterance.COMPLAINT),
        ("路灯坏了没人管，希望尽快修", Utterance.COMPLAINT),
        ("凭什么不给办？", Utterance.COMPLAINT),
        ("工地半夜施工扰民", Utterance.COMPLAINT),
        ("感谢工作人员的讲解", Utterance.THANKS),
        ("谢谢！", Utterance.THANKS),
        ("为大兴点赞", Utterance.THANKS),
        ("能否在东门增加一趟班车？", Utterance.SUGGESTION),
        ("要是能开到晚上九点就好了", Utterance.SUGGESTION),
        ("请街道加快修建停车场", Utterance.SUGGESTION),
        ("请求解决三号楼的水压问题", Utterance.COMPLAINT),
        ("房产证怎么就是办不下来", Utterance.COMPLAINT),
        ("我们这边已经停水八天了", Utterance.COMPLAINT),
        ("听不清，声音太小", Utterance.COMPLAINT),
        ("报销比例怎么算", Utterance.QUESTION),
        ("讲得真好", Utterance.OTHER),
        ("支持", Utterance.OTHER),
        ("不错不错", Utterance.OTHER),
        ("<script>alert(1)</script>", Utterance.OTHER),
        ("", Utterance.EMPTY),
        ("？！", Utterance.EMPTY),
        ("👍👍", Utterance.EMPTY),
        ("[赞][赞]", Utterance.EMPTY),
        ("哈哈哈哈", Utterance.EMPTY),
        ("666", Utterance.EMPTY),
        ("签到", Utterance.EMPTY),
        ("你好", Utterance.EMPTY),
    ],
)
def test_kinds(text: str, kind: Utterance) -> None:
    assert classify(text) is kind
    assert kind.text


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_has_a_kind(text: str) -> None:
    assert classify(text) in Utterance


@pytest.mark.parametrize(
    "unit",
    [
        "哈",
        "，",
        "谢谢",
        "吗。",
        "为",
        "@",
        "[",
        "加强",
        "建议",
        "哈讲",
        " ",
        "?",
        "能否",
        "如果",
        "请",
        "希望",
        "怎么",
    ],
)
def test_a_hostile_text_costs_no_more_than_an_honest_one(unit: str) -> None:
    begun = time.process_time()
    classify(unit * (20_000 // len(unit)) + "x")
    assert time.process_time() - begun < 2  # a pattern that goes back and forth would take minutes
