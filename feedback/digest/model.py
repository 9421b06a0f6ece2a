"""What a digest is made of. The server fills it with one query; every format renders the same object.

Times are aware datetimes; documents show them in Beijing time. The model carries names as they came; which format masks
them (“朱**”) is that format's business, see `docs/digest.md`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any, TypeVar

from feedback.decisions import Adoption, Decision, Progress, adoption
from feedback.keywords import Keyword, keywords
from feedback.ledger import Ledger
from feedback.scorer import Label
from feedback.states import AnswerMode, Reason, State
from feedback.text import clean
from feedback.topics import UNFILED, counted
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
    corrected: int = 0
    """How many of them have the label that a host gave instead of the model's."""
    note: str = (
        "情感由程序自动判断，可能出错。随系统提供的模型在四组公开的微博数据上判断正面或负面，准确率为75%至86%；反话、引述和"
        "方言容易判错。所示数字仅供了解大致情绪，不作为评价依据。"
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
class Update:
    """落实情况: how far a decided suggestion had come on a day, in the words of a unit (None: the coordinator)."""

    at: datetime
    unit: str | None
    progress: Progress
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A comment or question that was marked as a suggestion, with what was decided on it and what came of it."""

    number: int
    text: str
    nickname: str
    decision: Decision | None = None
    reason: str | None = None
    transferred_to: str | None = None
    decided_at: datetime | None = None
    merged: int = 0
    updates: tuple[Update, ...] = ()
    topic: str | None = None
    """分类: what it is about, as the unit filed it."""

    @property
    def progress(self) -> Progress | None:
        """How far it has come by the last update."""
        return self.updates[-1].progress if self.updates else None


@dataclass(frozen=True, slots=True)
class Errand:
    """转办: an entry that another unit was asked to deal with and has not replied to."""

    text: str
    unit: str
    state: str
    due: date | None


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """满意度: how many devices answered what, from very satisfied to very dissatisfied."""

    levels: tuple[tuple[str, int], ...] = ()
    share: float | None = None
    """满意率 in [0, 1]; None where nobody answered."""
    ways: tuple[tuple[str, int, float | None], ...] = ()
    """The same apart (现场, 线上): the way, n, and 满意率."""

    @property
    def answers(self) -> int:
        """n."""
        return sum(number for _, number in self.levels)


@dataclass(frozen=True, slots=True)
class ToDo:
    """A line of 拟办清单: what is still to be done, by whom."""

    what: str
    text: str
    unit: str
    due: date | None = None


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
    errands: tuple[Errand, ...] = ()
    satisfaction: Satisfaction = Satisfaction()

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

    @property
    def by_progress(self) -> dict[Progress | None, int]:
        """Decided suggestions by how far they have come; None: nothing was told yet."""
        counts: dict[Progress | None, int] = dict.fromkeys([*Progress, None], 0)
        for suggestion in self.suggestions:
            if suggestion.decision is not None:
                counts[suggestion.progress] += 1
        return counts

    @property
    def by_topic(self) -> dict[str, Adoption]:
        """Suggestions by 分类 with their decisions, the fullest first; empty while none is filed."""
        return by_topic(self.suggestions)

    @property
    def by_utterance(self) -> dict[Utterance, int]:
        """Comments by what kind of utterance they are."""
        counts = dict.fromkeys(Utterance, 0)
        for comment in self.comments:
            if comment.utterance is not None:
                counts[comment.utterance] += 1
        return counts

    @property
    def keywords(self) -> tuple[Keyword, ...]:
        """主题词 of everything that is public: takes most of a second for 20,000 texts, ask once."""
        texts = [comment.text for comment in self.comments]
        return keywords([*texts, *(question.text for question in self.questions)])

    @property
    def to_do(self) -> tuple[ToDo, ...]:
        """拟办清单: open questions, suggestions without a decision, decisions not carried out yet, and errands."""
        own = "、".join(self.activity.units)
        undone = (Decision.ADOPTED, Decision.PARTLY_ADOPTED, Decision.TRANSFERRED)
        return (
            *(ToDo("答复提问", question.text, own) for question in self.open),
            *(ToDo("作出决定", item.text, own) for item in self.suggestions if item.decision is None),
            *(
                ToDo("落实", item.text, item.transferred_to or own)
                for item in self.suggestions
                if item.decision in undone and item.progress is not Progress.DONE
            ),
            *(ToDo(f"转办（{errand.state}）", errand.text, errand.unit, errand.due) for errand in self.errands),
        )


def by_topic(suggestions: Sequence[Suggestion]) -> dict[str, Adoption]:
    """Decisions by topic, the fullest first, `topics.UNFILED` last; empty while no suggestion is filed."""
    names = counted([item.topic or "" for item in suggestions])
    if set(names) <= {UNFILED}:
        return {}
    return {name: adoption(item.decision for item in suggestions if (item.topic or UNFILED) == name) for name in names}


def cleaned(digest: Digest) -> Digest:
    """The digest with every text fit for XML and UTF-8 (`feedback.text.clean`), whoever wrote it."""
    activity = replace(_clean(digest.activity), units=tuple(clean(unit) for unit in digest.activity.units))
    return replace(
        digest,
        activity=activity,
        comments=tuple(map(_clean, digest.comments)),
        questions=tuple(map(_clean, digest.questions)),
        suggestions=tuple(
            replace(_clean(item), updates=tuple(map(_clean, item.updates))) for item in digest.suggestions
        ),
        errands=tuple(map(_clean, digest.errands)),
    )


def summarise(labels: Iterable[Label | None], model: str, *, corrected: int = 0) -> Sentiment:
    """The sentiment of shown entries from their labels; an entry not scored yet counts as unscored."""
    counts = dict.fromkeys(Label, 0)
    for label in labels:
        counts[label or Label.UNSCORED] += 1
    return Sentiment(model=model, counts=counts, corrected=corrected)


_Texts = TypeVar("_Texts", Activity, Comment, Question, Suggestion, Update, Errand)


def _clean(row: _Texts) -> _Texts:
    changed: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if type(value) is str and (better := clean(value)) != value:  # enums are strings too, and need no cleaning
            changed[field.name] = better
    return replace(row, **changed) if changed else row
