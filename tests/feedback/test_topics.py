"""What is proposed for filing suggestions by topic, and how what was filed is counted."""

from feedback.topics import UNFILED, Proposal, counted, proposals

TEXTS = {
    1: "建议在小区门口增设电动车充电桩",
    2: "充电桩太少，希望多装一些",
    3: "希望延长服务大厅的开放时间",
    4: "能不能周末也开放时间长一点",
    5: "路灯坏了",
}


def test_common_words_are_proposed_each_suggestion_once() -> None:
    found = proposals(TEXTS)
    assert Proposal("充电桩", (1, 2)) in found
    assert Proposal("开放时间", (3, 4)) in found
    assert sorted(number for proposal in found for number in proposal.numbers) == [1, 2, 3, 4]


def test_what_the_clerk_uses_already_comes_first_and_needs_one_alone() -> None:
    found = proposals(TEXTS, ["路灯", "充电桩"])
    assert Proposal("路灯", (5,)) in found
    assert proposals({}, ["路灯"]) == []


def test_counts_say_what_is_unfiled() -> None:
    assert counted(["停车", "", "停车", "教育"]) == {"停车": 2, "教育": 1, UNFILED: 1}
    assert list(counted(["教育", "停车", "停车"])) == ["停车", "教育"]
    assert counted([]) == {}
