"""Takes an activity live and ends it: one path for the host at the console and for a film at its hour."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from server.activities import Directory, change_state, get_activity
from server.realtime.hub import Hub
from server.realtime.presence import Presence
from server.recordings import Recordings
from server.store.database import Database
from server.store.tables import Act
from streaming.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Stage:
    """What has to know when an activity starts or ends."""

    database: Database
    directory: Directory
    presence: Presence
    relay: Supervisor
    recordings: Recordings
    hub: Hub
    now: Callable[[], datetime]

    async def set_state(self, slug: str, state: str, *, account_id: int | None, by_film: bool = False) -> None:
        """Start (`live`) or end (`ended`) it, and tell everybody. Raises Conflict for what makes no sense now."""
        async with self.database.write() as session:
            activity = await get_activity(session, slug)
            detail: dict[str, object] = {"from": activity.state, "to": state}
            change_state(activity, state, self.now())
            if by_film:
                detail["film"] = True
            session.add(Act(at=self.now(), account_id=account_id, activity_id=activity.id, act="state", detail=detail))
        self.directory.forget(slug)
        if state == "live":
            self.presence.went_live(activity.id)
        else:
            await self.relay.end_activity(slug)
        self.recordings.changed_soon(slug)
        await self.hub.announce(slug)
