"""Whatever comes from outside can be stored and printed afterwards, and what was fine stays as it was."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.text import clean, count_han, has_han, is_blank, mask_name

# Everything that a JSON string can hold, unpaired surrogates included.
anything = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from("\r\n\t\x00\x7f\x85\ud800\ufffe a字")
)


@given(anything)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(anything)
def test_a_clean_text_is_utf8_and_xml(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    element = ElementTree.Element("t")
    element.text = cleaned
    assert ElementTree.fromstring(ElementTree.tostring(element)).text == (cleaned or None)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn"))))
def test_characters_with_a_meaning_stay(text: str) -> None:
    assert clean(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b", "a␀b"),
        ("\x1b[31m红\x7f", "␛[31m红␡"),
        ("一\r\n二\r三\t四", "一\n二␍三\t四"),
        ("\u3000 居中 \n", "居中"),
        ("\x85\x9f", "\ufffd\ufffd"),
        ("坏\ud800的", "坏\ufffd的"),
        ("\ufdd0\uffff\U0010ffff", "\ufffd\ufffd\ufffd"),
        ("👨‍👩‍👧 👍🏽 𠮷 \u202eabc\u202c \u200f", "👨‍👩‍👧 👍🏽 𠮷 \u202eabc\u202c \u200f"),
    ],
)
def test_what_becomes_of_each(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200d", "\u202e\u202c", "\ufeff", "\ufe0f", "\u0301"])
def test_a_reader_sees_nothing(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["。", "👍", "␀", "字", "\u202e字"])
def test_a_reader_sees_something(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("朱文静", "朱**"),
        ("朱", "朱**"),
        ("13812345678", "1**"),
        ("𠮷田", "𠮷**"),
        ("", "网友"),
        (" \u200b", "网友"),
        ("👍🏽小李", "👍🏽**"),
        ("👨‍👩‍👧一家", "👨‍👩‍👧**"),
        ("\u202e朱某", "朱**"),
        ("e\u0301ric", "e\u0301**"),
        ("\x00王", "␀**"),
    ],
)
def test_a_name_is_masked(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@given(anything)
def test_masking_never_fails_and_never_shows_more_than_one_letter(name: str) -> None:
    masked = mask_name(name)
    assert masked == "网友" or masked.endswith("**")
    assert masked == "网友" or sum(character.isalnum() for character in masked) <= 1


def test_han_of_all_blocks_counts() -> None:
    assert has_han("abc𠮷")
    assert has_han("〇")
    assert not has_han("ひらがな 한글 abc ，。")
    assert count_han("大兴𠮷 abc") == 3
