"""How an activity sounds over time and what it speaks of, for its hosts; and the labels that hosts corrected, as data.

Bounded: the newest 20,000 public entries make at most 60 points, and the newest 2,000 of them give the topics.
"""

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.digest.csv import inert
from feedback.scorer import Label
from feedback.states import PUBLIC
from server.store.tables import Entry

MOST_ENTRIES = 20_000
MOST_POINTS = 60
MOST_TOPICS = 12
_TOPIC_TEXTS = 2_000
_LEAST_OFTEN = 3
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 360, 1440, 10_080, 43_200, 525_600)
_PUBLIC = [state.value for state in PUBLIC]
_NUMBER = re.compile(r"\d{4,}")
_HAN = re.compile("[\u4e00-\u9fff]+")
# What joins a piece of text to its neighbours and is no topic by itself.
_FUNCTION = frozenset(
    "的了是在我你他她它们这那有没不也就都和与或及被把对从到给为以于吧吗呢啊呀哦嗯请很太真最还再又才只更要能会可想说去来上下"
    "里个些么什怎哪谁几多少大小好谢您啦嘛之其而但因所如果"
)

# Said of everything at such an event, and so of nothing: wishes, thanks, and that it was said well.
_EMPTY = frozenset(
    (
        "希望",
        "建议",
        "感谢",
        "谢谢",
        "点赞",
        "支持",
        "问题",
        "咨询",
        "清楚",
        "明白",
        "听懂",
        "觉得",
        "知道",
        "现在",
        "以前",
        "大家",
    )
)


@dataclass(frozen=True, slots=True)
class Said:
    """One public entry, as far as the picture needs it."""

    at: datetime
    label: Label | None
    """A host's correction, else the model's label; None before it is scored."""
    corrected: bool
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """The entries from `at` on, for the picture's width."""

    at: datetime
    counts: dict[Label, int]
    topics: tuple[int, ...]
    """How many entries of this point name each of the picture's topics."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Mood and topics over time."""

    minutes: int
    """Width of a point."""
    n: int
    corrected: int
    points: tuple[Point, ...]
    topics: tuple[tuple[str, int], ...]
    """Words, and in how many of the newest entries they stand."""
    truncated: bool


async def read(session: AsyncSession, activity_id: int) -> list[Said]:
    """The newest public entries, oldest first."""
    rows = await session.execute(
        select(Entry.at, Entry.label, Entry.corrected, Entry.text)
        .where(Entry.activity_id == activity_id, Entry.state.in_(_PUBLIC))
        .order_by(Entry.id.desc())
        .limit(MOST_ENTRIES)
    )
    return [
        Said(at, Label(said) if (said := corrected or label) else None, corrected is not None, text)
        for at, label, corrected, text in reversed(rows.all())
    ]


async def picture_of(session: AsyncSession, activity_id: int) -> Picture:
    """The picture of an activity; computed beside the event loop."""
    return await asyncio.to_thread(picture, await read(session, activity_id))


def picture(said: Sequence[Said]) -> Picture:
    """The picture of *said*, oldest first: points as narrow as 60 of them allow."""
    if not said:
        return Picture(1, 0, 0, (), (), truncated=False)
    first, last = min(item.at for item in said), max(item.at for item in said)
    span = (last - first).total_seconds() / 60
    minutes = next((width for width in _WIDTHS if span / width < MOST_POINTS - 1), _WIDTHS[-1])
    start = first - timedelta(minutes=first.minute % minutes if minutes <= 60 else first.minute)
    start = start.replace(second=0, microsecond=0)
    topics = topics_of(item.text for item in said[-_TOPIC_TEXTS:])
    count = min(MOST_POINTS, int((last - start).total_seconds() // 60 // minutes) + 1)
    counts = [dict.fromkeys(Label, 0) for _ in range(count)]
    named = [[0] * len(topics) for _ in range(count)]
    for item in said:
        place = min(count - 1, int((item.at - start).total_seconds() // 60 // minutes))
        counts[place][item.label or Label.UNSCORED] += 1
        for index, (word, _) in enumerate(topics):
            named[place][index] += word in item.text
    return Picture(
        minutes=minutes,
        n=len(said),
        corrected=sum(item.corrected for item in said),
        points=tuple(
            Point(start + timedelta(minutes=minutes * place), counts[place], tuple(named[place]))
            for place in range(count)
        ),
        topics=topics,
        truncated=len(said) == MOST_ENTRIES,
    )


def topics_of(texts: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Pieces of two to four Han characters that stand in at least three texts, and no other piece says as much.

    A piece holds no function word; a longer one takes the place of the shorter that it nearly always comes with.
    """
    often: Counter[str] = Counter()
    for text in texts:
        pieces: set[str] = set()
        for run in _HAN.findall(text[:500]):
            for part in re.split(f"[{''.join(_FUNCTION)}]+", run):
                pieces.update(part[start : start + size] for size in (2, 3, 4) for start in range(len(part) - size + 1))
        often.update(pieces)
    candidates = sorted(
        (word for word, count in often.items() if count >= _LEAST_OFTEN and word not in _EMPTY),
        key=lambda word: (-len(word), word),
    )
    covered: set[str] = set()
    for word in candidates:
        for size in range(2, len(word)):
            for start in range(len(word) - size + 1):
                inner = word[start : start + size]
                if often[word] >= 0.7 * often[inner]:
                    covered.add(inner)
    kept = sorted((word for word in candidates if word not in covered), key=lambda word: (-often[word], word))
    chosen: list[str] = []
    for word in kept:
        # “电动车充” and “动车充电” are cuts of one piece: the more frequent, then the first of them, stands for both.
        if not any(_overlap(word, other) for other in chosen):
            chosen.append(word)
        if len(chosen) == MOST_TOPICS:
            break
    return tuple((word, often[word]) for word in chosen)


def _overlap(one: str, other: str) -> bool:
    if one in other or other in one:
        return True
    return any(one[-size:] == other[:size] or other[-size:] == one[:size] for size in (2, 3))


def margin(part: int, whole: int) -> float:
    """Half the width of the 95 % interval of a share (Wilson), in [0, 0.5]; 0.5 of nothing."""
    if not whole:
        return 0.5
    share, z = part / whole, 1.96
    return z / (1 + z * z / whole) * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))


async def corrections(session: AsyncSession, activity_id: int) -> tuple[bytes, int]:
    """The corrected labels of public entries as training data (CSV with `text`, `label`, …), and how many there are.

    No nickname, device, receipt or time goes along; mentions and long numbers (telephones, documents) are replaced.
    """
    rows = await session.execute(
        select(Entry.text, Entry.corrected, Entry.label, Entry.model)
        .where(Entry.activity_id == activity_id, Entry.corrected.is_not(None), Entry.state.in_(_PUBLIC))
        .order_by(Entry.id)
    )
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(("text", "label", "model_label", "model"))
    count = 0
    for text, corrected, label, model in rows:
        writer.writerow((inert(nameless(text)), corrected, label or "", model or ""))
        count += 1
    return b"\xef\xbb\xbf" + buffer.getvalue().encode(), count


def nameless(text: str) -> str:
    """*text* without what names somebody: mentions become “@”, numbers of four and more digits “0”."""
    without = re.sub(r"@[^\s@:：，。]{1,20}|\S+@\S+\.\S+", "@", text)
    return _NUMBER.sub("0", without)
