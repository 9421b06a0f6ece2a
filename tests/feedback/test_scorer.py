"""The scorer gives snownlp's own number, bit for bit, and no number where snownlp's would mean nothing."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.bayes import snownlp_folder
from feedback.bench.scorer import comments, first_start
from feedback.compiled import Compiled
from feedback.corpus import Corpus, ModelMismatch
from feedback.reference import PurePython, Reference
from feedback.scorer import Label, Scorer, score
from feedback.trained import shipped

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
def pure() -> PurePython:
    return PurePython()


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return Compiled()


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


def test_both_ways_equal_snownlp_on_more_than_five_thousand_texts(
    pure: PurePython, compiled: Compiled, snow: type
) -> None:
    reviews = [text[: 6 + index % 25] for index, text in enumerate(comments(3_000))]
    texts = reviews + mixed(2_600)
    ours = pure.sentiments(texts)
    assert compiled.sentiments(texts) == ours
    scored = [
        (text, score, snow(text).sentiments) for text, score in zip(texts, ours, strict=True) if score is not None
    ]
    assert [(text, score, reference) for text, score, reference in scored if score != reference] == []
    assert len(scored) > 5_000


def test_both_ways_equal_where_all_paths_die(pure: PurePython, compiled: Compiled, snow: type) -> None:
    # 龘 is not in the corpus, and a character that is never a word by itself before it leaves no path alive.
    never_single = [c for c in HAN[:6_000:7] if (known := occurrences(pure, c)) is not None and not known[3]]
    assert len(never_single) > 20
    texts = [
        text
        for first in never_single[:60]
        for text in (
            f"好{first}龘了不起",
            f"{first}龘",
            f"{first}龘龘好",
            f"龘{first}龘",
            f"我{first}龘{first}龘{first}",
        )
    ]
    expected = [snow(text).sentiments for text in texts]
    assert pure.sentiments(texts) == expected
    assert compiled.sentiments(texts) == expected


def occurrences(pure: PurePython, character: str) -> tuple[int, ...] | None:
    """How often *character* has each tag in the corpus."""
    known = pure.segmenter._character(character)  # the test looks inside
    return None if known is None else known.counts


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.text(st.sampled_from(COMMON + "龘龘𠮷乂亍丨丶。 ，\n\x1c\u3000\xa0a") | st.characters(exclude_categories=()))
    )
)
def test_both_ways_are_one_on_any_text(pure: PurePython, compiled: Compiled, texts: list[str]) -> None:
    assert compiled.sentiments(texts) == pure.sentiments(texts)


def test_many_long_texts_are_scored_in_parts_and_in_order(
    pure: PurePython, compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.compiled._BATCH", 50)
    texts = [*comments(40), "", "好" * 200, "👍", "不好"]
    assert compiled.sentiments(texts) == pure.sentiments(texts)
    assert compiled.sentiments([]) == []


def test_without_a_usable_numba_the_score_is_the_same_and_slower(
    pure: PurePython, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert Scorer().engine == "numba"
    # What an import of it meets when numba is too old.
    monkeypatch.setitem(sys.modules, "feedback.compiled_code", None)
    scorer = Scorer()
    assert scorer.engine == "python"
    assert "cannot be used" in caplog.text
    assert scorer.sentiment("很好") == pure.sentiments(["很好"])[0]


def test_a_start_that_compiles_gives_the_same_scores_and_stays_small(pure: PurePython) -> None:
    texts = [*comments(50), "👍"]
    first = first_start(texts)
    assert first["scores"] == pure.sentiments(texts)
    assert first["megabytes"] < 250


def test_the_tables_are_made_before_numba_comes() -> None:
    # Together the two would take 60 MB more at the peak; see feedback.compiled.
    program = "import sys, feedback.compiled; print('numba' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "🙈🙈", "hello, world", "12345", "𠮷", "。！？", "[]", "\x00", "\ud800", "的", "是的 了", "ひらがな"],
)
def test_what_cannot_be_scored_has_no_number(scorer: Scorer, text: str) -> None:
    result = scorer.score(text)
    assert result.score is None
    assert result.label is Label.UNSCORED


@settings(deadline=None)  # the first example loads the model
@given(st.text(st.characters(exclude_categories=())))
def test_no_text_is_an_error(text: str) -> None:
    result = score(text)
    # Signs of feeling have a label of their own.
    assert result.score is None or result.label is not Label.UNSCORED
    assert result.score is None or 0 <= result.score <= 1


@pytest.mark.parametrize("way", ["pure", "compiled"])
def test_time_grows_with_the_text_and_not_with_its_square(way: str, request: pytest.FixtureRequest) -> None:
    reference: Reference = request.getfixturevalue(way)
    run = "".join(c for text in comments(6_000) for c in text if "\u4e00" <= c <= "\u9fa5")[:80_000]
    reference.sentiments([run])  # from here on the caches are warm
    times = {}
    for length in (10_000, 80_000):
        attempts = []
        for _ in range(5):
            begun = time.process_time()
            reference.sentiments([run[:length]])
            attempts.append(time.process_time() - begun)
        times[length] = min(attempts)
    assert times[80_000] < 8 * 4 * times[10_000]  # the square would be 64


def test_the_order_is_kept(scorer: Scorer) -> None:
    texts = comments(50)
    assert [result.score for result in scorer.score_many(texts)] == [scorer.sentiment(text) for text in texts]


def test_the_model_is_named(scorer: Scorer) -> None:
    assert scorer.score("很好").model == f"snownlp-0.12.3+{shipped().full_name}"
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
    assert (model.l1, model.l2, model.l3) == (segmenter.L1, segmenter.L2, segmenter.L3)
    assert snownlp_folder().name == "snownlp"
