"""The importer: a plan's text becomes a `Plan`, and what is not clear becomes a remark with its line.

It believes a paragraph's own words first (`开放点 12`), its place among the others second, and nothing that the two
contradict: slugs are made of the numbers, and a wrong one would put citizens' questions under another unit's activity.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from server.programme.plan import ActivityKind, Plan, PlannedActivity, Remark
from server.programme.plan_text import Marker, Paragraph, lines, paragraphs, tidy
from server.programme.units import KNOWN, Unit, unit_named

_QUOTES = re.compile(r"[“”‘’\"'「」『』]")
_TOPIC = re.compile(r"(.{2,30}?)专题[。：:]?")
_POINT = re.compile(r"开放点\s*([\d、，,和及至~～—–\-\s]+?)\s*[（(]([^（）()]+)[）)]\s*[:：]?\s*(.*)", re.DOTALL)
_UNITS = re.compile(r"[（(]\s*主责单位\s*[:：]\s*([^（）()]*)[）)]\s*[。.]?$")
_LECTURE = re.compile(r"([^。：:]{2,30})[。：:]\s*(.*)", re.DOTALL)
_PERIOD = re.compile(r"(\d{4})年(\d{1,2})[-—–~～至]+(\d{1,2})月")
_LONGEST_HEADING = 24


@dataclass(frozen=True, slots=True)
class _Item:
    """A paragraph that describes activities: all `numbers` of it, and for each its units."""

    kind: ActivityKind
    paragraph: Paragraph
    numbers: tuple[int, ...]
    units: tuple[tuple[str, ...], ...]
    title: str
    description: str
    topic: str | None
    topic_line: int


class _UnclearError(Exception):
    """A paragraph cannot be read; the text says why, in Chinese."""


class _Reader:
    """One pass over the paragraphs. `items` are in the order of the text."""

    def __init__(self, wordings: dict[str, str]) -> None:
        self.items: list[_Item] = []
        self.unread: list[Remark] = []
        self.doubts: list[Remark] = []
        self._wordings = wordings
        self._kind: ActivityKind | None = None
        self._topic: str | None = None
        self._topic_line = 0
        self._topic_used = True
        self._topic_excerpt = ""
        self._bracket = 0
        self._lines: dict[str, int] = {}

    def read(self, paragraph: Paragraph) -> None:
        body = paragraph.body
        if paragraph.marker is Marker.CHAPTER:
            self._kind = None
        elif paragraph.marker is Marker.SECTION:
            heading = body if len(body) <= _LONGEST_HEADING and "。" not in body else ""
            self._kind = next((kind for kind in ActivityKind if kind.column in heading), None)
        elif body.startswith("开放点"):
            self._activity(paragraph, ActivityKind.OPEN_DAY)
        elif paragraph.marker is not Marker.NONE and (topic := _TOPIC.fullmatch(body)):
            self._begin_topic(paragraph, topic[1])
        elif self._kind is ActivityKind.LECTURE:
            self._activity(paragraph, ActivityKind.LECTURE)
        elif self._kind or "主责单位" in body:
            self._refuse(paragraph, "看不出是哪一个开放点或哪一场政策公开讲")

    def finish(self) -> None:
        self._close_topic()

    def _begin_topic(self, paragraph: Paragraph, name: str) -> None:
        self._close_topic()
        key = _QUOTES.sub("", name).strip()
        self._topic = self._wordings.get(key, key)
        self._topic_line, self._topic_excerpt = paragraph.line, paragraph.excerpt
        self._topic_used, self._bracket = False, 0

    def _close_topic(self) -> None:
        if not self._topic_used:
            self.unread.append(Remark(self._topic_line, self._topic_excerpt, "专题之下没有读到开放点"))
            self._topic_used = True

    def _activity(self, paragraph: Paragraph, kind: ActivityKind) -> None:
        first = self._lines.setdefault(paragraph.body, paragraph.line)
        if first != paragraph.line:
            self.doubts.append(Remark(paragraph.line, paragraph.excerpt, f"与第{first}行的段落相同，只导入一次"))
            return
        try:
            item = self._point(paragraph) if kind is ActivityKind.OPEN_DAY else self._lecture(paragraph)
        except _UnclearError as unclear:
            self._refuse(paragraph, str(unclear))
        else:
            self.items.append(item)

    def _refuse(self, paragraph: Paragraph, why: str) -> None:
        self.unread.append(Remark(paragraph.line, paragraph.excerpt, why))

    def _point(self, paragraph: Paragraph) -> _Item:
        self._place(paragraph)
        found = _POINT.fullmatch(paragraph.body)
        if not found:
            raise _UnclearError("读不出开放点的编号和名称")
        numbers = _numbers(found[1])
        description, names = _split_units(found[3])
        units = _pair(numbers, names)
        if len(numbers) > 1:
            why = f"{len(numbers)}个开放点与{len(names)}个主责单位按先后顺序对应，属于推断，请核对"
            self.doubts.append(Remark(paragraph.line, paragraph.excerpt, why))
        return _Item(
            ActivityKind.OPEN_DAY,
            paragraph,
            numbers,
            units,
            found[2].strip(),
            description,
            self._topic,
            self._topic_line,
        )

    def _place(self, paragraph: Paragraph) -> None:
        """Follow the （1）（2）… within a 专题: a second （1） means that a heading is missing."""
        if paragraph.marker is Marker.BRACKET and paragraph.number == 1 and self._bracket:
            self._topic, self._topic_line = None, paragraph.line
        if self._topic is None:
            self.doubts.append(Remark(paragraph.line, paragraph.excerpt, "前面缺少专题标题，专题留空"))
        self._topic_used = True
        self._bracket = paragraph.number or 0

    def _lecture(self, paragraph: Paragraph) -> _Item:
        if paragraph.number is None:
            raise _UnclearError("没有编号，看不出是第几场政策公开讲")
        description, names = _split_units(paragraph.body)
        found = _LECTURE.fullmatch(description)
        if not found:
            raise _UnclearError("读不出政策公开讲的名称")
        return _Item(
            ActivityKind.LECTURE, paragraph, (paragraph.number,), (names,), found[1].strip(), found[2], None, 0
        )


def read_plan(text: str, *, slug_prefix: str = "") -> Plan:
    """Read a plan's text. Never raises for what the text holds: whatever is not clear is in `unread` or `doubts`.

    Slugs are the plan's own numbers, so another year's plan needs a prefix (`2024-` makes `2024-k01`) to stand beside
    the first.
    """
    found = list(paragraphs(text))
    whole = tidy("".join(content for _, content in lines(text)))
    reader = _Reader(_topic_wordings(whole))
    for paragraph in found:
        reader.read(paragraph)
    reader.finish()
    unread, doubts = reader.unread, reader.doubts
    activities: list[PlannedActivity] = []
    for kind in ActivityKind:
        items = [item for item in reader.items if item.kind is kind]
        kept = _in_place(items, unread)
        _note_order(kept, doubts)
        unread.extend(_gaps(kind, kept))
        activities.extend(sorted(_planned(kept, slug_prefix), key=lambda activity: activity.number))
    units = _units(activities, reader.items)
    for unit in units:
        if unit not in KNOWN.values():
            line = next(activity.line for activity in activities if unit.id in activity.units)
            doubts.append(Remark(line, unit.name, "单位名录中没有这个主责单位，将按此名称新建"))
    facts = _facts(text, whole)
    if not activities:
        unread.append(Remark(0, "", "全文没有读到任何开放点或政策公开讲"))
    unread.extend(Remark(0, "", f"没有读到{label}") for label, fact in facts.named() if fact is None)
    return Plan(
        title=facts.title,
        document_number=facts.document_number,
        issued_on=facts.issued_on,
        issuer=facts.issuer,
        public="此件主动公开" in whole,
        first=facts.first,
        last=facts.last,
        activities=tuple(activities),
        units=units,
        unread=_ordered(unread),
        doubts=_ordered(doubts),
    )


def _ordered(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    return tuple(sorted(dict.fromkeys(remarks), key=lambda remark: remark.line))


def _topic_wordings(whole: str) -> dict[str, str]:
    """The 专题 as the aims name them, by their name without quotation marks: “政策专属‘礼包’” is 政策专属礼包."""
    found = re.search(r"着眼([^。]{2,200}?)等专题", whole)
    return {_QUOTES.sub("", name): name for name in found[1].split("、")} if found else {}


def _numbers(text: str) -> tuple[int, ...]:
    """`1、2、3、4` or `1-4` as numbers. Raises `_UnclearError`."""
    compact = re.sub(r"\s", "", text)
    if found := re.fullmatch(r"(\d{1,3})[至~～—–-]+(\d{1,3})", compact):
        numbers = tuple(range(int(found[1]), int(found[2]) + 1))
    elif re.fullmatch(r"\d{1,3}(?:[、，,和及]\d{1,3})*", compact):
        numbers = tuple(int(part) for part in re.findall(r"\d+", compact))
    else:
        raise _UnclearError(f"读不懂开放点的编号“{compact}”")
    if not numbers or 0 in numbers or any(later <= earlier for earlier, later in pairwise(numbers)):
        raise _UnclearError(f"开放点的编号“{compact}”不成顺序")
    return numbers


def _split_units(body: str) -> tuple[str, tuple[str, ...]]:
    found = _UNITS.search(body)
    names = tuple(name.strip() for name in re.split(r"[、，,；;]", found[1]) if name.strip()) if found else ()
    if not found or not names:
        raise _UnclearError("段落末尾没有读到主责单位")
    return body[: found.start()].strip(), names


def _pair(numbers: Sequence[int], names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    if len(numbers) == 1:
        return (names,)
    if len(numbers) != len(names):
        raise _UnclearError(f"{len(numbers)}个开放点与{len(names)}个主责单位对应不上")
    return tuple((name,) for name in names)


def _in_place(items: Sequence[_Item], unread: list[Remark]) -> list[_Item]:
    """The items whose numbers agree with their place in the text and are claimed by no other."""
    placed: list[_Item] = []
    fits = _fits([item.numbers[0] for item in items])
    for index, item in enumerate(items):
        why = None if fits[index] else "编号与前后的段落不符"
        previous = items[index - 1] if index else None
        if why is None and previous and _jumps(previous, item):
            why = f"编号从{previous.numbers[-1]}跳到{item.numbers[0]}，与段落的序号不符"
        if why:
            unread.append(Remark(item.paragraph.line, item.paragraph.excerpt, why))
        else:
            placed.append(item)
    claims: dict[int, list[_Item]] = {}
    for item in placed:
        for number in item.numbers:
            claims.setdefault(number, []).append(item)
    kept: list[_Item] = []
    for item in placed:
        rivals = {rival.paragraph.line for number in item.numbers for rival in claims[number] if rival is not item}
        if rivals:
            where = "、".join(f"第{line}行" for line in sorted(rivals))
            unread.append(Remark(item.paragraph.line, item.paragraph.excerpt, f"编号与{where}的段落重复，内容不同"))
        else:
            kept.append(item)
    return kept


def _fits(numbers: Sequence[int]) -> list[bool]:
    """For each number, whether it belongs to a longest rising sequence: 60 does not in 5, 60, 7, 8."""

    def longest_ending_here(values: Iterable[int]) -> list[int]:
        tails: list[int] = []
        lengths: list[int] = []
        for value in values:
            at = bisect_left(tails, value)
            tails[at : at + 1] = [value]
            lengths.append(at + 1)
        return lengths

    ending = longest_ending_here(numbers)
    starting = longest_ending_here([-number for number in reversed(numbers)])[::-1]
    longest = max(ending, default=0)
    return [before + after - 1 == longest for before, after in zip(ending, starting, strict=True)]


def _jumps(previous: _Item, item: _Item) -> bool:
    """Whether the number leaps although the （n） within the 专题 shows that nothing lies between."""
    if item.kind is not ActivityKind.OPEN_DAY or item.topic_line != previous.topic_line:
        return False
    here, there = item.paragraph.number, previous.paragraph.number
    if here is None or there is None or here <= there:
        return False
    return item.numbers[0] > previous.numbers[-1] + (here - there)


def _note_order(kept: Sequence[_Item], doubts: list[Remark]) -> None:
    for previous, item in pairwise(kept):
        if item.numbers[0] < previous.numbers[-1]:
            doubts.append(Remark(item.paragraph.line, item.paragraph.excerpt, "编号没有按先后顺序"))


def _gaps(kind: ActivityKind, kept: Sequence[_Item]) -> Iterable[Remark]:
    """A remark for every run of numbers that is missing, at the paragraph before which it was expected."""
    name = "开放点" if kind is ActivityKind.OPEN_DAY else "政策公开讲"
    expected = 1
    for item in sorted(kept, key=lambda item: item.numbers):
        first = item.numbers[0]
        if first > expected:
            missing = str(expected) if first == expected + 1 else f"{expected}至{first - 1}"
            yield Remark(item.paragraph.line, item.paragraph.excerpt, f"此前没有读到{name}{missing}")
        expected = max(expected, item.numbers[-1] + 1)


def _planned(items: Iterable[_Item], slug_prefix: str) -> Iterable[PlannedActivity]:
    for item in items:
        for number, names in zip(item.numbers, item.units, strict=True):
            yield PlannedActivity(
                slug=f"{slug_prefix}{item.kind.slug_letter}{number:02}",
                kind=item.kind,
                number=number,
                topic=item.topic,
                title=item.title,
                description=item.description,
                units=tuple(unit_named(name).id for name in names),
                inferred=len(item.numbers) > 1,
                line=item.paragraph.line,
            )


def _units(activities: Iterable[PlannedActivity], items: Iterable[_Item]) -> tuple[Unit, ...]:
    """The units of the activities imported, in the plan's order."""
    named = {unit.id: unit for item in items for names in item.units for unit in map(unit_named, names)}
    used = dict.fromkeys(unit_id for activity in activities for unit_id in activity.units)
    return tuple(named[unit_id] for unit_id in used)


@dataclass(frozen=True, slots=True)
class _Facts:
    title: str | None = None
    document_number: str | None = None
    issued_on: date | None = None
    issuer: str | None = None
    first: date | None = None
    last: date | None = None

    def named(self) -> tuple[tuple[str, object], ...]:
        return (
            ("标题", self.title),
            ("发文字号", self.document_number),
            ("成文日期", self.issued_on),
            ("发文机关", self.issuer),
            ("举办期间", self.first),
        )


def _facts(text: str, whole: str) -> _Facts:
    facts = _Facts()
    if found := re.search(r"附件[:：]《([^》]{1,100})》", whole) or re.search(r"《([^《》]{0,100}方案)》", whole):
        facts = replace(facts, title=found[1])
    previous = None
    for _, line in lines(text):
        content = tidy(line)
        if facts.document_number is None and (found := re.fullmatch(r"\S{2,30}〔\d{4}〕\d{1,4}号", content)):
            facts = replace(facts, document_number=content)
        if facts.issued_on is None and (found := re.fullmatch(r"(\d{4})年(\d{1,2})月(\d{1,2})日", content)):
            facts = replace(facts, issued_on=_date(found[1], found[2], found[3]), issuer=previous)
        previous = content
    if found := _PERIOD.search(whole):
        first, after = _date(found[1], found[2], "1"), _month_after(found[1], found[3])
        if first and after and first < after:
            facts = replace(facts, first=first, last=after - timedelta(days=1))
    return facts


def _month_after(year: str, month: str) -> date | None:
    return _date(str(int(year) + 1), "1", "1") if month == "12" else _date(year, str(int(month) + 1), "1")


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
