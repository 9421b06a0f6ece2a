"""A new version says what it changed in the one before it."""

from typing import Any

from feedback.changes import Change, changes

NUMBERS = {"received": 3, "shown": 3, "withheld": 0, "merged": 0, "withdrawn": 0, "deleted": 0, "answered": 0}


def content(*suggestions: dict[str, Any], questions: tuple[dict[str, Any], ...] = (), **numbers: int) -> dict[str, Any]:
    return {"numbers": {**NUMBERS, **numbers}, "questions": list(questions), "suggestions": list(suggestions)}


def suggestion(number: int, **over: Any) -> dict[str, Any]:
    return {
        "number": number,
        "text": "多开窗口",
        "nickname": "李**",
        "decision": "adopted",
        "reason": "",
        "transferred_to": None,
        **over,
    }


def test_nothing_changed() -> None:
    same = content(suggestion(1), questions=({"text": "几点", "nickname": "王**", "answer": "九点"},))
    assert changes(same, same) == []


def test_what_changed_is_named() -> None:
    before = content(
        suggestion(1),
        suggestion(2),
        questions=(
            {"text": "几点", "nickname": "王**", "answer": "九点"},
            {"text": "哪里", "nickname": "赵**", "answer": ""},
        ),
    )
    updates = [{"at": "2023-10-20T00:00:00Z", "by": "采育镇", "progress": "done", "text": "已开"}]
    after = content(
        suggestion(
            1, decision="transferred", transferred_to="人保局", reason="归人保局办理", updates=updates, merged=2
        ),
        suggestion(3, text="新的"),
        questions=({"text": "几点", "nickname": "王**", "answer": "八点"},),
        received=4,
    )
    assert changes(before, after) == [
        Change("第1号意见建议的说明", "（无）", "归人保局办理"),
        Change("第1号意见建议的决定", "采纳", "转办（人保局）"),
        Change("第1号意见建议合并的条数", "0", "2"),
        Change("第1号意见建议的落实情况", "（无）", "已落实：已开"),
        Change("第2号意见建议", "采纳：多开窗口", "（无）"),
        Change("第3号意见建议", "（无）", "采纳：新的"),
        Change("对提问“几点”的答复", "九点", "八点"),
        Change("对提问“哪里”的答复", "已答复", "（无）"),
        Change("收到的条数", "3", "4"),
    ]
