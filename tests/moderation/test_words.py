"""A word is found however it is disguised, and each hit can be explained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.words import MOST_HITS, How, Severity, WordList, fold, strongest

LIST = WordList(
    {
        Severity.BLOCK: ["办假证", "fuck"],
        Severity.HOLD: ["加微信", "发票", "臺灣"],
        Severity.MARK: ["上访户"],
    }
)


@pytest.mark.parametrize(
    ("text", "word", "severity", "how"),
    [
        ("这里办假证吗", "办假证", Severity.BLOCK, How.EXACT),
        ("辦假證", "办假证", Severity.BLOCK, How.FOLDED),
        ("办 假*证", "办假证", Severity.BLOCK, How.SPREAD),
        ("办\u200b假\u200d证", "办假证", Severity.BLOCK, How.SPREAD),
        ("ＦＵＣＫ", "fuck", Severity.BLOCK, How.FOLDED),
        ("f.u.c.k", "fuck", Severity.BLOCK, How.SPREAD),
        ("台湾", "臺灣", Severity.HOLD, How.FOLDED),
        # What is only likely is never more than marked.
        ("不好办。假证明怎么查", "办假证", Severity.MARK, How.LOOSE),
        ("办……假～～～～证", "办假证", Severity.MARK, How.LOOSE),
        ("加薇信", "加微信", Severity.MARK, How.PINYIN),
        ("代开 fa piao", "发票", Severity.MARK, How.PINYIN),
    ],
)
def test_a_disguised_word_is_found_and_explained(text: str, word: str, severity: Severity, how: How) -> None:
    hits = LIST.find(fold(text))
    assert [(hit.word, hit.severity, hit.how) for hit in hits] == [(word, severity, how)]
    assert how.text
    assert strongest(hits) is severity


@pytest.mark.parametrize(
    "text",
    ["", "…！", "窗口的同志很热情", "class fuckxx", "发飘", "fapiaoo", "办事很快，证件当天拿到", "\ue000\ue001\ue002"],
)
def test_an_innocent_text_is_left_alone(text: str) -> None:
    assert LIST.find(fold(text)) == []
    assert strongest([]) is None


def test_a_hit_says_where_in_the_text_as_it_was_written() -> None:
    text = "请问 办-假-证 吗"
    (hit,) = LIST.find(fold(text))
    assert text[hit.start : hit.end] == "办-假-证"


def test_a_word_listed_twice_counts_with_its_stronger_severity() -> None:
    twice = WordList({Severity.MARK: ["发票"], Severity.BLOCK: ["发票", "發票", "！！"]})
    assert twice.size == 1
    assert [hit.severity for hit in twice.find(fold("发票"))] == [Severity.BLOCK]


def test_an_empty_list_finds_nothing() -> None:
    assert WordList({}).find(fold("什么都行")) == []


def test_hits_are_bounded_and_the_strongest_are_kept() -> None:
    hits = WordList({Severity.MARK: ["哈"], Severity.BLOCK: ["骂人话"]}).find(fold("哈" * 900 + "骂人话"))
    assert len(hits) == MOST_HITS
    assert hits[-1].severity is Severity.BLOCK


@given(st.text(max_size=200))
def test_any_text_can_be_folded_and_searched(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.places)
    for hit in LIST.find(folded):
        assert 0 <= hit.start < hit.end <= len(text)
