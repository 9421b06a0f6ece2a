"""主题词: what many texts have in common."""

from hypothesis import given
from hypothesis import strategies as st

from feedback.keywords import LEAST_TEXTS, Keyword, keywords

TEXTS = [
    "建议在小区门口增设电动车充电桩",
    "充电桩太少了",
    "能不能多装几个充电桩？充电桩！",
    "老年证在哪里办理，需要带什么材料？",
    "老年证周末能办吗",
    "周末能不能办居住证？",
    "居住证怎么办",
]


def test_words_are_counted_by_the_texts_that_hold_them() -> None:
    assert keywords(TEXTS) == (
        Keyword("充电桩", 3),
        Keyword("居住证", 2),
        Keyword("老年证", 2),
        Keyword("周末", 2),
    )


def test_the_order_of_the_texts_does_not_matter() -> None:
    assert keywords(reversed(TEXTS)) == keywords(TEXTS)


def test_what_is_said_once_is_no_subject() -> None:
    assert keywords(["地下车库什么时候开放"]) == ()
    assert keywords([]) == ()
    assert keywords(["123", "abc", "👍👍", "的了吗", "好"] * 5) == ()


@given(st.lists(st.text(alphabet="充电桩老年证的在", max_size=12), max_size=12))
def test_every_word_is_in_as_many_texts_as_it_says(texts: list[str]) -> None:
    for keyword in keywords(texts):
        assert keyword.texts == sum(keyword.word in text for text in texts) >= LEAST_TEXTS
        assert 2 <= len(keyword.word) <= 4
