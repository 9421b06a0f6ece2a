"""Delivery by itself: what changes while it reads is news again, and what it could not read it keeps."""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import OperationalError

from server.duplicates import Duplicates
from server.realtime.channels import AUDIENCE, HOST
from server.realtime.delivery import Delivery
from server.store.database import Database
from server.store.tables import Entry
from tests.server.test_duplicates import ask, change


class Wire:
    """Stands for the sockets."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []

    async def emit(self, event: str, data: Any, *, namespace: str, **_place: object) -> None:
        self.sent.append((namespace, event, data))

    async def heard(self, namespace: str, event: str, count: int) -> list[Any]:
        async with asyncio.timeout(10):
            while True:
                found = [data for place, name, data in self.sent if (place, name) == (namespace, event)]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.01)


async def nobody(_slug: str) -> None:
    """Nothing was missed here."""


async def test_a_question_that_is_hidden_while_it_is_read_is_taken_away_again(database: Database) -> None:
    class Meanwhile(Duplicates):
        """A host hides the question after its row was read and before it goes out."""

        async def likely(self, activity_id: int, entries: Sequence[Entry]) -> dict[int, list[int]]:
            if entries and entries[0].state == "open":
                await change(database, entries[0].id, state="hidden")
                delivery.changed(entries[0].id)
            return await super().likely(activity_id, entries)

    wire = Wire()
    delivery = Delivery(wire, database, Meanwhile(database), on_caught_up=nobody)
    question = await ask(database, "老年卡在哪个窗口办理？")
    delivery.changed(question)
    await delivery.start()
    [removed] = await wire.heard(AUDIENCE, "removed", 1)
    first, second = await wire.heard(HOST, "questions", 2)
    assert removed == {"ids": [question]}
    assert [first[0]["state"], second[0]["state"]] == ["open", "hidden"]
    await delivery.close()


async def test_what_could_not_be_compared_goes_out_when_the_database_is_back(database: Database) -> None:
    class Away(Duplicates):
        """The database is away at the first look."""

        looks = 0

        async def likely(self, activity_id: int, entries: Sequence[Entry]) -> dict[int, list[int]]:
            self.looks += 1
            if self.looks == 1:
                raise OperationalError("", None, OSError("away"))
            return await super().likely(activity_id, entries)

    wire = Wire()
    delivery = Delivery(wire, database, Away(database), on_caught_up=nobody)
    first = await ask(database, "老年卡在哪个窗口办理？")
    question = await ask(database, "请问老年卡在哪个窗口办？")
    delivery.arrived(question, public=True)
    delivery.scored([question])
    await delivery.start()
    [[asked]] = await wire.heard(HOST, "questions", 1)
    [[shown]] = await wire.heard(AUDIENCE, "questions", 1)
    assert (asked["id"], asked["similar"], shown["id"]) == (question, [first], question)
    await delivery.close()
