"""Questions that ask the same are found; those that only sound alike are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.similar import ALIKE, Index, likeness

SAME = [
    ("老年卡在哪个窗口办理？", "请问老年卡在哪个窗口办？"),
    ("医保卡丢了怎么补办", "您好，医保卡丢失如何补办？谢谢"),
    ("采育镇什么时候通地铁？", "采育镇啥时候能通地铁"),
    ("小区电动车充电桩什么时候装", "电动车充电桩我们小区什么时候能装？"),
    ("孩子上学需要准备哪些材料？", "孩子上学要准备哪些材料"),
    ("营业执照可以在网上办吗", "营业执照能不能在网上办？"),
]
DIFFERENT = [
    ("医保卡丢了怎么补办", "医保缴费标准是多少"),
    ("采育镇什么时候通地铁？", "采育镇葡萄节什么时候开始"),
    ("小区停车位不够怎么办", "小区垃圾分类怎么做"),
    ("公司注册要几天", "公司注销要交什么材料"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_question_in_other_words(one: str, other: str) -> None:
    assert likeness(one, other) >= ALIKE


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_question_in_like_words(one: str, other: str) -> None:
    assert likeness(one, other) < ALIKE


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_a_share_and_goes_both_ways(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) == likeness(other, one) <= 1
    assert likeness(one, one) in (0, 1)


@given(st.lists(st.text("老年卡办理窗口在哪", max_size=12), max_size=12), st.text("老年卡办理窗口在哪", max_size=12))
def test_the_index_finds_what_comparing_all_finds(texts: list[str], text: str) -> None:
    found = Index(enumerate(texts)).alike(text, most=100)
    assert set(found) == {number for number, other in enumerate(texts) if likeness(text, other) >= ALIKE}
    assert [likeness(text, texts[number]) for number in found] == sorted(
        (likeness(text, texts[number]) for number in found), reverse=True
    )


def test_nothing_is_like_nothing() -> None:
    assert likeness("？！", "？！") == 0
    assert Index([(1, "？！")]).alike("。") == []
