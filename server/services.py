"""Everything that lives while the service runs, in one typed object, made in `server.app`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import socketio
from aiohttp import web
from redis.asyncio import Redis

from server.activities import Directory
from server.auth.authenticator import Authenticator
from server.auth.throttle import Throttle
from server.config import Settings
from server.store.database import Database
from server.store.journal import Journal
from server.uploads import FileStore

if TYPE_CHECKING:
    from server.broadcasts import Broadcasts
    from server.door import Door
    from server.duplicates import Duplicates
    from server.film_files import FilmFiles
    from server.films import Films
    from server.health import HealthWatch
    from server.http.bodies import Bodies
    from server.http.malformed import MalformedRequests
    from server.http.turns import Turns
    from server.identity import Identities
    from server.mail import Mailer
    from server.moderation_rules import Rules
    from server.periodic import Periodic
    from server.personal import Seals
    from server.realtime.delivery import Delivery
    from server.realtime.greetings import Greetings
    from server.realtime.hub import Hub
    from server.realtime.lobby import Lobby
    from server.realtime.malformed import Malformed
    from server.realtime.pace import Pace
    from server.realtime.presence import Presence
    from server.realtime.shared import Limit, SharedMemory
    from server.recordings import Recordings
    from server.reminders import Reminders
    from server.restreams import Restreams
    from server.scoring import Scoring
    from server.sms import Gateway
    from server.stage import Stage
    from server.subscriptions import Subscriptions
    from streaming.packagers import Packagers
    from streaming.supervisor import Supervisor


def utc_now() -> datetime:
    """The clock of the service; tests pass another."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Services:
    """The parts, for handlers. Each has one owner: `server.app` starts and closes them in order."""

    settings: Settings
    key: bytes
    now: Callable[[], datetime]
    database: Database
    files: FileStore
    directory: Directory
    authenticator: Authenticator
    throttle: Throttle
    redis: "Redis | None"
    memory: "SharedMemory"
    health: "HealthWatch"
    sio: socketio.AsyncServer
    door: "Door"
    bodies: "Bodies"
    turns: "Turns"
    lobby: "Lobby"
    malformed: "Malformed"
    malformed_requests: "MalformedRequests"
    hub: "Hub"
    journal: Journal
    scoring: "Scoring"
    duplicates: "Duplicates"
    delivery: "Delivery"
    greetings: "Greetings"
    presence: "Presence"
    rules: "Rules"
    relay: "Supervisor"
    broadcasts: "Broadcasts"
    packagers: "Packagers"
    recordings: "Recordings"
    restreams: "Restreams"
    stage: "Stage"
    film_files: "FilmFiles"
    films: "Films"
    pace: "Pace"
    lookups: "Limit"
    """Of receipts, by address."""
    letters: "Limit"
    """Wishes to be told by e-mail, by address."""
    sessions: "Limit"
    """Offers and restarts of WHIP and WHEP by address."""
    registering: "Limit"
    seals: "Seals"
    mailer: "Mailer"
    gateway: "Gateway"
    identities: "Identities"
    reminders: "Reminders"
    subscriptions: "Subscriptions"
    retention: "Periodic"


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
"""Where handlers find them."""
