"""The digest of a published version, made so that it outlives the deletion of what one author wrote.

Everything that a person wrote stands in a version as a part: the author's words, and what the unit wrote about them.
The digest covers each part's seal, the SHA-256 of the part with a random salt, in place of the part itself. Whoever has
the version can compute it. Where a part is deleted, its salt goes with it and its seal stays: the digest can still be
computed, and nobody can find out the words by trying.

Versions published before this was so (without `form`) have one digest over everything that they said.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

FORM = 2
"""Of a content whose digest covers seals."""
REMOVED = "（已按作者要求删除）"
"""What is read where a part was deleted."""

PARTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "questions": {"words": ("text", "nickname"), "reply": ("answer",)},
    "suggestions": {"words": ("text", "nickname"), "reply": ("reason", "updates")},
}
"""List of a content, part, and the fields that it holds."""
_BESIDE = ("salts", "seals", "removed")
"""Fields that the digest does not cover: they say how to compute it, and what was deleted since."""
_SALT_BYTES = 16

Item = dict[str, Any]
Content = Mapping[str, Any]


def canonical(value: object) -> bytes:
    """JSON with sorted keys, without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sealed(content: Content) -> dict[str, Any]:
    """The content with a fresh salt for each part, ready to be published."""
    fresh: dict[str, Any] = {**content, "form": FORM}
    for section, parts in PARTS.items():
        fresh[section] = [
            {**item, "salts": {part: secrets.token_urlsafe(_SALT_BYTES) for part in parts}} for item in content[section]
        ]
    return fresh


def digest(content: Content) -> str:
    """The SHA-256 of a content, in hexadecimal digits; of one in the old form whatever was deleted changes it."""
    if content.get("form") != FORM:
        return hashlib.sha256(canonical(content)).hexdigest()
    covered = dict(content)
    for section, parts in PARTS.items():
        covered[section] = [_covered(item, parts) for item in content[section]]
    return hashlib.sha256(canonical(covered)).hexdigest()


def verifiable(content: Content) -> bool:
    """Whether the digest with which it was published can still be computed: always, but for a shortened old form."""
    return content.get("form") == FORM or not shortened(content)


def shortened(content: Content, since: datetime | None = None) -> int:
    """How many items have a part that was deleted, with *since* after that moment."""
    return sum(
        any(since is None or datetime.fromisoformat(at) > since for at in item.get("removed", {}).values())
        for _, item in _items(content)
    )


def _covered(item: Item, parts: Mapping[str, tuple[str, ...]]) -> Item:
    inside = {field for fields in parts.values() for field in fields}
    rest = {name: value for name, value in item.items() if name not in inside and name not in _BESIDE}
    known = item.get("seals", {})
    return {**rest, "seals": {part: known.get(part) or _seal(item, part, fields) for part, fields in parts.items()}}


def _seal(item: Item, part: str, fields: tuple[str, ...]) -> str:
    inside = {field: item[field] for field in fields if field in item}
    return hashlib.sha256(canonical([item["salts"][part], inside])).hexdigest()


def time_text(at: datetime) -> str:
    """A time as versions write it: RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def remove(
    content: Content, matches: Callable[[str, Item], bool], parts: Sequence[str], at: datetime
) -> dict[str, Any] | None:
    """The content without those *parts* of the items that match (by list and item); None where there are none.

    What was removed before stays as it is.
    """
    changed: dict[str, Any] = dict(content)
    count = 0
    for section, known in PARTS.items():
        items = []
        for item in content[section]:
            todo = {part: known[part] for part in parts if part not in item.get("removed", {})}
            if todo and matches(section, item):
                count += 1
                items.append(_without(item, todo, time_text(at)))
            else:
                items.append(item)
        changed[section] = items
    return changed if count else None


def _without(item: Item, parts: Mapping[str, tuple[str, ...]], at: str) -> Item:
    left = dict(item)
    left["removed"] = {**item.get("removed", {}), **dict.fromkeys(parts, at)}
    if "salts" in item:
        left["seals"] = {**item.get("seals", {}), **{part: _seal(item, part, fields) for part, fields in parts.items()}}
        left["salts"] = {part: salt for part, salt in item["salts"].items() if part not in parts}
    for fields in parts.values():
        for field in fields:
            if field == "updates":
                left.pop(field, None)
            elif left.get(field):
                left[field] = "" if field == "nickname" else REMOVED
    return left


def _items(content: Content) -> Iterator[tuple[str, Item]]:
    for section in PARTS:
        for item in content[section]:
            yield section, item
