"""Before an import changes anything, it says what it would change."""

from dataclasses import replace
from importlib.resources import files

from server.programme.plan import load_plan_2023
from server.programme.plan_diff import Effect, FieldChange, diff
from server.programme.plan_reader import read_plan

PLAN = load_plan_2023()
TEXT = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")


def test_a_second_import_of_the_same_text_changes_nothing() -> None:
    assert diff(PLAN.activities, read_plan(TEXT)) == ()
    assert diff(PLAN.activities, read_plan("\n\n" + TEXT)) == (), "another line number is no change"


def test_a_first_import_brings_everything_and_marks_the_inferred_units() -> None:
    changes = diff([], PLAN)
    assert [change.slug for change in changes] == [activity.slug for activity in PLAN.activities]
    assert {change.effect for change in changes} == {Effect.NEW}
    assert [change.slug for change in changes if change.inferred] == ["k01", "k02", "k03", "k04"]
    assert FieldChange("主责单位", "", "采育镇") in changes[0].fields


def test_a_changed_paragraph_shows_what_from_and_what_to() -> None:
    plan = read_plan(TEXT.replace("（司法服务）", "（法律服务）").replace("主责单位：司法局", "主责单位：司法局、教委"))
    (change,) = diff(PLAN.activities, plan)
    assert (change.slug, change.effect, change.inferred) == ("k07", Effect.CHANGED, False)
    assert change.fields == (
        FieldChange("名称", "司法服务", "法律服务"),
        FieldChange("主责单位", "司法局", "司法局、教委"),
    )


def test_a_corrected_pairing_is_not_to_be_undone_unasked() -> None:
    corrected = [replace(a, units=("yufa",)) if a.slug == "k01" else a for a in PLAN.activities]
    (change,) = diff(corrected, PLAN)
    assert (change.slug, change.inferred) == ("k01", True)
    assert change.fields == (FieldChange("主责单位", "榆垡镇", "采育镇"),)


def test_what_the_plan_does_not_name_stays() -> None:
    own = replace(PLAN.activities[0], slug="own-1")
    (change,) = diff([*PLAN.activities, own], PLAN)
    assert (change.slug, change.effect, change.fields) == ("own-1", Effect.ABSENT, ())


def test_another_years_plan_stands_beside_the_first() -> None:
    plan = read_plan(TEXT, slug_prefix="2024-")
    assert plan.activities[0].slug == "2024-k01"
    changes = diff(PLAN.activities, plan)
    assert {change.effect for change in changes} == {Effect.NEW, Effect.ABSENT}
