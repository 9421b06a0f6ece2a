"""An author wants what was published to be deleted (PIPL 47): a request with a day, and the unit's act.

What the author wrote leaves every version, the entry and everything made of them; the versions' digests can still be
computed (feedback.seals). A corrected version says that something was deleted. It says nothing else that is new, so
nobody has to release it, and what the unit has drafted meanwhile stays a draft.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback import seals
from feedback.text import clean, mask_name
from server.activities import require_reach
from server.auth.rights import Principal
from server.errors import BadRequest, Conflict, NotFound
from server.outcomes import draft, hidden_by_reason
from server.outcomes_views import PublishedSuggestion
from server.programme.calendar import beijing_date
from server.publishing import bare, keep, newest_publication, numbers_of
from server.receipts import entry_of
from server.standing import Place, Standing
from server.store.entries import QUESTION
from server.store.outcomes import Publication, Suggestion, SuggestionUpdate
from server.store.removals import ASKED, DONE, REFUSED, Removal
from server.store.tables import Act, Activity, Entry
from server.withdrawal import take_back

ANSWERED_WITHIN = timedelta(days=7)
"""The service's own offer; GB/T 35273-2020, 8.7, asks for an answer within thirty days."""


async def ask(session: AsyncSession, receipt: str, note: str, now: datetime) -> Removal:
    """The author asks. Twice is as good as once. Raises NotFound, and Conflict (`not_published`)."""
    entry = await entry_of(session, receipt, lock=True)
    waiting = await session.scalar(select(Removal).where(Removal.entry_id == entry.id, Removal.state == ASKED))
    if waiting is not None:
        return waiting
    if not await (await Standing.of(session, entry)).places(session):
        raise Conflict("这条没有写入公布的结果，可以直接撤回。", code="not_published")
    removal = Removal(
        activity_id=entry.activity_id,
        entry_id=entry.id,
        state=ASKED,
        note=clean(note),
        asked_at=now,
        due=beijing_date(now + ANSWERED_WITHIN),
    )
    session.add(removal)
    session.add(_line(None, removal, "removal-ask", now))
    await session.flush()
    return removal


async def waiting_removals(session: AsyncSession, activity_id: int) -> Sequence[Removal]:
    """What authors asked of an activity's unit: those that wait first, then the newest."""
    query = select(Removal).where(Removal.activity_id == activity_id)
    return (await session.scalars(query.order_by(Removal.state != ASKED, Removal.id.desc()).limit(200))).all()


async def refuse(session: AsyncSession, principal: Principal, removal_id: int, reason: str, now: datetime) -> Removal:
    """The unit does not delete, and says why. Raises NotFound, Forbidden, BadRequest without words, Conflict."""
    removal = await _waiting(session, principal, removal_id)
    words = clean(reason)
    if not words:
        raise BadRequest("请写明不删除的理由，申请人会看到。", code="empty", field="reason")
    removal.state, removal.reason = REFUSED, words
    removal.decided_at, removal.decided_by = now, principal.account_id
    session.add(_line(principal, removal, "removal-refuse", now, reason=words))
    await session.flush()
    return removal


async def remove(
    session: AsyncSession, principal: Principal, removal_id: int, *, reply: bool, now: datetime
) -> tuple[Publication, tuple[int, ...]]:
    """Delete the author's words from every version and from the entry, and publish a corrected version.

    *reply*: what the unit wrote about it as well, where that repeats what the author wrote. Returns the new version and
    the entries that changed. Raises NotFound, Forbidden, and Conflict, also where the account does not add up.
    """
    removal = await _waiting(session, principal, removal_id)
    entry = await session.get_one(Entry, removal.entry_id, with_for_update=True)
    standing = await Standing.of(session, entry)
    places = await standing.places(session)
    parts = ("words", "reply") if reply else ("words",)
    rows = await session.scalars(select(Publication).where(Publication.activity_id == removal.activity_id))
    for row in rows:
        shortened = seals.remove(row.content, partial(standing.holds, row), parts, now)
        if shortened is not None:
            row.content = shortened
    was_head = entry.merged_into is None
    changed = await take_back(session, entry, now, keep_suggestion=True)
    heir = await session.get(Entry, changed[1]) if was_head and len(changed) > 1 else None
    removal.state, removal.reply, removal.note = DONE, reply, ""
    removal.decided_at, removal.decided_by = now, principal.account_id
    suggestion = await session.scalar(select(Suggestion).where(Suggestion.entry_id == entry.id))
    if reply and suggestion is not None:
        suggestion.reason = seals.REMOVED if suggestion.reason else ""
        await session.execute(delete(SuggestionUpdate).where(SuggestionUpdate.suggestion_id == suggestion.id))
        await session.flush()
        await session.refresh(suggestion, ["updates"])
    activity = await session.get_one(Activity, removal.activity_id)
    publication = await _corrected(session, principal, activity, _named(places, reply=reply), (entry, heir), now)
    removal.version = publication.version
    session.add(_line(principal, removal, "removal", now, version=publication.version, parts=list(parts)))
    await session.flush()
    return publication, changed


def _named(places: Sequence[Place], *, reply: bool) -> list[str]:
    """What is deleted, in words; of several places each once."""
    names = dict.fromkeys(
        f"第{place.number}号意见建议" if place.section == "suggestions" else "一条提问" for place in places
    )
    parts = ["原文和称呼", "说明和答复"] if reply else ["原文和称呼"]
    return [f"{name}的{part}" for name in names for part in parts]


async def _corrected(
    session: AsyncSession,
    principal: Principal,
    activity: Activity,
    deleted: Sequence[str],
    gone: tuple[Entry, Entry | None],
    now: datetime,
) -> Publication:
    """The newest version once more, with today's account. Where others had said the same, the first of them, who stands
    for it now, lends the words.
    """
    latest = cast("Publication", await newest_publication(session, activity.id))
    work = await draft(session, activity)
    if problems := work.ledger.problems():
        raise Conflict("；".join(problems) + "。", code="incomplete")
    content: dict[str, Any] = dict(latest.content)
    for section in seals.PARTS:
        content[section] = [bare(item) for item in content[section]]
    entry, heir = gone
    entry_ids = dict(latest.entry_ids)
    if heir is not None:
        for item in content["suggestions"]:
            if entry_ids.get(str(item["number"])) == entry.id:
                entry_ids[str(item["number"])] = heir.id
                _lend(item, heir)
        for item in content["questions"]:
            if item.get("id") == entry.id and heir.kind == QUESTION:
                item["id"] = heir.id
                _lend(item, heir)
    suggestions = [PublishedSuggestion.model_validate(item) for item in content["suggestions"]]
    content["numbers"] = numbers_of(work, suggestions, await hidden_by_reason(session, activity.id)).model_dump(
        mode="json"
    )
    content["deleted"] = list(deleted)
    content["note"] = "按作者要求删除已公布的内容，此前各版同样删除。"
    return await keep(session, principal, activity, content, entry_ids, now)


def _lend(item: dict[str, Any], heir: Entry) -> None:
    item |= {"text": heir.text, "nickname": mask_name(heir.nickname), "merged": heir.merged_count}
    item.pop("removed", None)


async def _waiting(session: AsyncSession, principal: Principal, removal_id: int) -> Removal:
    removal = await session.get(Removal, removal_id, with_for_update=True)
    if removal is None:
        raise NotFound("没有找到这件申请。")
    require_reach(principal, frozenset(unit.id for unit in removal.activity.units))
    if removal.state != ASKED:
        raise Conflict("这件申请已经办理。", code="illegal_transition")
    return removal


def _line(principal: Principal | None, removal: Removal, act: str, now: datetime, **detail: object) -> Act:
    return Act(
        at=now,
        account_id=principal.account_id if principal else None,
        activity_id=removal.activity_id,
        entry_id=removal.entry_id,
        act=act,
        detail=detail,
    )
