"""What one published version of the outcomes changed in the one before it, said to a reader."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedback.decisions import Decision, Progress
from feedback.seals import REMOVED

NOTHING = "（无）"
_NUMBERS = {
    "received": "收到",
    "shown": "展示",
    "withheld": "未展示",
    "merged": "合并",
    "withdrawn": "本人撤回",
    "deleted": "依法删除",
    "answered": "已答复提问",
}


@dataclass(frozen=True, slots=True)
class Change:
    """Something before and after; `NOTHING` where there was or is none."""

    label: str
    before: str
    after: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """From the content of one version to that of the next (`server.protocol.OutcomesContent` as JSON)."""
    return [
        *(Change(what, "（原有内容）", REMOVED) for what in after.get("deleted", ())),
        *_suggestions(_by_number(before), _by_number(after)),
        *_questions(before["questions"], after["questions"]),
        *_numbers(before["numbers"], after["numbers"]),
    ]


def _by_number(content: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    return {item["number"]: item for item in content["suggestions"]}


def _suggestions(before: Mapping[int, Mapping[str, Any]], after: Mapping[int, Mapping[str, Any]]) -> Iterator[Change]:
    for number in sorted(before.keys() | after.keys()):
        name, old, new = f"第{number}号意见建议", before.get(number), after.get(number)
        if old is None or new is None:
            yield Change(name, _brief(old), _brief(new))
            continue
        for field, label in (("text", "内容"), ("reason", "说明")):
            if old[field] != new[field]:
                yield Change(f"{name}的{label}", old[field] or NOTHING, new[field] or NOTHING)
        if (old["decision"], old["transferred_to"]) != (new["decision"], new["transferred_to"]):
            yield Change(f"{name}的决定", _decision(old), _decision(new))
        if old.get("topic", "") != new.get("topic", ""):
            yield Change(f"{name}的分类", old.get("topic") or NOTHING, new.get("topic") or NOTHING)
        if old.get("merged", 0) != new.get("merged", 0):
            yield Change(f"{name}合并的条数", str(old.get("merged", 0)), str(new.get("merged", 0)))
        for update in new.get("updates", [])[len(old.get("updates", [])) :]:
            yield Change(f"{name}的落实情况", NOTHING, f"{Progress(update['progress']).text}：{update['text']}")


def _brief(suggestion: Mapping[str, Any] | None) -> str:
    return NOTHING if suggestion is None else f"{_decision(suggestion)}：{suggestion['text']}"


def _decision(suggestion: Mapping[str, Any]) -> str:
    words = Decision(suggestion["decision"]).text
    return f"{words}（{suggestion['transferred_to']}）" if suggestion["transferred_to"] else words


def _questions(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    # Before questions had a number, their text and their author's masked name stood for them.
    numbered = all("id" in item for item in (*before, *after))
    old = {_key(item, numbered): item for item in before}
    new = {_key(item, numbered): item for item in after}
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = _answer(old.get(key)), _answer(new.get(key))
        if was != now:
            yield Change(f"对提问“{(new.get(key) or old[key])['text']}”的答复", was, now)


def _key(question: Mapping[str, Any], numbered: bool) -> object:
    return question["id"] if numbered else (question["text"], question["nickname"])


def _answer(question: Mapping[str, Any] | None) -> str:
    return NOTHING if question is None else question["answer"] or "已答复"


def _numbers(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for field, label in _NUMBERS.items():
        if before[field] != after[field]:
            yield Change(f"{label}的条数", str(before[field]), str(after[field]))
