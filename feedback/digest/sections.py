"""What the report of an activity says, section by section; docx and pdf are written from it.

Names are masked here (“朱**”), as a document leaves the house. What it leaves out for length it says in so many words.
"""

from collections.abc import Sequence

from feedback.decisions import DENOMINATOR
from feedback.digest.figures import Figure, figures
from feedback.digest.model import Digest, Question, Suggestion
from feedback.digest.report import Block, Heading, Note, Picture, Report, Table, Text, numbered
from feedback.digest.topic_table import topic_table
from feedback.digest.wording import minutes, moment, period, share, short_moment
from feedback.scorer import Label
from feedback.states import Reason
from feedback.text import mask_name

MOST_COMMENTS = 400
"""Comments listed in the document: 20,000 would be a thousand pages. The other formats hold all of them."""

MOST_ANSWERED = 100
"""Answered questions written out with their answers; the next `MOST_LISTED`, and the open ones, stand in tables."""

MOST_LISTED = 300
MOST_OPEN = 300
MOST_SUGGESTIONS = 400
MOST_TO_DO = 100

_NO_TEXT = "（现场口头答复，未留文字记录）"
_ELSEWHERE = "全部内容见同时导出的xlsx、csv或json文件。"


def report(digest: Digest) -> Report:
    """The report of a digest that is already clean (`model.cleaned`)."""
    numbers = figures(digest)
    opening = Text(f"本报告根据民声平台记录自动生成，数据截至{moment(digest.as_of, year=True)}，时间均为北京时间。")
    sections = (
        ("活动基本情况", _activity(digest)),
        ("参与情况", _audience(digest)),
        ("审核情况", _moderation(digest)),
        ("意见建议及采纳情况", _suggestions(digest)),
        ("问题与答复", _questions(digest)),
        ("情感参考", _sentiment(digest)),
        ("主题词", _keywords([figure for figure in numbers if figure.section == "主题词"])),
        ("满意度", _satisfaction(digest)),
        ("拟办清单", _to_do(digest)),
    )
    annexes = (
        Text("附件：1．数据一览"),
        Text("\u3000\u3000\u30002．评论记录"),
        Heading("附件1：数据一览", annex=True),
        *_numbers(numbers),
        Heading("附件2：评论记录", annex=True),
        *_comments(digest),
    )
    return Report(f"{digest.activity.title}互动情况报告", digest.as_of, [opening, *numbered(sections), *annexes])


def facts(lines: Sequence[tuple[str, str]]) -> Table:
    """A table of two columns, names and what they are."""
    return Table(("项目", "内容"), (34, 122), lines)


def _activity(digest: Digest) -> list[Block]:
    activity = digest.activity
    if activity.live_started_at is None:
        live = "未进行直播"
    else:
        live = period(activity.live_started_at, activity.live_ended_at)
        if activity.live_ended_at is not None:
            live += f"，共{minutes(activity.live_started_at, activity.live_ended_at)}分钟"
    return [
        facts(
            [
                ("活动名称", activity.title),
                ("类别", activity.kind_text),
                ("专题", activity.topic or "—"),
                ("主责单位", "、".join(activity.units) or "—"),
                ("形式", activity.form_text),
                ("计划时间", period(activity.starts_at, activity.ends_at)),
                ("实际直播时间", live),
                ("地点", activity.place or "—"),
            ]
        )
    ]


def _audience(digest: Digest) -> list[Block]:
    audience = digest.audience
    if audience.devices:
        watched = (
            f"通过网络收看的设备{audience.devices}台，累计收看{round(audience.watch_minutes)}分钟；"
            f"最高同时收看{audience.peak}人，时间为{moment(audience.peak_at)}。"
        )
    else:
        watched = "没有网络收看记录。"
    blocks: list[Block] = [
        Text(
            f"{watched}公开展示评论{len(digest.comments)}条、提问{len(digest.questions)}条，"
            f"其中已答复{len(digest.answered)}条；收到意见建议{len(digest.suggestions)}条。"
        )
    ]
    if len(audience.samples) > 1:
        # An eighth of the CPU time of a start of the service was matplotlib, which most of its runs never need.
        from feedback.digest.chart import watching_line

        blocks.append(Picture(watching_line(audience.samples), "同时收看人数随时间变化的折线图"))
        blocks.append(Note("图：同时收看人数（同一人使用两台设备时计为两人）"))
    return blocks


def _moderation(digest: Digest) -> list[Block]:
    ledger = digest.ledger
    account = Text(
        f"共收到评论和提问{ledger.received}条：展示{ledger.shown}条，未展示{ledger.withheld}条（含待审核、未采用和隐藏），"
        f"合并{ledger.merged}条，本人撤回{ledger.withdrawn}条，依法删除{ledger.deleted}条。"
        + ("以上各项之和与收到总数一致。" if ledger.balanced else "以上各项之和与收到总数不一致，需核对。")
    )
    total = sum(digest.hidden.values())
    if not total:
        return [account, Text("没有隐藏评论或提问。")]
    return [
        account,
        Text(f"其中隐藏{total}条，按原因统计如下；隐藏和撤回的内容不在本报告中出现。"),
        Table(
            ("隐藏原因", "条数", "占隐藏总数"),
            (60, 48, 48),
            [
                (reason.text, str(count), share(count, total))
                for reason in Reason
                if (count := digest.hidden.get(reason, 0))
            ],
        ),
    ]


def _sentiment(digest: Digest) -> list[Block]:
    sentiment = digest.sentiment
    if not sentiment.scored:
        return [Text("没有可以评分的文字。")]
    from feedback.digest.chart import sentiment_bars

    counts = "，".join(
        f"{label.text}{number}条（{share(number, sentiment.scored)}）"
        for label in Label
        if label is not Label.UNSCORED
        for number in (sentiment.counts.get(label, 0),)
    )
    return [
        Text(
            f"对公开展示的文字自动评分，有效评分n＝{sentiment.scored}条：{counts}；另有{sentiment.unscored}条无法评分"
            "（没有汉字、只有表情等），不计入百分比。"
            + (f"其中{sentiment.corrected}条由主持人更正。" if sentiment.corrected else "")
        ),
        Picture(sentiment_bars(sentiment), "各类情感条数的条形图"),
        Note(f"图：情感参考（模型{sentiment.model}）"),
        Text(f"误差说明：{sentiment.note}"),
    ]


def _questions(digest: Digest) -> list[Block]:
    if not digest.questions:
        return [Text("没有收到公开展示的提问。")]
    answered = sorted(digest.answered, key=lambda question: (-question.votes, question.at, question.id))
    blocks: list[Block] = [Heading("（一）已答复的提问", 2)]
    if not answered:
        blocks.append(Text("暂无。"))
    for index, question in enumerate(answered[:MOST_ANSWERED], 1):
        blocks += [Text(f"{index}．{question.text}（{_asker(question)}）"), Text(_answer(question))]
    if len(answered) > MOST_ANSWERED:
        rest = answered[MOST_ANSWERED:]
        if len(rest) > MOST_LISTED:
            blocks.append(Text(f"其余{len(rest)}条已答复的提问，下表按支持人数列出前{MOST_LISTED}条；{_ELSEWHERE}"))
        else:
            blocks.append(Text(f"其余{len(rest)}条已答复的提问列表如下。"))
        blocks.append(_question_table(rest[:MOST_LISTED]))
    blocks.append(Heading("（二）待答复的提问", 2))
    waiting = sorted(digest.open, key=lambda question: (-question.votes, question.at, question.id))
    if not waiting:
        return [*blocks, Text("暂无。")]
    if len(waiting) > MOST_OPEN:
        blocks.append(
            Text(f"待答复的提问共{len(waiting)}条，下表按支持人数列出前{MOST_OPEN}条；{_ELSEWHERE}"),
        )
    rows = [
        (str(index), question.text, mask_name(question.nickname), str(question.votes), short_moment(question.at))
        for index, question in enumerate(waiting[:MOST_OPEN], 1)
    ]
    return [*blocks, Table(("序号", "提问内容", "提问人", "支持", "时间"), (14, 78, 22, 14, 28), rows)]


def _asker(question: Question) -> str:
    votes = f"，{question.votes}人支持" if question.votes else ""
    return f"{mask_name(question.nickname)}，{moment(question.at)}{votes}{_merged(question)}"


def _merged(entry: Question | Suggestion) -> str:
    return f"，另合并相同的{entry.merged}条" if entry.merged else ""


def _answer(question: Question) -> str:
    mode = question.mode.text if question.mode else "答复"
    return f"{mode}（{moment(question.answered_at)}）：{question.answer or _NO_TEXT}"


def _question_table(questions: Sequence[Question]) -> Table:
    return Table(
        ("提问内容", "答复", "支持", "答复时间"),
        (56, 58, 14, 28),
        [
            (question.text, question.answer or _NO_TEXT, str(question.votes), short_moment(question.answered_at))
            for question in questions
        ],
    )


def _suggestions(digest: Digest) -> list[Block]:
    adoption = digest.adoption
    if not adoption.total:
        return [Text("没有收到意见建议。")]
    counts = "，".join(f"{decision.text}{number}条" for decision, number in adoption.by_decision.items())
    undecided = f"，另有{adoption.undecided}条尚未决定" if adoption.undecided else ""
    blocks: list[Block] = [Text(f"共收到意见建议{adoption.total}条：{counts}{undecided}。")]
    if adoption.rate is not None:
        blocks.append(
            Text(
                f"采纳率{share(adoption.adopted + adoption.partly_adopted, adoption.decided)}"
                f"（{adoption.adopted + adoption.partly_adopted}÷{adoption.decided}）。{DENOMINATOR}"
            )
        )
        told = "，".join(
            f"{progress.text if progress else '尚未填写'}{number}条" for progress, number in digest.by_progress.items()
        )
        blocks.append(Text(f"落实情况（与决定分别统计）：{told}。"))
    blocks += topic_table(digest.by_topic)
    if adoption.total > MOST_SUGGESTIONS:
        blocks.append(Text(f"下表按编号列出前{MOST_SUGGESTIONS}条；{_ELSEWHERE}"))
    return [
        *blocks,
        Table(
            ("编号", "意见建议", "提出人", "决定", "理由、转办单位和落实情况"),
            (14, 58, 22, 20, 42),
            [
                (
                    str(item.number),
                    f"〔{item.topic}〕{item.text}" if item.topic else item.text,
                    f"{mask_name(item.nickname)}{_merged(item)}",
                    item.decision.text if item.decision else "尚未决定",
                    _outcome(item),
                )
                for item in digest.suggestions[:MOST_SUGGESTIONS]
            ],
        ),
    ]


def _outcome(suggestion: Suggestion) -> str:
    parts = [f"转{suggestion.transferred_to}"] if suggestion.transferred_to else []
    parts += [suggestion.reason] if suggestion.reason else []
    parts += [
        f"{update.progress.text}（{short_moment(update.at)}，{update.unit or '区级统筹'}）：{update.text}"
        for update in suggestion.updates
    ]
    return "\n".join(parts) or "—"


def _keywords(words: Sequence[Figure]) -> list[Block]:
    if not words:
        return [Text("文字太少，没有反复出现的词。")]
    listed = "、".join(f"{word.name}（{word.text}条）" for word in words)
    return [Text(f"公开展示的评论和提问中反复出现的词及出现的条数：{listed}。由程序按字面统计，未经人工归类。")]


def _satisfaction(digest: Digest) -> list[Block]:
    satisfaction = digest.satisfaction
    if satisfaction.share is None:
        return [Text("没有收到满意度评价。")]
    counts = "，".join(f"{level}{number}份" for level, number in satisfaction.levels)
    apart = "，".join(
        f"{way}n＝{number}份" + (f"、满意率{100 * share:.1f}%" if share is not None else "")
        for way, number, share in satisfaction.ways
    )
    return [
        Text(
            f"收到满意度评价n＝{satisfaction.answers}份：{counts}；"
            f"满意率（非常满意和满意占全部评价）{100 * satisfaction.share:.1f}%。"
            f"{f'其中{apart}；现场指凭已签到的入场码填写。' if apart else ''}"
            "每台设备计一份，自愿填写，不代表全体观众。"
        )
    ]


def _to_do(digest: Digest) -> list[Block]:
    lines = digest.to_do
    if not lines:
        return [Text("没有待办事项。")]
    blocks: list[Block] = []
    if len(lines) > MOST_TO_DO:
        blocks.append(Text(f"待办事项共{len(lines)}项，下表列出前{MOST_TO_DO}项；{_ELSEWHERE}"))
    rows = [
        (
            str(index),
            line.what,
            line.text,
            line.unit or "—",
            f"{line.due:%Y年}{line.due.month}月{line.due.day}日" if line.due else "—",
        )
        for index, line in enumerate(lines[:MOST_TO_DO], 1)
    ]
    return [*blocks, Table(("序号", "事项", "内容", "承办单位", "期限"), (14, 26, 62, 28, 26), rows)]


def _numbers(numbers: Sequence[Figure]) -> list[Block]:
    rows = [(figure.section, figure.name, figure.text) for figure in numbers]
    return [
        Text("同时导出的xlsx、csv和json文件载有相同的数据。"),
        Table(("类别", "项目", "数值"), (36, 44, 76), rows),
    ]


def _comments(digest: Digest) -> list[Block]:
    if not digest.comments:
        return [Text("没有公开展示的评论。")]
    blocks: list[Block] = []
    if len(digest.comments) > MOST_COMMENTS:
        blocks.append(
            Text(f"公开展示的评论共{len(digest.comments)}条，下表按时间列出前{MOST_COMMENTS}条；{_ELSEWHERE}")
        )
    rows = [
        (
            str(index),
            short_moment(comment.at),
            mask_name(comment.nickname),
            comment.text,
            comment.label.text if comment.label else Label.UNSCORED.text,
        )
        for index, comment in enumerate(digest.comments[:MOST_COMMENTS], 1)
    ]
    return [*blocks, Table(("序号", "时间", "昵称", "评论内容", "情感"), (14, 28, 22, 74, 18), rows)]
