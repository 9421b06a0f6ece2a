"""意见建议分类 as a table, for the digest and for the adoption report."""

from collections.abc import Mapping

from feedback.decisions import Adoption, Decision
from feedback.digest.report import Block, Table, Text


def topic_table(topics: Mapping[str, Adoption]) -> list[Block]:
    """意见建议分类 with the decisions under each topic; nothing while none is filed."""
    if not topics:
        return []
    rows = [
        (
            topic,
            str(counts.total),
            *(str(number) for number in counts.by_decision.values()),
            str(counts.undecided),
        )
        for topic, counts in topics.items()
    ]
    header = ("分类", "条数", *(decision.text for decision in Decision), "未决定")
    table = Table(header, (28, 16, 16, 21, 18, 21, 16, 20), rows)
    # Words between them, as two tables that touch become one in Word.
    return [Text("意见建议按主题归类（由经办人归类）："), table, Text("逐条情况如下：")]
