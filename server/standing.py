"""Where the words of an entry stand in published versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.seals import PARTS
from feedback.states import Act as StateAct
from server.store.entries import QUESTION
from server.store.outcomes import Publication
from server.store.tables import Act, Entry


@dataclass(frozen=True, slots=True)
class Place:
    """An item of a version: in which list, and its number (of a suggestion) or None."""

    version: int
    section: str
    number: int | None


class Standing:
    """Finds one entry in versions of every form."""

    def __init__(self, entry: Entry, answered_at: set[datetime | None]) -> None:
        self._entry = entry
        self._answered_at = answered_at

    @classmethod
    async def of(cls, session: AsyncSession, entry: Entry) -> "Standing":
        """For that entry, before anything is deleted of it."""
        times = await session.scalars(select(Act.at).where(Act.entry_id == entry.id, Act.act == StateAct.ANSWER.value))
        return cls(entry, {entry.answered_at, *times} - {None})

    async def places(self, session: AsyncSession) -> list[Place]:
        """Every item that says its words, the newest version first."""
        rows = await session.scalars(
            select(Publication)
            .where(Publication.activity_id == self._entry.activity_id)
            .order_by(Publication.version.desc())
        )
        return [place for row in rows for place in self._places(row)]

    def _places(self, row: Publication) -> Iterator[Place]:
        if self._entry.id not in row.entry_ids.values() and self._entry.kind != QUESTION:
            return
        content = cast("Mapping[str, Any]", row.content)
        for section in PARTS:
            for item in content[section]:
                if "words" not in item.get("removed", {}) and self.holds(row, section, item):
                    yield Place(row.version, section, item.get("number"))

    def holds(self, row: Publication, section: str, item: Mapping[str, Any]) -> bool:
        """Whether that item of a version is this entry."""
        if section == "suggestions":
            return row.entry_ids.get(str(item["number"])) == self._entry.id
        if "id" in item:
            return bool(item["id"] == self._entry.id)
        # Before questions had a number: one of the answers that it ever had, which may have been corrected since.
        at = item["answered_at"]
        return item["text"] == self._entry.text and at is not None and datetime.fromisoformat(at) in self._answered_at
