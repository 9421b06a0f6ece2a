"""The digest of a published version can be computed by anybody, and still can after words were deleted from it."""

import copy
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback import seals
from tests.verify import by_hand

AT = datetime(2023, 10, 20, 2, 0, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def content() -> dict[str, Any]:
    return {
        "numbers": {"received": 2},
        "questions": [{"id": 7, "text": "几点开门？", "nickname": "王**", "answer": "王女士，九点。", "votes": 3}],
        "suggestions": [
            {
                "number": 1,
                "text": "我家住三号楼，建议装灯",
                "nickname": "李**",
                "decision": "adopted",
                "reason": "三号楼下月装灯",
                "updates": [{"text": "已装"}],
            },
            {"number": 2, "text": "延长时间", "nickname": "赵**", "decision": "not-adopted", "reason": "人手不足"},
        ],
    }


def one(number: int) -> Any:
    return lambda section, item: section == "suggestions" and item["number"] == number


def test_anybody_computes_the_same_digest() -> None:
    published = seals.sealed(content())
    assert seals.digest(published) == by_hand(published)
    assert seals.digest(json.loads(json.dumps(published))) == seals.digest(published)
    assert seals.digest(seals.sealed(content())) != seals.digest(published)  # other salts


@pytest.mark.parametrize("parts", [("words",), ("words", "reply")])
def test_a_digest_outlives_the_deletion_of_words(parts: tuple[str, ...]) -> None:
    published = seals.sealed(content())
    before = seals.digest(published)
    left = seals.remove(published, one(1), parts, AT)
    assert left is not None
    assert seals.digest(left) == by_hand(left) == before
    assert seals.verifiable(left)
    assert seals.shortened(left) == 1
    told = json.dumps(left, ensure_ascii=False)
    assert "三号楼，" not in told
    assert ("三号楼下月装灯" in told) is ("reply" not in parts)
    assert ("已装" in told) is ("reply" not in parts)
    first = left["suggestions"][0]
    assert (first["text"], first["nickname"], first["decision"]) == (seals.REMOVED, "", "adopted")
    assert first["removed"]["words"] == "2023-10-20T02:00:00Z"
    # The salt is gone with the words: who guesses them cannot find out that the guess is right.
    assert published["suggestions"][0]["salts"]["words"] not in told
    assert left["suggestions"][1] == published["suggestions"][1]
    assert "三号楼" in published["suggestions"][0]["text"]  # what was given is not changed


def test_words_first_and_the_reply_later() -> None:
    published = seals.sealed(content())
    once = seals.remove(published, one(1), ("words",), AT)
    assert once is not None
    twice = seals.remove(once, one(1), ("words", "reply"), AT)
    assert twice is not None
    assert seals.digest(twice) == seals.digest(published)
    assert seals.remove(twice, one(1), ("words", "reply"), AT) is None
    assert seals.remove(twice, one(9), ("words",), AT) is None


def test_any_other_change_shows() -> None:
    published = seals.sealed(content())
    before = seals.digest(published)
    left = seals.remove(published, one(1), ("words",), AT)
    assert left is not None
    edits: tuple[Callable[[Any], object], ...] = (
        lambda it: it["suggestions"][1].update(text="延长时间！"),
        lambda it: it["suggestions"][0].update(decision="not-adopted"),
        lambda it: it["suggestions"][0].update(reason="不装"),
        lambda it: it["questions"][0].update(answer="十点。"),
        lambda it: it["numbers"].update(received=1),
        lambda it: it["suggestions"].reverse(),
        lambda it: it.update(note="改了"),
    )
    for edit in edits:
        other = copy.deepcopy(left)
        edit(other)
        assert seals.digest(other) != before


def test_versions_of_before_keep_their_digest_until_they_are_shortened() -> None:
    old = content()
    canonical = json.dumps(old, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert seals.digest(old) == hashlib.sha256(canonical.encode()).hexdigest()
    assert seals.verifiable(old)
    left = seals.remove(old, lambda section, item: section == "questions", ("words",), AT)
    assert left is not None
    assert not seals.verifiable(left)
    assert left["questions"][0]["text"] == seals.REMOVED
    assert "salts" not in left["questions"][0]


@given(text=TEXTS, reason=TEXTS, nickname=TEXTS)
def test_whatever_was_written(text: str, reason: str, nickname: str) -> None:
    given_content = content()
    given_content["suggestions"][0] |= {"text": text, "reason": reason, "nickname": nickname}
    published = seals.sealed(given_content)
    left = seals.remove(published, one(1), ("words", "reply"), AT)
    assert left is not None
    assert seals.digest(published) == by_hand(published) == seals.digest(left) == by_hand(left)
