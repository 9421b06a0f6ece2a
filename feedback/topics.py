"""分类 of suggestions by what they are about: what a program may propose, and a clerk decides.

A proposal is a word that several suggestions have in common (`keywords`), or one that the clerk has used already. It is
never filed by itself: likeness of words is no judgement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from feedback.keywords import keywords

LONGEST = 20
"""Characters of a topic."""
UNFILED = "未分类"
MOST_PROPOSED = 12
_MOST_WORDS = 60


@dataclass(frozen=True, slots=True)
class Proposal:
    """Suggestions that may be filed under one topic, by their numbers, ascending."""

    topic: str
    numbers: tuple[int, ...]


def proposals(unfiled: Mapping[int, str], used: Iterable[str] = ()) -> list[Proposal]:
    """Topics for suggestions that nobody filed yet (number to text), those of most suggestions first.

    *used* are the activity's topics: one suggestion is enough for such a one. Each suggestion is proposed once.
    """
    own = tuple(dict.fromkeys(used))
    words = [word.word for word in keywords(unfiled.values(), _MOST_WORDS)]
    left = dict(unfiled)
    found = []
    for topic in (*own, *(word for word in words if word not in own)):
        numbers = tuple(sorted(number for number, text in left.items() if topic in text))
        if len(numbers) >= (1 if topic in own else 2):
            found.append(Proposal(topic, numbers))
            for number in numbers:
                del left[number]
    return sorted(found, key=lambda proposal: -len(proposal.numbers))[:MOST_PROPOSED]


def counted(topics: Sequence[str]) -> dict[str, int]:
    """How many are filed under each topic, the fullest first, `UNFILED` (for an empty one) last."""
    counts: dict[str, int] = {}
    for topic in topics:
        counts[topic] = counts.get(topic, 0) + 1
    unfiled = counts.pop("", 0)
    ordered = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return {**ordered, UNFILED: unfiled} if unfiled else ordered
