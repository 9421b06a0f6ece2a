"""Digests to render: an ordinary afternoon, the worst that people type, and nothing at all."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

from feedback.decisions import Decision, Progress
from feedback.digest.model import (
    Activity,
    Audience,
    Comment,
    Digest,
    Errand,
    Question,
    Sample,
    Satisfaction,
    Suggestion,
    Update,
    summarise,
)
from feedback.ledger import Ledger
from feedback.scorer import Label
from feedback.states import AnswerMode, Reason, State
from feedback.utterance import Utterance

BEIJING = timezone(timedelta(hours=8))
START = datetime(2023, 9, 27, 6, 0, tzinfo=UTC)  # 14:00 in Beijing

NASTY = (
    '=HYPERLINK("http://example.org","点我")',
    "+1",
    "-1",
    "@x",
    "＝1+1",
    "'=1+1",
    "#N/A",
    "007",
    "1e5",
    "2023-09-27",
    "<script>alert(1)</script>&amp;",
    "a\x00b\x0bc\x1f",
    "坏的\ud800\ufffe代理",
    "👨‍👩‍👧 👍🏽 🇨🇳",
    "𠮷野家的𠀀字",
    "\u202eمرحبا\u202c 你好 \u200f",
    "一行\n两行\t制表",
    "_x0041_不是转义",
    '他说："引号,逗号"',
    "长" * 1000,
)


def at(minutes: float) -> datetime:
    """A moment, *minutes* after the activity's start."""
    return START + timedelta(minutes=minutes)


def activity(**changes: object) -> Activity:
    plain = Activity(
        slug="k05",
        title="观音寺街道政务开放日“走进接诉即办”",
        kind="open-day",
        topic="优化营商环境",
        units=("观音寺街道",),
        form="hybrid",
        place="观音寺街道办事处一层大厅",
        starts_at=START,
        ends_at=at(120),
        live_started_at=at(1),
        live_ended_at=at(118),
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # a test changes what it names


def ordinary() -> Digest:
    """An afternoon with a bit of everything."""
    comments = (
        Comment(1, at(3), "朱女士", "讲解得很清楚，辛苦了", Label.POSITIVE, 0.93, Utterance.THANKS),
        Comment(
            2, at(5), "大兴老居民", "建议在小区门口增设电动车充电桩", Label.UNCERTAIN, 0.61, Utterance.SUGGESTION, 1
        ),
        Comment(4, at(9), "路人甲", "声音有点小，听不清", Label.NEGATIVE, 0.12, Utterance.OTHER),
        Comment(5, at(15), "👍🏽小李", "👍👍", Label.UNSCORED, None, Utterance.EMPTY),
    )
    questions = (
        Question(
            3, at(6), "王强", "老年证在哪里办理，需要带什么材料？", State.ANSWERED, 23, AnswerMode.WRITTEN,
            "到社区居委会办理，带身份证和一张一寸照片，当场可取。", at(40), Label.UNCERTAIN, 0.4,
        ),
        Question(6, at(20), "欧阳", "周末能不能办居住证？", State.ANSWERED, 11, AnswerMode.LIVE, None, at(45)),
        Question(7, at(30), "匿名", "地下车库什么时候开放？", State.OPEN, 4, suggestion=2),
    )  # fmt: skip
    suggestions = (
        Suggestion(
            1,
            "建议在小区门口增设电动车充电桩",
            "大兴老居民",
            Decision.PARTLY_ADOPTED,
            "先在三个小区试点",
            None,
            at(3000),
            updates=(
                Update(at(3600), "观音寺街道", Progress.NOT_STARTED, "已列入计划"),
                Update(at(4000), None, Progress.UNDER_WAY, "第一个小区开工"),
            ),
            topic="停车充电",
        ),
        Suggestion(
            2,
            "地下车库什么时候开放？",
            "匿名",
            Decision.TRANSFERRED,
            "属物业管理范围",
            "区住房城乡建设委",
            at(3000),
            topic="停车充电",
        ),
        Suggestion(3, "希望增加周末服务窗口", "朱文静", Decision.ADOPTED, None, None, at(3010), topic="服务时间"),
        Suggestion(4, "请把活动改到晚上", "刘洋", None),
    )
    labels = [comment.label for comment in comments] + [question.label for question in questions]
    return Digest(
        activity=activity(),
        as_of=at(5000),
        audience=Audience(
            devices=412, peak=188, peak_at=at(31), watch_minutes=9321.5,
            samples=tuple(Sample(at(minute), 20 + (minute * 7) % 168) for minute in range(0, 118, 2)),
        ),
        ledger=Ledger(received=10, shown=7, withheld=2, merged=0, withdrawn=1, deleted=0),
        hidden={Reason.SPAM: 1, Reason.ABUSE: 1},
        sentiment=summarise(labels, "snownlp-0.12.3"),
        comments=comments,
        questions=questions,
        suggestions=suggestions,
        errands=(Errand("地下车库什么时候开放？", "区住房城乡建设委", "待接收", date(2023, 10, 9)),),
        satisfaction=Satisfaction((("非常满意", 12), ("满意", 5), ("一般", 2), ("不满意", 1), ("非常不满意", 0)), 0.85,
            (("现场", 8, 1.0), ("线上", 12, 0.75)),
        ),
    )  # fmt: skip


def nasty() -> Digest:
    """Everything that breaks exports, in every place where a text may stand."""
    texts = NASTY
    comments = tuple(Comment(i + 1, at(i), text[:20], text) for i, text in enumerate(texts))
    questions = tuple(
        Question(100 + i, at(i), text[:20], text, State.ANSWERED, i, AnswerMode.WRITTEN, text * 4, at(60))
        for i, text in enumerate(texts)
    )
    suggestions = tuple(
        Suggestion(
            i + 1,
            text,
            text[:20],
            Decision.TRANSFERRED,
            text,
            text[:30],
            at(90),
            updates=(Update(at(95), text[:30], Progress.DONE, text),),
        )
        for i, text in enumerate(texts)
    )
    base = ordinary()
    return replace(
        base,
        activity=activity(title="=1+1<b>\x07𠮷", place=NASTY[0], topic="@x", units=("+1", "a\x00b")),
        ledger=Ledger(received=40, shown=40),
        comments=comments,
        questions=questions,
        suggestions=suggestions,
        sentiment=summarise([None] * 40, "snownlp-0.12.3"),
    )


def empty() -> Digest:
    """Nobody came, and nothing was broadcast."""
    return Digest(
        activity=activity(
            topic=None, form=None, place=None, starts_at=None, ends_at=None, live_started_at=None, live_ended_at=None
        ),
        as_of=at(0),
        audience=Audience(),
        ledger=Ledger(),
        hidden={},
        sentiment=summarise([], "snownlp-0.12.3"),
    )
