"""What hosts may do, and what stays as it was when they may not."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from server.auth.rights import Principal, Role
from server.commands import parse_command
from server.errors import BadRequest, Conflict, Forbidden, NotFound
from server.moderation import Moderated, moderate
from server.store.database import Database
from server.store.entries import comments_after, waiting_before
from server.store.journal import Journal, NewEntry
from server.store.outcomes import Suggestion
from server.store.tables import Act, Entry

NOW = datetime(2023, 9, 27, 6, tzinfo=UTC)
ADMIN = Principal(1, "admin", "管理员", Role.ADMIN, None)


@pytest.fixture
async def entries(database: Database) -> tuple[int, int]:
    """A shown comment and a pending question of k01."""
    async with database.write() as session:
        from server.auth.accounts import create_account

        await create_account(
            session,
            username="admin",
            name="管理员",
            role=Role.ADMIN,
            unit_id=None,
            password="long enough!",
            generated=False,
            now=NOW,
        )
    journal = Journal(database)
    await journal.start()
    comment = await journal.add(NewEntry(1, "comment", "d", "1", "网友", "建议增加窗口", "shown", NOW))
    question = await journal.add(NewEntry(1, "question", "d", "2", "网友", "周末上班吗", "pending", NOW))
    await journal.close()
    return comment.id, question.id


async def act(database: Database, entry_id: int, principal: Principal = ADMIN, **command: object) -> Moderated:
    return await moderate(database, principal, entry_id, parse_command(command), NOW)


async def test_a_hidden_comment_comes_back_as_it_was(database: Database, entries: tuple[int, int]) -> None:
    comment, _ = entries
    hidden = await act(database, comment, act="hide", reason="spam")
    assert (hidden.entry.state, hidden.entry.reason) == ("hidden", "spam")
    restored = await act(database, comment, act="restore")
    assert (restored.entry.state, restored.entry.reason) == ("shown", None)


async def test_a_question_goes_through_the_queue(database: Database, entries: tuple[int, int]) -> None:
    _, question = entries
    assert (await act(database, question, act="approve")).entry.state == "open"
    assert (await act(database, question, act="screen", on=True)).entry.on_screen
    answered = (await act(database, question, act="answer", mode="written", text=" 周六上午上班 ")).entry
    assert (answered.state, answered.answer, answered.answered_at) == ("answered", "周六上午上班", NOW)


async def test_an_illegal_transition_changes_nothing_and_logs_nothing(
    database: Database, entries: tuple[int, int]
) -> None:
    comment, _ = entries
    with pytest.raises(Conflict) as caught:
        await act(database, comment, act="approve")
    assert caught.value.code == "illegal_transition"
    async with database.read() as session:
        assert (await session.get_one(Entry, comment)).state == "shown"
        assert (await session.scalars(select(Act))).all() == []


async def test_an_answer_is_taken_back_and_then_the_approval(database: Database, entries: tuple[int, int]) -> None:
    _, question = entries
    await act(database, question, act="approve")
    await act(database, question, act="answer", mode="written", text="周六上班")
    await act(database, question, act="answer", mode="written", text="周六上午上班")
    await act(database, question, act="screen", on=True)
    reopened = (await act(database, question, act="reopen")).entry
    assert (reopened.state, reopened.answer, reopened.answer_mode, reopened.answered_at) == ("open", None, None, None)
    assert reopened.on_screen
    reopened = (await act(database, question, act="reopen")).entry
    assert (reopened.state, reopened.on_screen) == ("pending", False)
    with pytest.raises(Conflict) as caught:
        await act(database, question, act="reopen")
    assert caught.value.code == "illegal_transition"
    async with database.read() as session:
        lines = (await session.scalars(select(Act).where(Act.act == "reopen").order_by(Act.id))).all()
    assert [line.detail for line in lines] == [{"from": "answered", "to": "open"}, {"from": "open", "to": "pending"}]


async def test_an_answer_on_the_spot_begins_when_the_question_came_on_screen(
    database: Database, entries: tuple[int, int]
) -> None:
    _, question = entries

    async def at(minutes: int, **command: object) -> Entry:
        when = NOW + timedelta(minutes=minutes)
        return (await moderate(database, ADMIN, question, parse_command(command), when)).entry

    await at(1, act="approve")
    await at(2, act="screen", on=True)
    await at(3, act="screen", on=False)
    await at(4, act="screen", on=True)
    # Minutes later the host says that it was answered: the recording is looked up where the answer began.
    answered = await at(9, act="answer", mode="live")
    assert (answered.answered_at, answered.changed_at) == (NOW + timedelta(minutes=4), NOW + timedelta(minutes=9))
    assert (await at(10, act="answer", mode="written", text="周六上班")).answered_at == NOW + timedelta(minutes=10)
    await at(11, act="reopen")
    await at(12, act="screen", on=False)
    assert (await at(13, act="answer", mode="live")).answered_at == NOW + timedelta(minutes=13)


async def test_a_refusal_is_taken_back_to_where_it_came_from(database: Database, entries: tuple[int, int]) -> None:
    _, question = entries
    for before in ("pending", "open"):
        await act(database, question, act="decline", reason="重复")
        reopened = (await act(database, question, act="reopen")).entry
        assert (reopened.state, reopened.reason) == (before, None)
        if before == "pending":
            await act(database, question, act="approve")


async def test_hiding_again_changes_the_reason_alone(database: Database, entries: tuple[int, int]) -> None:
    comment, question = entries
    await act(database, question, act="decline", reason="重复")
    for entry_id, state, reason in ((comment, "shown", None), (question, "declined", "重复")):
        await act(database, entry_id, act="hide", reason="spam")
        again = (await act(database, entry_id, act="hide", reason="privacy")).entry
        assert (again.state, again.reason) == ("hidden", "privacy")
        restored = (await act(database, entry_id, act="restore")).entry
        assert (restored.state, restored.reason) == (state, reason)


async def test_a_comment_that_never_waited_cannot_be_put_back_to_waiting(
    database: Database, entries: tuple[int, int]
) -> None:
    with pytest.raises(Conflict):
        await act(database, entries[0], act="reopen")


async def test_a_reader_who_was_away_gets_what_was_approved_meanwhile(
    database: Database, entries: tuple[int, int]
) -> None:
    journal = Journal(database)
    await journal.start()
    stored = [
        await journal.add(NewEntry(1, "comment", "d", f"w{number}", "网友", "等一等", state, NOW))
        for number, state in enumerate(("pending", "pending", "shown"))
    ]
    await journal.close()
    waiting, approved, last = [item.id for item in stored]
    await moderate(database, ADMIN, approved, parse_command({"act": "approve"}), NOW + timedelta(seconds=9))
    async with database.read() as session:
        assert [entry.id for entry in await comments_after(session, 1, last, 50)] == [approved]
        assert [entry.id for entry in await comments_after(session, 1, approved, 50)] == [approved, last]
        assert [entry.id for entry in await waiting_before(session, 1, "comment", last)] == [waiting]
        assert [entry.id for entry in await waiting_before(session, 1, "question", last)] == [entries[1]]


async def test_only_one_question_is_on_screen(database: Database, entries: tuple[int, int]) -> None:
    _, first = entries
    journal = Journal(database)
    await journal.start()
    second = (await journal.add(NewEntry(1, "question", "d", "3", "网友", "可以网上办吗", "open", NOW))).id
    await journal.close()
    await act(database, first, act="approve")
    await act(database, first, act="screen", on=True)
    result = await act(database, second, act="screen", on=True)
    assert result.touched == (first,)
    async with database.read() as session:
        assert not (await session.get_one(Entry, first)).on_screen


async def test_what_is_hidden_leaves_the_screen(database: Database, entries: tuple[int, int]) -> None:
    _, question = entries
    await act(database, question, act="approve")
    await act(database, question, act="screen", on=True)
    assert not (await act(database, question, act="hide", reason="privacy")).entry.on_screen


async def test_a_written_answer_needs_words(database: Database, entries: tuple[int, int]) -> None:
    _, question = entries
    with pytest.raises(BadRequest):
        await act(database, question, act="answer", mode="written", text=" \n ")


async def test_suggestions_are_numbered_and_a_decided_one_stays(database: Database, entries: tuple[int, int]) -> None:
    comment, question = entries
    assert (await act(database, comment, act="suggest", on=True)).suggestion is not None
    assert (await act(database, comment, act="suggest", on=True)).suggestion is not None  # once is enough
    await act(database, question, act="suggest", on=True)
    async with database.write() as session:
        suggestions = (await session.scalars(select(Suggestion).order_by(Suggestion.number))).all()
        assert [item.number for item in suggestions] == [1, 2]
        suggestions[0].decision = "adopted"
    with pytest.raises(Conflict):
        await act(database, comment, act="suggest", on=False)
    assert (await act(database, question, act="suggest", on=False)).suggestion is None


async def test_another_units_staff_is_refused(database: Database, entries: tuple[int, int]) -> None:
    stranger = Principal(1, "yufa", "榆垡镇", Role.STAFF, "yufa")
    with pytest.raises(Forbidden):
        await act(database, entries[0], stranger, act="hide", reason="spam")
    with pytest.raises(NotFound):
        await act(database, 999_999, act="hide", reason="spam")


async def test_every_act_stands_in_the_log(database: Database, entries: tuple[int, int]) -> None:
    await act(database, entries[0], act="hide", reason="abuse")
    async with database.read() as session:
        line = (await session.scalars(select(Act))).one()
    assert (line.act, line.account_id, line.entry_id, line.at) == ("hide", 1, entries[0], NOW)
    assert line.detail == {"reason": "abuse", "from": "shown", "to": "hidden"}
