"""What was asked again and again, over activities."""

from feedback.recurring import Asked, recurring


def test_the_same_question_in_two_activities_is_one_group() -> None:
    groups = recurring(
        [
            Asked(1, "k01", "老年证在哪里办理？", settled=True),
            Asked(2, "k02", "请问老年证在哪儿办理", settled=False, merged=2),
            Asked(3, "k02", "地下车库什么时候开放？", settled=True),
            Asked(4, "k01", "小区门口的路灯坏了", settled=False, merged=1),
        ]
    )
    assert [(group.entries[0].id, group.times, group.activities, group.unsettled) for group in groups] == [
        (1, 4, ("k01", "k02"), 1),
        (4, 2, ("k01",), 1),
    ]


def test_what_is_said_once_is_not_listed() -> None:
    assert recurring([Asked(1, "k01", "停车", settled=True), Asked(2, "k01", "入学", settled=True)]) == []
    assert recurring([]) == []


def test_every_entry_is_in_one_group_at_most() -> None:
    entries = [Asked(number, "k01", f"建议增加周末窗口{'。' * (number % 3)}", settled=False) for number in range(50)]
    [group] = recurring(entries)
    assert sorted(entry.id for entry in group.entries) == list(range(50))
