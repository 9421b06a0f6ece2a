"""Measuring the rules for kinds against labels that hold digests of texts, not the texts."""

import subprocess
import sys
from pathlib import Path

import pytest

from feedback.kinds import as_table, digest, read_kinds, wilson
from feedback.training import BadData

PUBLISHED = Path(__file__).parents[2] / "docs" / "sentiment-kinds.csv"
TEXTS = {
    "周末能不能办居住证": "question",
    "建议增加停车位": "suggestion",
    "感谢讲解": "thanks",
    "楼下好吵": "complaint",
}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    rows = "".join(f"{digest(text)},own,{kind}\n" for text, kind in TEXTS.items())
    path.write_text(f"digest,group,kind\n{rows}", encoding="utf-8")
    return path


def test_the_rules_are_measured_on_labelled_texts_alone(labels: Path, tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("text\n" + "".join(f"{text}\n" for text in (*TEXTS, "不在其中", *TEXTS)), encoding="utf-8")
    found = read_kinds(labels, [table])
    assert len(found) == len(TEXTS)
    lines = as_table(found).splitlines()
    assert "| own | 4 | 75.0 % [30.1, 95.4] of 4 |" in lines
    assert "| 投诉 | 1 | 0.0 % [0.0, 79.3] of 1 |  |" in lines
    command = [sys.executable, "-m", "server.cli", "sentiment", "kinds", "--labels", str(labels), str(table)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines() == lines
    table.write_text("text\n别的\n", encoding="utf-8")
    with pytest.raises(BadData, match="no text"):
        read_kinds(labels, [table])


def test_what_is_published_holds_digests_and_kinds_and_no_text() -> None:
    lines = PUBLISHED.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "digest,group,kind"
    assert len(lines) == len(set(lines)) == 391
    assert all(line.isascii() for line in lines)


def test_the_interval_is_that_of_wilson() -> None:
    assert wilson(85, 96) == pytest.approx((0.806, 0.935), abs=0.001)
    assert wilson(0, 0) == (0, 1)
