"""The scorer gives snownlp's own number, bit for bit, and no number where snownlp's would mean nothing."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.bench import comments
from feedback.corpus import Corpus, ModelMismatch
from feedback.scorer import Label, Scorer, score, snownlp_folder

HAN = [chr(code) for code in range(0x4E00, 0x9FA6)]
COMMON = "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会没好"
OUTSIDE = "𠮷㐀龥龦〇，。！？ \n\tabcＡ１😀ـé\x00\u200d\ufeff"


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """One scorer for the module: loading takes a second."""
    loaded = Scorer()
    loaded.load()
    return loaded


@pytest.fixture(scope="module")
def snow() -> type:
    """The reference itself: 2 s and 400 MB, in the tests alone."""
    from snownlp import SnowNLP

    reference: type = SnowNLP
    return reference


def mixed(count: int) -> list[str]:
    """Texts that reviews never hold: rare characters, mixed scripts, cut and swapped sentences."""
    chance = random.Random(20230927)  # the same texts in every run
    base = [text[:24] for text in comments(count)]
    texts = []
    for index in range(count):
        kind = index % 4
        length = chance.randint(1, 30)
        if kind == 0:
            texts.append("".join(chance.choice(HAN) for _ in range(length)))
        elif kind == 1:
            texts.append("".join(chance.choice(HAN if chance.random() < 0.2 else COMMON) for _ in range(length)))
        elif kind == 2:
            text = list(chance.choice(base))
            for _ in range(3):
                text.insert(chance.randint(0, len(text)), chance.choice(OUTSIDE))
            texts.append("".join(text))
        else:
            text = list(chance.choice(base))
            chance.shuffle(text)
            texts.append("".join(text))
    return texts


def test_equal_to_snownlp_on_more_than_five_thousand_texts(scorer: Scorer, snow: type) -> None:
    reviews = [text[: 6 + index % 25] for index, text in enumerate(comments(3_000))]
    texts = reviews + mixed(2_600)
    wrong, scored = [], 0
    for text in texts:
        mine = scorer.sentiment(text)
        if mine is None:
            continue
        scored += 1
        reference = snow(text).sentiments
        if mine != reference:
            wrong.append((text, mine, reference))
    assert wrong == []
    assert scored > 5_000


def test_equal_where_all_paths_die(scorer: Scorer, snow: type) -> None:
    # 龘 is not in the corpus, and a character that is never a word by itself before it leaves no path alive.
    never_single = [c for c in HAN[:6_000:7] if (known := scorer_character(scorer, c)) is not None and not known[3]]
    assert len(never_single) > 20
    for first in never_single[:60]:
        for text in (
            f"好{first}龘了不起",
            f"{first}龘",
            f"{first}龘龘好",
            f"龘{first}龘",
            f"我{first}龘{first}龘{first}",
        ):
            assert scorer.sentiment(text) == snow(text).sentiments, text


def scorer_character(scorer: Scorer, character: str) -> tuple[int, ...] | None:
    """How often *character* has each tag in the corpus."""
    known = scorer._segmenter._character(character)  # type: ignore[union-attr] # the test looks inside
    return None if known is None else known.counts


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "👍👍", "hello, world", "12345", "𠮷", "。！？", "[]", "\x00", "\ud800", "的", "是的 了", "ひらがな"],
)
def test_what_cannot_be_scored_has_no_number(scorer: Scorer, text: str) -> None:
    result = scorer.score(text)
    assert result.score is None
    assert result.label is Label.UNSCORED


@settings(deadline=None)  # the first example loads the model
@given(st.text(st.characters(exclude_categories=())))
def test_no_text_is_an_error(text: str) -> None:
    result = score(text)
    assert (result.score is None) == (result.label is Label.UNSCORED)
    assert result.score is None or 0 <= result.score <= 1


def test_time_grows_with_the_text_and_not_with_its_square(scorer: Scorer) -> None:
    run = "".join(c for text in comments(3_000) for c in text if "\u4e00" <= c <= "\u9fa5")[:40_000]
    scorer.sentiment(run)  # from here on the caches are warm
    times = {}
    for length in (10_000, 40_000):
        attempts = []
        for _ in range(5):
            begun = time.perf_counter()
            scorer.sentiment(run[:length])
            attempts.append(time.perf_counter() - begun)
        times[length] = min(attempts)
    assert times[40_000] < 4 * 2 * times[10_000]


def test_the_order_is_kept(scorer: Scorer) -> None:
    texts = comments(50)
    assert [result.score for result in scorer.score_many(texts)] == [scorer.sentiment(text) for text in texts]


def test_the_model_is_named(scorer: Scorer) -> None:
    assert scorer.score("很好").model == "snownlp-0.12.3+ms1"
    assert scorer.load_seconds is not None


def test_snownlp_itself_is_not_imported() -> None:
    program = "import sys; from feedback.scorer import score; score('很好'); print('snownlp' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_another_corpus_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "data.txt"
    other.write_text("很/b 好/e\n", encoding="utf-8")
    with pytest.raises(ModelMismatch):
        Corpus(other)
    other.write_text("很/b  好/e\n", encoding="utf-8")
    with pytest.raises(ModelMismatch):
        Corpus(other)


def test_the_weights_are_those_that_snownlp_trained(snow: type) -> None:
    from snownlp.seg import segger

    from feedback import segmenter

    model = segger.segger
    assert (model.l1, model.l2, model.l3) == (segmenter._L1, segmenter._L2, segmenter._L3)
    assert snownlp_folder().name == "snownlp"
