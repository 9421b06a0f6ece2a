"""The plan's text becomes 22 activities, and a damaged text becomes what is clear and a list of what is not."""

import time
from collections.abc import Callable
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.programme.plan import Plan, PlannedActivity, as_json, from_json, load_plan_2023
from server.programme.plan_reader import read_plan
from server.programme.units import KNOWN

TEXT = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")
LINES = TEXT.split("\n")


def slugs(plan: Plan) -> list[str]:
    return [activity.slug for activity in plan.activities]


def activity(plan: Plan, slug: str) -> PlannedActivity:
    return next(activity for activity in plan.activities if activity.slug == slug)


def unit_names(plan: Plan) -> dict[str, str]:
    names = {unit.id: unit.name for unit in plan.units}
    return {activity.slug: "、".join(names[unit] for unit in activity.units) for activity in plan.activities}


def line_of(start: str) -> int:
    return next(number for number, line in enumerate(LINES, start=1) if line.strip().startswith(start))


def block(first: str, next_first: str) -> str:
    """The text from the line that begins with `first` up to the line that begins with `next_first`."""
    return "\n".join(LINES[line_of(first) - 1 : line_of(next_first) - 1]) + "\n"


ALL = [f"k{n:02}" for n in range(1, 18)] + [f"j{n:02}" for n in range(1, 6)]


# The plan as it is


def test_all_activities_are_read_with_their_units_and_titles() -> None:
    plan = read_plan(TEXT)
    assert slugs(plan) == ALL
    assert unit_names(plan) == {
        "k01": "采育镇",
        "k02": "榆垡镇",
        "k03": "兴丰街道",
        "k04": "政务服务局",
        "k05": "观音寺街道",
        "k06": "北臧村镇",
        "k07": "司法局",
        "k08": "城管委",
        "k09": "人保局",
        "k10": "国动办",
        "k11": "旧宫镇",
        "k12": "瀛海镇",
        "k13": "长子营镇",
        "k14": "市场监管局",
        "k15": "财政局",
        "k16": "国资委",
        "k17": "教委",
        "j01": "统计局",
        "j02": "财政局",
        "j03": "人保局",
        "j04": "医保局",
        "j05": "城管委",
    }
    assert [activity.title for activity in plan.activities[6:13]] == [
        "司法服务",
        "城管服务",
        "仲裁调解",
        "安全管理",
        "民生实事",
        "服务创城",
        "养老驿站",
    ]
    assert activity(plan, "j01").title == "入统和五经普宣讲"


def test_the_topics_are_five_and_one_has_two_spellings() -> None:
    plan = read_plan(TEXT)
    topics = [activity.topic for activity in plan.activities]
    assert topics == (
        ["优化营商环境"] * 6
        + ["便民惠民服务"] * 2
        + ["保障改善民生"] * 3
        + ["创建文明城区"] * 2
        + ["政策专属“礼包”"] * 4
        + [None] * 5
    )


def test_the_units_are_nineteen_and_one_receives_filings() -> None:
    plan = read_plan(TEXT)
    assert len(plan.units) == 19
    assert set(plan.units) == set(KNOWN.values())
    assert len({unit.id for unit in plan.units}) == 19
    assert [unit.name for unit in plan.units if unit.receives_filings] == ["政务服务局"]


def test_the_document_is_known_by_its_facts() -> None:
    plan = read_plan(TEXT)
    assert plan.title == "大兴区2023年政民互动工作总体方案"
    assert plan.document_number == "京兴政务公开办发〔2023〕2号"
    assert plan.issuer == "大兴区政务公开工作领导小组办公室"
    assert (str(plan.issued_on), str(plan.first), str(plan.last)) == ("2023-07-28", "2023-08-01", "2023-11-30")
    assert plan.public


def test_the_column_of_the_website_follows_the_kind() -> None:
    columns = {activity.slug[0]: activity.kind.column for activity in read_plan(TEXT).activities}
    assert columns == {"k": "政务开放日", "j": "政策公开讲"}


def test_torn_lines_are_joined_and_the_page_number_is_gone() -> None:
    plan = read_plan(TEXT)
    assert activity(plan, "k13").description == (
        "开展以“爱老敬老助老 共享幸福晚年驿站”为活动主题的政务开放活动。观摩幸福晚年驿站日常运行情况，"
        "体验驿站日常工作，充分展现政府部门在重大民生实事、社会福利和社会公益领域的工作成果。"
    )
    assert activity(plan, "j04").description.startswith("通过对群众最关心的")
    assert "内容包括2023年惠民保、2023年医保报销政策" in activity(plan, "j04").description
    for planned in plan.activities:
        assert "主责单位" not in planned.description
        assert planned.description.endswith("。")


def test_the_one_inference_is_marked_and_nothing_is_unread() -> None:
    plan = read_plan(TEXT)
    assert plan.unread == ()
    assert [(remark.line, remark.why[:6]) for remark in plan.doubts] == [(69, "4个开放点与")]
    assert [planned.slug for planned in plan.activities if planned.inferred] == ["k01", "k02", "k03", "k04"]


def test_the_data_of_the_service_is_what_the_importer_makes() -> None:
    assert files("server.programme").joinpath("data/plan-2023.json").read_text("utf-8") == as_json(read_plan(TEXT))
    assert load_plan_2023() == read_plan(TEXT)
    assert from_json(as_json(load_plan_2023())) == load_plan_2023()


def test_the_plan_is_read_in_under_a_second() -> None:
    begin = time.process_time()
    read_plan(TEXT)
    assert time.process_time() - begin < 1


# Other layouts of the same text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("\n\n", "\n"), id="no blank lines"),
        pytest.param(lambda text: text.replace("\n ", "\n\f"), id="form feeds between pages"),
        pytest.param(lambda text: text.replace("\n ", "\n\n— 12 —\n\f"), id="page numbers between pages"),
        pytest.param(lambda text: text.replace("（", "(").replace("）", ")"), id="half-width brackets"),
        pytest.param(lambda text: text.replace("“", '"').replace("”", '"'), id="straight quotation marks"),
        pytest.param(lambda text: text.replace(" ", ""), id="no spaces"),
        pytest.param(lambda text: text.replace("（5）户外", "5.户外"), id="the fifth lecture numbered like the others"),
        pytest.param(lambda text: text.replace("1、2、3、4", "1-4"), id="a range of points"),
    ],
)
def test_another_layout_gives_the_same_activities(change: Callable[[str], str]) -> None:
    plan = read_plan(change(TEXT))
    assert slugs(plan) == ALL
    assert unit_names(plan) == unit_names(load_plan_2023())
    assert plan.unread == ()


# Damaged texts


def test_a_missing_paragraph_is_named_where_it_was_expected() -> None:
    plan = read_plan(TEXT.replace(block("（2）开放点 5", "（3）开放点 6"), ""))
    assert slugs(plan) == [slug for slug in ALL if slug != "k05"]
    assert [(remark.line, remark.why) for remark in plan.unread] == [(79, "此前没有读到开放点5")]


def test_a_missing_paragraph_with_four_points_is_named_as_a_run() -> None:
    plan = read_plan(TEXT.replace(block("（1） 开放点 1", "（2）开放点 5"), ""))
    assert slugs(plan) == ALL[4:]
    assert [remark.why for remark in plan.unread] == ["此前没有读到开放点1至4"]
    assert activity(plan, "k05").topic == "优化营商环境"


def test_a_paragraph_that_comes_twice_is_imported_once() -> None:
    paragraph = block("（2）开放点 5", "（3）开放点 6")
    plan = read_plan(TEXT.replace(paragraph, paragraph * 2))
    assert slugs(plan) == ALL
    assert plan.unread == ()
    assert (87, "与第79行的段落相同，只导入一次") in [(remark.line, remark.why) for remark in plan.doubts]


def test_two_paragraphs_that_claim_one_number_are_both_left_out() -> None:
    plan = read_plan(TEXT.replace("开放点 11（", "开放点 10（"))
    assert slugs(plan) == [slug for slug in ALL if slug not in ("k10", "k11")]
    assert [(remark.line, remark.why) for remark in plan.unread] == [
        (126, "编号与第134行的段落重复，内容不同"),
        (134, "编号与第126行的段落重复，内容不同"),
        (144, "此前没有读到开放点10至11"),
    ]


def test_a_number_that_goes_back_to_another_ones_is_left_out_and_the_other_stays() -> None:
    plan = read_plan(TEXT.replace("开放点 11（", "开放点 3（"))
    assert slugs(plan) == [slug for slug in ALL if slug != "k11"]
    assert [(remark.line, remark.why) for remark in plan.unread] == [
        (134, "编号与前后的段落不符"),
        (144, "此前没有读到开放点11"),
    ]


@pytest.mark.parametrize(("point", "line"), [("开放点 6（", 87), ("开放点 17（", 198), ("开放点 10（", 126)])
def test_a_number_that_leaps_is_left_out(point: str, line: int) -> None:
    plan = read_plan(TEXT.replace(point, "开放点 99（"))
    number = int(point[3:-1])
    assert slugs(plan) == [slug for slug in ALL if slug != f"k{number:02}"]
    assert line in [remark.line for remark in plan.unread]
    assert all(remark.line for remark in plan.unread)


def test_a_renumbered_lecture_is_left_out() -> None:
    plan = read_plan(TEXT.replace("3.人社普法", "30.人社普法"))
    assert slugs(plan) == [slug for slug in ALL if slug != "j03"]
    assert [(remark.line, remark.why) for remark in plan.unread] == [
        (231, "编号与前后的段落不符"),
        (241, "此前没有读到政策公开讲3"),
    ]


def test_swapped_paragraphs_are_imported_in_the_order_of_their_numbers_and_noted() -> None:
    first, second = block("（1）开放点 7", "（2）开放点 8"), block("（2）开放点 8", "3.“保障改善民生”")
    plan = read_plan(TEXT.replace(first + second, second + first))
    assert slugs(plan) == ALL
    assert any(remark.why == "编号没有按先后顺序" for remark in plan.doubts)


def test_a_paragraph_without_its_unit_is_left_out_with_the_reason() -> None:
    plan = read_plan(TEXT.replace("（主责单位：司法局）", ""))
    assert slugs(plan) == [slug for slug in ALL if slug != "k07"]
    assert plan.unread[0].line == 97
    assert plan.unread[0].why == "段落末尾没有读到主责单位"
    assert plan.unread[0].text.startswith("（1）开放点7（司法服务）")


def test_four_points_with_three_units_are_left_out() -> None:
    plan = read_plan(TEXT.replace("采育镇、榆垡镇、", "采育镇、"))
    assert slugs(plan) == ALL[4:]
    assert plan.unread[0].why == "4个开放点与3个主责单位对应不上"


def test_one_point_may_have_several_units() -> None:
    plan = read_plan(TEXT.replace("（主责单位：司法局）", "（主责单位：司法局、教委）"))
    assert activity(plan, "k07").units == ("sifaju", "jiaowei")
    assert not activity(plan, "k07").inferred


def test_a_missing_topic_heading_leaves_the_topic_open() -> None:
    plan = read_plan(TEXT.replace("3.“保障改善民生”专题", ""))
    assert slugs(plan) == ALL
    assert [activity(plan, f"k{n:02}").topic for n in (8, 9, 11, 12)] == ["便民惠民服务", None, None, "创建文明城区"]
    assert [remark.line for remark in plan.doubts if "专题留空" in remark.why] == [118, 126, 134]


def test_a_topic_without_points_is_named() -> None:
    plan = read_plan(TEXT.replace(block("（1）开放点 7", "3.“保障改善民生”"), ""))
    assert (95, "专题之下没有读到开放点") in [(remark.line, remark.why) for remark in plan.unread]
    assert any(remark.why == "此前没有读到开放点7至8" for remark in plan.unread)


def test_a_paragraph_that_lost_its_marker_is_still_its_own() -> None:
    plan = read_plan(TEXT.replace("（2）开放点 5（", "开放点 5（"))
    assert slugs(plan) == ALL
    assert unit_names(plan)["k01"] == "采育镇"


def test_a_lecture_without_a_number_is_left_out() -> None:
    plan = read_plan(TEXT.replace("3.人社普法", "人社普法"))
    assert slugs(plan) == [slug for slug in ALL if slug != "j03"]
    assert [(remark.line, remark.why) for remark in plan.unread] == [
        (231, "没有编号，看不出是第几场政策公开讲"),
        (241, "此前没有读到政策公开讲3"),
    ]


def test_without_the_lectures_heading_the_lectures_are_listed_and_the_points_kept() -> None:
    plan = read_plan(TEXT.replace("（二）政策公开讲活动", ""))
    assert slugs(plan) == ALL[:17]
    assert [remark.line for remark in plan.unread] == [209, 219, 231, 241, 250]


def test_a_new_unit_gets_a_stable_id_and_is_pointed_out() -> None:
    plan = read_plan(TEXT.replace("主责单位：司法局", "主责单位：园林局"))
    unit = activity(plan, "k07").units[0]
    assert unit == activity(read_plan(TEXT.replace("主责单位：教委", "主责单位：区园林局")), "k17").units[0]
    assert unit.isascii()
    assert any(remark.text == "园林局" and remark.line == 97 for remark in plan.doubts)


@pytest.mark.parametrize("text", ["", "\0\0\0", "今天天气不错。\n", "5\n\n\f6\n"])
def test_a_text_that_is_no_plan_says_so(text: str) -> None:
    plan = read_plan(text)
    assert plan.activities == ()
    assert plan.unread[0].why == "全文没有读到任何开放点或政策公开讲"


STARTS = [activity.line for activity in load_plan_2023().activities]
BEGINNINGS = sorted(set(STARTS) | {line_of(f"{n}.“") for n in range(1, 6)} | {line_of("（二）政策"), line_of("三、")})


def paragraph_at(line: int) -> str:
    following = BEGINNINGS[BEGINNINGS.index(line) + 1]
    return "\n".join(LINES[line - 1 : following - 1])


@given(st.sets(st.sampled_from(STARTS)), st.sets(st.sampled_from(STARTS)))
def test_whatever_paragraphs_are_lost_or_doubled_the_others_are_imported_as_they_are(
    lost: set[int], doubled: set[int]
) -> None:
    lines = LINES[: BEGINNINGS[0] - 1]
    for line in BEGINNINGS[:-1]:
        lines.extend([paragraph_at(line)] * (0 if line in lost else 2 if line in doubled else 1))
    plan, whole = read_plan("\n".join([*lines, *LINES[259:]])), load_plan_2023()
    expected = [activity for activity in whole.activities if activity.line not in lost]
    assert slugs(plan) == [activity.slug for activity in expected]
    for planned in expected:
        found = activity(plan, planned.slug)
        assert (found.topic, found.title, found.units, found.description) == (
            planned.topic,
            planned.title,
            planned.units,
            planned.description,
        )


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_plan("二、工作内容\n（一）政务开放日\n" + text + "\n（1）开放点" + text)
