"""The media kit: what a reporter may use as it is, in one download. Only what is public already goes into it."""

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from docx.document import Document as DocumentObject
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision
from feedback.digest.page import NOTE_STYLE, new_document, to_bytes
from feedback.digest.table import add_facts, add_table
from feedback.digest.wording import moment, period
from server.errors import NotFound
from server.materials import MaterialsView, find_published, latest_materials
from server.notices import history
from server.outcomes_views import OutcomesView
from server.programme import notice_document
from server.programme.deadlines import Form
from server.programme.plan import ActivityKind
from server.programme_views import NoticeView, corrected
from server.publishing import latest_outcomes
from server.store.tables import Activity
from server.uploads import FileStore

_NO_TEXT = "（现场口头答复，未留文字记录）"
_CONTACT = ("联系", "电话", "邮箱")


class MediaKit:
    """What the kit is made from; `render` makes the files, which takes long enough for a thread."""

    def __init__(
        self,
        activity: Activity,
        notice: NoticeView | None,
        materials: MaterialsView | None,
        outcomes: OutcomesView | None,
        pictures: Mapping[int, Path],
        *,
        address: str,
        now: datetime,
    ) -> None:
        self._activity = activity
        self._notice = notice
        self._materials = materials
        self._pictures = pictures
        self._outcomes = outcomes
        self._address = address
        self._as_of = max(
            (published.published_at for published in (notice, materials, outcomes) if published is not None),
            default=now,
        )

    def render(self) -> bytes:
        """A zip: 媒体素材.docx, the QR code, and what is published of the notice, the pictures and the outcomes."""
        import segno

        code = io.BytesIO()
        segno.make_qr(self._address, error="m").save(code, kind="svg", scale=8, border=4, light="#ffffff")
        members = {"媒体素材.docx": self._document(), "观看页二维码.svg": code.getvalue()}
        if self._notice is not None:
            members["活动公告.docx"] = notice_document.render(
                f"{self._notice.title}活动公告",
                [(field.label, field.text) for field in self._notice.fields],
                [unit.name for unit in self._activity.units],
                self._notice.published_at,
                version=self._notice.version,
                corrected=corrected(self._notice.changes),
            )
        if self._outcomes is not None:
            members["采纳情况.json"] = self._outcomes.model_dump_json(indent=2).encode()
        for number, picture in enumerate(self._materials.pictures if self._materials else (), 1):
            members[f"图片/{number:02}_{picture.name}"] = self._pictures[picture.id].read_bytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()

    def _document(self) -> bytes:
        document, activity = new_document(), self._activity
        title = f"{activity.title}媒体素材"
        document.add_paragraph(title, style="Title")
        document.add_paragraph("以下内容均已公开，可以直接引用；网民姓名已按公开页面隐去。时间均为北京时间。")
        document.add_paragraph("一、活动事实", style="Heading 1")
        add_facts(
            document,
            [
                ("活动名称", activity.title),
                ("栏目", ActivityKind(activity.kind).column),
                ("主办单位", "、".join(unit.name for unit in activity.units)),
                ("形式", Form(activity.form).label if activity.form else "—"),
                ("时间", period(activity.starts_at, activity.ends_at)),
                ("地点", activity.place or "—"),
                ("观看地址", self._address),
                *self._contact(),
            ],
            (34, 122),
        )
        if activity.summary:
            document.add_paragraph(activity.summary)
        outcomes, materials = self._outcomes, self._materials
        if materials is not None:
            self._published_materials(document, materials)
        document.add_paragraph("二、问答", style="Heading 1")
        if outcomes is None or not outcomes.questions:
            document.add_paragraph("尚未公布。" if outcomes is None else "没有已公布的问答。")
        else:
            for number, question in enumerate(outcomes.questions, 1):
                document.add_paragraph(f"{number}．{question.text}（{question.nickname}）")
                document.add_paragraph(f"答：{question.answer or _NO_TEXT}")
        document.add_paragraph("三、意见建议采纳情况", style="Heading 1")
        if outcomes is None or not outcomes.suggestions:
            document.add_paragraph("尚未公布。" if outcomes is None else "没有收到意见建议。")
        else:
            add_table(
                document,
                ("编号", "意见建议", "提出人", "决定", "理由或转办单位"),
                (14, 62, 22, 20, 38),
                [
                    (
                        str(item.number),
                        item.text,
                        item.nickname,
                        Decision(item.decision).text,
                        "\n".join(
                            part for part in (item.transferred_to and f"转{item.transferred_to}", item.reason) if part
                        )
                        or "—",
                    )
                    for item in outcomes.suggestions
                ],
            )
            document.add_paragraph(f"公布于{moment(outcomes.published_at, year=True)}。", style=NOTE_STYLE)
        return to_bytes(document, title, self._as_of)

    def _published_materials(self, document: DocumentObject, materials: MaterialsView) -> None:
        for line in materials.text.splitlines():
            if line.strip():
                document.add_paragraph(line.strip())
        if materials.recording_url:
            document.add_paragraph(f"录像：{materials.recording_url}")
        if materials.quotes:
            document.add_paragraph("（一）可以引用的话", style="Heading 2")
            document.add_paragraph("以下各句均经本人同意引用。")
            for item in materials.quotes:
                document.add_paragraph(f"“{item.text}”——{item.by}")
        if materials.pictures:
            document.add_paragraph("（二）图片说明" if materials.quotes else "（一）图片说明", style="Heading 2")
            for number, picture in enumerate(materials.pictures, 1):
                document.add_paragraph(f"{number}．{picture.alt}（{number:02}_{picture.name}）")

    def _contact(self) -> list[tuple[str, str]]:
        """Whom to ask: what the unit wrote for reporters, else what it wrote into its notice."""
        if self._materials is not None and self._materials.contact:
            return [("媒体联系", self._materials.contact)]
        fields = self._notice.fields if self._notice else []
        return [(field.label, field.text) for field in fields if any(word in field.label for word in _CONTACT)]


async def collect_kit(
    session: AsyncSession, files: FileStore, activity: Activity, address: str, now: datetime
) -> MediaKit:
    """What is public of the activity so far."""
    try:
        notice: NoticeView | None = (await history(session, activity)).latest
    except NotFound:
        notice = None
    try:
        outcomes: OutcomesView | None = await latest_outcomes(session, activity)
    except NotFound:
        outcomes = None
    materials = await latest_materials(session, activity)
    pictures = {
        picture.id: files.path((await find_published(session, activity.id, picture.id)).stored)
        for picture in (materials.pictures if materials else ())
    }
    return MediaKit(activity, notice, materials, outcomes, pictures, address=address, now=now)
