"""A draw depends on nothing but what is published, and whoever recomputes it finds any change."""

import hashlib
import hmac
import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.programme.draw import (
    Draw,
    DrawError,
    Registration,
    check,
    commitment,
    draw,
    new_seed,
    roster,
    roster_sha256,
)

SEED = "5e" * 32
PEOPLE = [Registration(f"R{n:03}", "群众代表" if n % 3 else "媒体记者") for n in range(40)]
QUOTAS = {"群众代表": 10, "媒体记者": 3}
NUMBERS = st.from_regex(r"\A[A-Za-z0-9-]{1,12}\Z")
ROSTERS = st.dictionaries(NUMBERS, st.sampled_from(list(QUOTAS)), max_size=30).map(
    lambda people: [Registration(number, category) for number, category in people.items()]
)


def test_the_result_can_be_recomputed_from_the_published_method_alone() -> None:
    """Written anew from the words of the method, without the code of the service."""
    result = draw(PEOPLE, QUOTAS, SEED, public_source="福彩3D 2023-09-20", public_value="471")
    key = hashlib.sha256(b"minsheng-draw-1\n" + SEED.encode() + b"\n471").digest()
    citizens = [person.number for person in PEOPLE if person.category == "群众代表"]
    order = sorted(citizens, key=lambda number: hmac.new(key, number.encode(), hashlib.sha256).hexdigest())
    found = [ticket for ticket in result.tickets if ticket.category == "群众代表"]
    assert [ticket.number for ticket in found] == order
    assert [ticket.selected for ticket in found] == [True] * 10 + [False] * (len(order) - 10)
    assert [ticket.rank for ticket in found] == list(range(1, len(order) + 1))


def test_commitment_and_list_can_be_checked_with_a_shell() -> None:
    def sha256sum(text: str) -> str:
        run = subprocess.run(["sha256sum"], input=text.encode(), capture_output=True, check=True)
        return run.stdout.split()[0].decode()

    assert sha256sum(SEED) == commitment(SEED)
    assert sha256sum(roster(PEOPLE, QUOTAS)) == roster_sha256(PEOPLE, QUOTAS)


@given(ROSTERS, st.randoms())
def test_the_order_of_registration_does_not_matter(people: list[Registration], random: object) -> None:
    shuffled = people.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert draw(shuffled, QUOTAS, SEED) == draw(people, QUOTAS, SEED)


@given(ROSTERS, st.integers(0, 12), st.integers(0, 12))
def test_every_registration_is_selected_or_waits_once_and_no_quota_is_exceeded(
    people: list[Registration], citizens: int, press: int
) -> None:
    quotas = {"群众代表": citizens, "媒体记者": press}
    result = draw(people, quotas, SEED)
    assert sorted(ticket.number for ticket in result.tickets) == sorted(person.number for person in people)
    for category, quota in quotas.items():
        registered = sum(person.category == category for person in people)
        selected = sum(ticket.category == category for ticket in result.selected)
        assert selected == min(quota, registered)
        assert result.unfilled[category] == quota - selected


def test_nobody_is_favoured() -> None:
    """Over many seeds each of 40 gets its place about as often: 5 standard deviations of a fair draw."""
    rounds, seats, people = 2000, 10, [Registration(f"R{n}", "群众代表") for n in range(40)]
    counts: Counter[str] = Counter()
    for n in range(rounds):
        seed = hashlib.sha256(str(n).encode()).hexdigest()
        counts.update(ticket.number for ticket in draw(people, {"群众代表": seats}, seed).selected)
    share = seats / len(people)
    allowed = 5 * (rounds * share * (1 - share)) ** 0.5
    assert all(abs(counts[person.number] - rounds * share) < allowed for person in people)


def test_the_waiting_list_moves_up_in_order_within_its_category() -> None:
    result = draw(PEOPLE, QUOTAS, SEED)
    waiting = [ticket.number for ticket in result.tickets if ticket.category == "媒体记者" and not ticket.selected]
    first = result.next_waiting("媒体记者", gone=[])
    second = result.next_waiting("媒体记者", gone=waiting[:1])
    assert first
    assert second
    assert [first.number, second.number] == waiting[:2]
    assert result.next_waiting("媒体记者", gone=waiting) is None


def test_a_published_draw_agrees_with_itself() -> None:
    result = draw(PEOPLE, QUOTAS, SEED, public_source="福彩3D 2023-09-20", public_value="471")
    assert check(result, PEOPLE, commitment(SEED), roster_sha256(PEOPLE, QUOTAS)) == []
    record = result.as_dict()
    assert record["method"] == "minsheng-draw-1"
    assert record["quotas"] == QUOTAS
    assert record["explanation"].endswith("公共随机值：福彩3D 2023-09-20，471。")


def test_a_draw_without_a_public_value_says_what_that_means() -> None:
    assert "能看到种子的人可以预知结果" in draw(PEOPLE, QUOTAS, SEED).explanation


RESULT = draw(PEOPLE, QUOTAS, SEED)


@pytest.mark.parametrize(
    ("record", "people", "sentence"),
    [
        (draw(PEOPLE, QUOTAS, "ab" * 32), PEOPLE, "种子与报名开始时公布的承诺值不符"),
        (draw(PEOPLE, {**QUOTAS, "媒体记者": 4}, SEED), PEOPLE, "报名清单与截止时公布的摘要不符"),
        (RESULT, PEOPLE[1:], "报名清单与截止时公布的摘要不符"),
        (RESULT, [*PEOPLE, Registration("R999", "群众代表")], "报名清单与截止时公布的摘要不符"),
        (
            replace(RESULT, tickets=(replace(RESULT.tickets[0], number="R999"), *RESULT.tickets[1:])),
            PEOPLE,
            "重新计算的结果与公布的结果不符",
        ),
        (replace(RESULT, public_value="472", public_source="福彩3D"), PEOPLE, "重新计算的结果与公布的结果不符"),
        (replace(RESULT, method="by hand"), PEOPLE, "抽取方法“by hand”不是minsheng-draw-1"),
        (replace(RESULT, seed="x"), PEOPLE, "种子应为64位十六进制数字"),
    ],
)
def test_whatever_was_changed_is_found(record: Draw, people: list[Registration], sentence: str) -> None:
    assert sentence in check(record, people, commitment(SEED), roster_sha256(PEOPLE, QUOTAS))


@pytest.mark.parametrize(
    ("people", "quotas", "sentence"),
    [
        ([Registration("R1", "群众代表"), Registration("R1", "媒体记者")], QUOTAS, "R1重复"),
        ([Registration("R 1", "群众代表")], QUOTAS, "不合要求"),
        ([Registration("", "群众代表")], QUOTAS, "不合要求"),
        ([Registration("R1", "路人")], QUOTAS, "没有设名额"),
        ([], {"群众代表": -1}, "不能小于0"),
        ([], {" ": 1}, "类别名称为空"),
        ([], {"群众\n代表": 1}, "换行"),
    ],
)
def test_what_cannot_be_drawn_is_refused(people: list[Registration], quotas: dict[str, int], sentence: str) -> None:
    with pytest.raises(DrawError, match=sentence):
        draw(people, quotas, SEED)


def test_a_public_source_comes_with_its_value() -> None:
    with pytest.raises(DrawError, match="同时填写"):
        draw(PEOPLE, QUOTAS, SEED, public_source="福彩3D 2023-09-20")


def test_seeds_are_new_each_time() -> None:
    assert len({new_seed() for _ in range(100)}) == 100
    assert len(commitment(new_seed())) == 64
