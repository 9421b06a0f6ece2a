"""What a digest is made of. The server fills it with one query; every format renders the same object.

Times are aware datetimes; documents show them in Beijing time. The model carries names as they came; which format masks
them (“朱**”) is that format's business, see `docs/digest.md`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from feedback.decisions import Adoption, Decision, adoption
from feedback.ledger import Ledger
from feedback.scorer import Label
from feedback.states import AnswerMode, Reason, State
from feedback.text import clean
from feedback.utterance import Utterance


@dataclass(frozen=True, slots=True)
class Activity:
    """The event, as planned and as it was. `live_*` are None for one that was never on air."""

    slug: str
    title: str
    kind: str  # "open-day" or "lecture"
    topic: str | None  # 专题
    units: tuple[str, ...]  # 主责单位
    form: str | None  # "online", "in-person", "hybrid"
    place: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    live_started_at: datetime | None = None
    live_ended_at: datetime | None = None

    @property
    def kind_text(self) -> str:
        return {"open-day": "政务开放日", "lecture": "政策公开讲"}.get(self.kind, self.kind)

    @property
    def form_text(self) -> str:
        texts = {"online": "线上直播", "in-person": "现场参与", "hybrid": "线上线下结合"}
        return texts.get(self.form, self.form) if self.form else "未定"


@dataclass(frozen=True, slots=True)
class Sample:
    """How many were watching at a time."""

    at: datetime
    watching: int


@dataclass(frozen=True, slots=True)
class Audience:
    """Participation. A device is what a browser says it is: one person may use two, two may share one."""

    devices: int = 0
    peak: int = 0
    peak_at: datetime | None = None
    watch_minutes: float = 0.0
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How the comments and questions shown sound: counts by label."""

    model: str
    counts: dict[Label, int]
    note: str = (
        "模型依据网络购物评论训练，在四组公开的微博数据上判断正面或负面，准确率为59%至68%；容易把中性的提问和办事叙述"
        "误判为负面。所示数字仅供了解大致情绪，不作为评价依据。"
    )

    @property
    def scored(self) -> int:
        """n: the number of texts behind the shares."""
        return sum(number for label, number in self.counts.items() if label is not Label.UNSCORED)

    @property
    def unscored(self) -> int:
        return self.counts.get(Label.UNSCORED, 0)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that is shown."""

    id: int
    at: datetime
    nickname: str
    text: str
    label: Label | None = None  # None: not scored yet
    score: float | None = None
    utterance: Utterance | None = None
    suggestion: int | None = None  # the suggestion's number


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is open or answered."""

    id: int
    at: datetime
    nickname: str
    text: str
    state: State
    votes: int = 0
    mode: AnswerMode | None = None
    answer: str | None = None  # None for a live answer that nobody wrote down
    answered_at: datetime | None = None
    label: Label | None = None
    score: float | None = None
    suggestion: int | None = None
    merged: int = 0  # entries that ask the same and were merged into it


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A comment or question that was marked as a suggestion, with what was decided on it."""

    number: int
    text: str
    nickname: str
    decision: Decision | None = None
    reason: str | None = None
    transferred_to: str | None = None
    decided_at: datetime | None = None
    merged: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything about one activity, as of one moment.

    `comments` and `questions` hold public entries only, oldest first; hidden, declined and withdrawn ones appear as
    numbers: in `ledger` by whereabouts, in `hidden` by reason. The constructor raises ValueError for a question in
    another state, so that a mistake in a query cannot publish what was withheld.
    """

    activity: Activity
    as_of: datetime
    audience: Audience
    ledger: Ledger
    hidden: dict[Reason, int]
    sentiment: Sentiment
    comments: tuple[Comment, ...] = ()
    questions: tuple[Question, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()

    def __post_init__(self) -> None:
        for question in self.questions:
            if question.state not in (State.OPEN, State.ANSWERED):
                raise ValueError(f"question {question.id} is {question.state}: its text must not leave the house")

    @property
    def answered(self) -> tuple[Question, ...]:
        return tuple(question for question in self.questions if question.state is State.ANSWERED)

    @property
    def open(self) -> tuple[Question, ...]:
        return tuple(question for question in self.questions if question.state is State.OPEN)

    @property
    def adoption(self) -> Adoption:
        return adoption(suggestion.decision for suggestion in self.suggestions)


def cleaned(digest: Digest) -> Digest:
    """The digest with every text fit for XML and UTF-8 (`feedback.text.clean`), whoever wrote it."""
    activity = replace(_clean(digest.activity), units=tuple(clean(unit) for unit in digest.activity.units))
    return replace(
        digest,
        activity=activity,
        comments=tuple(map(_clean, digest.comments)),
        questions=tuple(map(_clean, digest.questions)),
        suggestions=tuple(map(_clean, digest.suggestions)),
    )


def summarise(labels: Iterable[Label | None], model: str) -> Sentiment:
    """The sentiment of shown entries from their labels; an entry not scored yet counts as unscored."""
    counts = dict.fromkeys(Label, 0)
    for label in labels:
        counts[label or Label.UNSCORED] += 1
    return Sentiment(model=model, counts=counts)


_Texts = TypeVar("_Texts", Activity, Comment, Question, Suggestion)


def _clean(row: _Texts) -> _Texts:
    changed: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if type(value) is str and (better := clean(value)) != value:  # enums are strings too, and need no cleaning
            changed[field.name] = better
    return replace(row, **changed) if changed else row
