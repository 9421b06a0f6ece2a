"""Questions that ask the same are found; those that only sound alike are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.similar import ALIKE, Index, likeness, pairs

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


TEXTS = st.text("老年卡办理窗口在哪", max_size=12)


@given(st.lists(TEXTS, max_size=12), TEXTS)
def test_the_index_finds_what_comparing_all_finds(texts: list[str], text: str) -> None:
    index = Index(enumerate(texts))
    found = index.alike(text, most=100)
    assert set(found) == {number for number, other in enumerate(texts) if likeness(text, other) >= ALIKE}
    assert [likeness(text, texts[number]) for number in found] == sorted(
        (likeness(text, texts[number]) for number in found), reverse=True
    )
    for number, known in enumerate(texts):
        assert index.neighbours(number, most=100) == [
            other for other in index.alike(known, most=100) if other != number
        ]


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | TEXTS), max_size=30), TEXTS)
def test_an_index_that_was_changed_is_like_one_made_anew(changes: list[tuple[int, str | None]], text: str) -> None:
    index, texts = Index(), dict[int, str]()
    for number, changed in changes:
        if changed is None:
            index.drop(number)
            texts.pop(number, None)
        else:
            index.put(number, pairs(changed))
            texts[number] = changed
    made = Index(texts.items())
    assert index.alike(text, most=100) == made.alike(text, most=100)
    # Nothing is left of what was dropped.
    assert (index.numbers, index.size) == (made.numbers, made.size)


def test_nothing_is_like_nothing() -> None:
    assert likeness("？！", "？！") == 0
    assert Index([(1, "？！")]).alike("。") == []
