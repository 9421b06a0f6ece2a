"""A citizen who checks: nothing of the service's own code."""

import hashlib
import json
from typing import Any

_COVERED = ("form", "note", "deleted", "numbers", "questions", "suggestions")


def by_hand(published: dict[str, Any]) -> str:
    """The digest of a version from what is served of it: the rule of docs/outcomes.md, as a reader would write it."""

    def sha(value: object) -> str:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    parts = {
        "questions": {"words": ["text", "nickname"], "reply": ["answer"]},
        "suggestions": {"words": ["text", "nickname"], "reply": ["reason", "updates"]},
    }
    covered = {name: value for name, value in published.items() if name in _COVERED}
    for section, fields in parts.items():
        covered[section] = []
        for item in published[section]:
            found = dict(item.get("seals", {}))
            for part, names in fields.items():
                if part not in found:
                    found[part] = sha([item["salts"][part], {name: item[name] for name in names if name in item}])
            aside = {"salts", "seals", "removed", *(name for names in fields.values() for name in names)}
            covered[section].append({**{k: v for k, v in item.items() if k not in aside}, "seals": found})
    return sha(covered)
