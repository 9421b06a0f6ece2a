"""The attendance list as a workbook: who has a place, and who came."""

from collections.abc import Sequence
from datetime import datetime

from feedback.digest.sheet import COUNT, MOMENT, Column
from server.personal import Person
from server.programme.places import Category, PlaceState
from server.store.places import Registration
from server.workbook import one_sheet

COLUMNS = (
    Column("编号", 8, COUNT),
    Column("姓名", 14),
    Column("手机", 16),
    Column("单位", 24),
    Column("类别", 14),
    Column("状态", 18),
    Column("报名时间", 20, MOMENT),
    Column("签到时间", 20, MOMENT),
)


def render(title: str, rows: Sequence[Registration], people: Sequence[Person], as_of: datetime) -> bytes:
    """A sheet 参与人员; `people` are those of the rows, masked or not."""
    cells = (
        (
            row.number,
            person.name,
            person.phone,
            person.organisation,
            Category(row.category).text,
            PlaceState(row.state).text,
            row.at,
            row.attended_at,
        )
        for row, person in zip(rows, people, strict=True)
    )
    return one_sheet(f"{title}参与人员名单", "参与人员", COLUMNS, cells, as_of)
