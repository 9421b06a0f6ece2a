"""What was asked again and again: entries of several activities that ask the same, by their likeness."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.similar import Index, Pairs, pairs

ALIKE = 0.6
"""More than is asked of a person in one queue: nobody looks at each of these pairs."""
MOST_NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A public question or suggestion. *merged*: how many more were merged into it."""

    id: int
    activity: str
    text: str
    settled: bool
    """Answered, or decided."""
    merged: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that ask the same; the longest-standing first, which gives the words."""

    entries: tuple[Asked, ...]

    @property
    def times(self) -> int:
        """How often it was asked, with what was merged."""
        return sum(1 + entry.merged for entry in self.entries)

    @property
    def activities(self) -> tuple[str, ...]:
        """Where, each once, in the order of the entries."""
        return tuple(dict.fromkeys(entry.activity for entry in self.entries))

    @property
    def unsettled(self) -> int:
        """How many of the entries wait for an answer or a decision."""
        return sum(not entry.settled for entry in self.entries)


def recurring(entries: Sequence[Asked]) -> list[Group]:
    """Groups of at least two askings: those of most activities first, then those asked most."""
    known = {entry.id: entry for entry in entries}
    root = {number: number for number in known}
    # The same words many times over (a form that was sent around) are compared once.
    first_with: dict[Pairs, int] = {}
    for number in sorted(known):
        root[number] = first_with.setdefault(pairs(known[number].text), number)
    index = Index()
    for asked, number in first_with.items():
        index.put(number, asked)

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = root[number]
        return number

    for number in index.numbers:
        for other in index.neighbours(number, least=ALIKE, most=MOST_NEIGHBOURS):
            first, second = sorted((find(number), find(other)))
            root[second] = first
    members: defaultdict[int, list[Asked]] = defaultdict(list)
    for number in sorted(known):
        members[find(number)].append(known[number])
    groups = [Group(tuple(found)) for found in members.values()]
    return sorted(
        (group for group in groups if group.times > 1),
        key=lambda group: (-len(group.activities), -group.times, group.entries[0].id),
    )
