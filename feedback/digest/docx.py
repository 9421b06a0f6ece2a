"""The digest as a Word document that a clerk can edit and pass on: a report with headings, tables and two pictures.

Names are masked here (“朱**”), as a document leaves the house. What it leaves out for length it says in so many words.
"""

import io
from collections.abc import Sequence

from docx.document import Document as DocumentObject
from docx.shared import Mm

from feedback.decisions import DENOMINATOR
from feedback.digest.chart import sentiment_bars, watching_line
from feedback.digest.model import Digest, Question, Suggestion
from feedback.digest.page import NOTE_STYLE, PICTURE_STYLE, new_document, to_bytes
from feedback.digest.table import add_facts, add_table
from feedback.digest.wording import minutes, moment, period, share, short_moment
from feedback.scorer import Label
from feedback.states import Reason
from feedback.text import mask_name

MOST_COMMENTS = 1_000
"""Comments listed in the document: 20,000 would be a thousand pages. The other formats hold all of them."""

MOST_ANSWERED = 300
"""Answered questions written out with their answers; the rest, and the open ones, stand in tables."""

MOST_OPEN = 1_000

_NO_TEXT = "（现场口头答复，未留文字记录）"


def render(digest: Digest) -> bytes:
    """A .docx after GB/T 9704-2012 (`page.py`)."""
    document = new_document()
    title = f"{digest.activity.title}互动情况报告"
    document.add_paragraph(title, style="Title")
    document.add_paragraph(
        f"本报告根据民声平台记录自动生成，数据截至{moment(digest.as_of, year=True)}，时间均为北京时间。"
    )
    for section in (_activity, _audience, _moderation, _sentiment, _questions, _suggestions, _comments):
        section(document, digest)
    return to_bytes(document, title, digest.as_of)


def _activity(document: DocumentObject, digest: Digest) -> None:
    document.add_paragraph("一、活动基本情况", style="Heading 1")
    activity = digest.activity
    if activity.live_started_at is None:
        live = "未进行直播"
    else:
        live = period(activity.live_started_at, activity.live_ended_at)
        if activity.live_ended_at is not None:
            live += f"，共{minutes(activity.live_started_at, activity.live_ended_at)}分钟"
    add_facts(
        document,
        [
            ("活动名称", activity.title),
            ("类别", activity.kind_text),
            ("专题", activity.topic or "—"),
            ("主责单位", "、".join(activity.units) or "—"),
            ("形式", activity.form_text),
            ("计划时间", period(activity.starts_at, activity.ends_at)),
            ("实际直播时间", live),
            ("地点", activity.place or "—"),
        ],
        (34, 122),
    )


def _audience(document: DocumentObject, digest: Digest) -> None:
    document.add_paragraph("二、参与情况", style="Heading 1")
    audience = digest.audience
    if audience.devices:
        watched = (
            f"通过网络收看的设备{audience.devices}台，累计收看{round(audience.watch_minutes)}分钟；"
            f"最高同时收看{audience.peak}人，时间为{moment(audience.peak_at)}。"
        )
    else:
        watched = "没有网络收看记录。"
    document.add_paragraph(
        f"{watched}公开展示评论{len(digest.comments)}条、提问{len(digest.questions)}条，"
        f"其中已答复{len(digest.answered)}条；收到意见建议{len(digest.suggestions)}条。"
    )
    if len(audience.samples) > 1:
        _picture(document, watching_line(audience.samples), "同时收看人数随时间变化的折线图")
        document.add_paragraph("图：同时收看人数（同一人使用两台设备时计为两人）", style=NOTE_STYLE)


def _moderation(document: DocumentObject, digest: Digest) -> None:
    document.add_paragraph("三、审核情况", style="Heading 1")
    ledger = digest.ledger
    document.add_paragraph(
        f"共收到评论和提问{ledger.received}条：展示{ledger.shown}条，未展示{ledger.withheld}条（含待审核、未采用和隐藏），"
        f"合并{ledger.merged}条，本人撤回{ledger.withdrawn}条，依法删除{ledger.deleted}条。"
        + ("以上各项之和与收到总数一致。" if ledger.balanced else "以上各项之和与收到总数不一致，需核对。")
    )
    total = sum(digest.hidden.values())
    if not total:
        document.add_paragraph("没有隐藏评论或提问。")
        return
    document.add_paragraph(f"其中隐藏{total}条，按原因统计如下；隐藏和撤回的内容不在本报告中出现。")
    add_table(
        document,
        ("隐藏原因", "条数", "占隐藏总数"),
        (60, 48, 48),
        [
            (reason.text, str(count), share(count, total))
            for reason in Reason
            if (count := digest.hidden.get(reason, 0))
        ],
    )


def _sentiment(document: DocumentObject, digest: Digest) -> None:
    document.add_paragraph("四、情感参考", style="Heading 1")
    sentiment = digest.sentiment
    if not sentiment.scored:
        document.add_paragraph("没有可以评分的文字。")
        return
    counts = "，".join(
        f"{label.text}{number}条（{share(number, sentiment.scored)}）"
        for label in Label
        if label is not Label.UNSCORED
        for number in (sentiment.counts.get(label, 0),)
    )
    document.add_paragraph(
        f"对公开展示的文字自动评分，有效评分n＝{sentiment.scored}条：{counts}；另有{sentiment.unscored}条无法评分"
        "（没有汉字、只有表情等），不计入百分比。"
    )
    _picture(document, sentiment_bars(sentiment), "各类情感条数的条形图")
    document.add_paragraph(f"图：情感参考（模型{sentiment.model}）", style=NOTE_STYLE)
    document.add_paragraph(f"误差说明：{sentiment.note}")


def _questions(document: DocumentObject, digest: Digest) -> None:
    document.add_paragraph("五、问题与答复", style="Heading 1")
    if not digest.questions:
        document.add_paragraph("没有收到公开展示的提问。")
        return
    answered = sorted(digest.answered, key=lambda question: (-question.votes, question.at, question.id))
    document.add_paragraph("（一）已答复的提问", style="Heading 2")
    if not answered:
        document.add_paragraph("暂无。")
    for index, question in enumerate(answered[:MOST_ANSWERED], 1):
        document.add_paragraph(f"{index}．{question.text}（{_asker(question)}）")
        document.add_paragraph(f"{_answer(question)}")
    if len(answered) > MOST_ANSWERED:
        document.add_paragraph(f"其余{len(answered) - MOST_ANSWERED}条已答复的提问列表如下。")
        _question_table(document, answered[MOST_ANSWERED:])
    document.add_paragraph("（二）待答复的提问", style="Heading 2")
    waiting = sorted(digest.open, key=lambda question: (-question.votes, question.at, question.id))
    if not waiting:
        document.add_paragraph("暂无。")
        return
    if len(waiting) > MOST_OPEN:
        document.add_paragraph(
            f"待答复的提问共{len(waiting)}条，下表按支持人数列出前{MOST_OPEN}条；全部内容见同时导出的xlsx、csv或json文件。"
        )
    add_table(
        document,
        ("序号", "提问内容", "提问人", "支持", "时间"),
        (14, 78, 22, 14, 28),
        [
            (str(index), question.text, mask_name(question.nickname), str(question.votes), short_moment(question.at))
            for index, question in enumerate(waiting[:MOST_OPEN], 1)
        ],
    )


def _asker(question: Question) -> str:
    votes = f"，{question.votes}人支持" if question.votes else ""
    return f"{mask_name(question.nickname)}，{moment(question.at)}{votes}{_merged(question)}"


def _merged(entry: Question | Suggestion) -> str:
    return f"，另合并相同的{entry.merged}条" if entry.merged else ""


def _answer(question: Question) -> str:
    mode = question.mode.text if question.mode else "答复"
    return f"{mode}（{moment(question.answered_at)}）：{question.answer or _NO_TEXT}"


def _question_table(document: DocumentObject, questions: Sequence[Question]) -> None:
    add_table(
        document,
        ("提问内容", "答复", "支持", "答复时间"),
        (56, 58, 14, 28),
        [
            (question.text, question.answer or _NO_TEXT, str(question.votes), short_moment(question.answered_at))
            for question in questions
        ],
    )


def _suggestions(document: DocumentObject, digest: Digest) -> None:
    document.add_paragraph("六、意见建议及采纳情况", style="Heading 1")
    adoption = digest.adoption
    if not adoption.total:
        document.add_paragraph("没有收到意见建议。")
        return
    counts = "，".join(f"{decision.text}{number}条" for decision, number in adoption.by_decision.items())
    undecided = f"，另有{adoption.undecided}条尚未决定" if adoption.undecided else ""
    document.add_paragraph(f"共收到意见建议{adoption.total}条：{counts}{undecided}。")
    if adoption.rate is not None:
        document.add_paragraph(
            f"采纳率{share(adoption.adopted + adoption.partly_adopted, adoption.decided)}"
            f"（{adoption.adopted + adoption.partly_adopted}÷{adoption.decided}）。{DENOMINATOR}"
        )
    add_table(
        document,
        ("编号", "意见建议", "提出人", "决定", "理由或转办单位"),
        (14, 62, 22, 20, 38),
        [
            (
                str(suggestion.number),
                suggestion.text,
                f"{mask_name(suggestion.nickname)}{_merged(suggestion)}",
                suggestion.decision.text if suggestion.decision else "尚未决定",
                "\n".join(
                    part
                    for part in (
                        f"转{suggestion.transferred_to}" if suggestion.transferred_to else "",
                        suggestion.reason,
                    )
                    if part
                )
                or "—",
            )
            for suggestion in digest.suggestions
        ],
    )


def _comments(document: DocumentObject, digest: Digest) -> None:
    document.add_paragraph("七、附件：评论记录", style="Heading 1")
    if not digest.comments:
        document.add_paragraph("没有公开展示的评论。")
        return
    if len(digest.comments) > MOST_COMMENTS:
        document.add_paragraph(
            f"公开展示的评论共{len(digest.comments)}条，下表按时间列出前{MOST_COMMENTS}条；"
            "全部内容见同时导出的xlsx、csv或json文件。"
        )
    add_table(
        document,
        ("序号", "时间", "昵称", "评论内容", "情感"),
        (14, 28, 22, 74, 18),
        [
            (
                str(index),
                short_moment(comment.at),
                mask_name(comment.nickname),
                comment.text,
                comment.label.text if comment.label else Label.UNSCORED.text,
            )
            for index, comment in enumerate(digest.comments[:MOST_COMMENTS], 1)
        ],
    )


def _picture(document: DocumentObject, png: bytes, description: str) -> None:
    """A picture in the text, with its description for those who don't see it."""
    paragraph = document.add_paragraph(style=PICTURE_STYLE)
    shape = paragraph.add_run().add_picture(io.BytesIO(png), width=Mm(150))
    shape._inline.docPr.set("descr", description)
