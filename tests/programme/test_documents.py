"""The two documents on duties and deadlines say what the plan and the code say."""

import re
from datetime import date
from importlib.resources import files
from pathlib import Path

from server.programme.calendar import WorkingCalendar
from server.programme.deadlines import DeadlineKind, Form, timetable
from server.programme.plan_text import lines, tidy

ROOT = Path(__file__).parents[2]
OBLIGATIONS = (ROOT / "docs" / "obligations.md").read_text("utf-8")
DEADLINES = (ROOT / "docs" / "deadlines.md").read_text("utf-8")
PLAN = tidy(
    "".join(line for _, line in lines(files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")))
)


def test_every_clause_quoted_is_in_the_plan() -> None:
    """Words left out are marked by ……; quotation marks within a quotation are single ones here."""
    quotes = [row.split("|")[1].strip() for row in OBLIGATIONS.splitlines() if row.startswith("| “")]
    assert len(quotes) >= 20
    for quote in quotes:
        for part in quote.strip("“”").replace("‘", "“").replace("’", "”").split("……"):
            assert part in PLAN, part


def test_every_file_named_is_there() -> None:
    named = set(re.findall(r"`((?:server|feedback|streaming|tests|docs)/[\w./-]+)`", OBLIGATIONS + DEADLINES))
    assert len(named) >= 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_what_is_called_counted_or_checked_has_a_test() -> None:
    for row in (row for row in OBLIGATIONS.splitlines() if row.startswith("| ") and "| clause |" not in row):
        *_, test, state = (cell.strip() for cell in row.strip("|").split("|"))
        if state.startswith(("counted", "checked")):
            assert "tests/programme/" in test, row


def test_the_worked_table_is_what_the_code_counts() -> None:
    calendar = WorkingCalendar()
    rows = re.findall(r"^\| (20\S+) \w+ \| (\S+) \w+.*? \| (\S+) \w+.*? \| (\S+) \w+ \|$", DEADLINES, re.MULTILINE)
    assert len(rows) == 3
    for row in rows:
        day, online, in_person, materials = (date.fromisoformat(cell) for cell in row)
        for form, notice in ((Form.ONLINE, online), (Form.IN_PERSON, in_person), (Form.HYBRID, in_person)):
            found = timetable(calendar, form, day)
            dues = {deadline.kind: deadline.due for deadline in found.deadlines}
            assert dues == {DeadlineKind.NOTICE: notice, DeadlineKind.MATERIALS: materials}
