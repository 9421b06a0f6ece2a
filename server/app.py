"""Puts the service together: makes the parts, starts them in order, closes them in the reverse order."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from logging import getLogger

from aiohttp import web
from pydantic_core import to_jsonable_python

from server.activities import Directory
from server.auth.authenticator import Authenticator
from server.auth.throttle import Throttle
from server.broadcasts import Broadcasts
from server.config import Settings
from server.door import Door
from server.duplicates import Duplicates
from server.ending import Ending
from server.film_files import FilmFiles
from server.films import Films
from server.health import HealthWatch
from server.http import (
    accounts,
    across,
    activities,
    assessment,
    calendar,
    desk,
    endpoint,
    entries,
    feeds,
    filings,
    followup,
    health,
    hls,
    materials,
    media,
    notices,
    openapi,
    outcomes,
    pages,
    participants,
    places,
    plan,
    programme,
    registrations,
    reminders,
    removals,
    rules,
    satisfaction,
    sentiment,
    session,
    subscriptions,
    topics,
    webrtc,
)
from server.http import (
    films as films_http,
)
from server.http import (
    recordings as recordings_http,
)
from server.http import (
    restreams as restreams_http,
)
from server.http.bodies import Bodies, bodies
from server.http.errors import errors
from server.http.malformed import MalformedRequests
from server.http.turns import Turns
from server.identity import Identities
from server.mail import Mailer
from server.moderation_rules import Rules
from server.personal import Seals
from server.realtime.audience import AudienceNamespace
from server.realtime.bus import open_redis
from server.realtime.delivery import Delivery
from server.realtime.greetings import Greetings
from server.realtime.host import HostNamespace
from server.realtime.hub import Hub, make_server
from server.realtime.limits import ADDRESS_FORMS, ADDRESS_LETTERS, ADDRESS_LOOKUPS, ADDRESS_SESSIONS
from server.realtime.lobby import Lobby
from server.realtime.malformed import Malformed
from server.realtime.pace import Pace
from server.realtime.polling import polling
from server.realtime.presence import Presence
from server.realtime.shared import Limit, SharedMemory
from server.recordings import Recordings
from server.reminders import Reminders
from server.restreams import Restreams
from server.retention import retention
from server.scoring import Scoring
from server.sentiment_commands import configured_model
from server.services import SERVICES, Services, utc_now
from server.sms import Gateway
from server.stage import Stage
from server.store.database import Database
from server.store.journal import Journal
from server.subscriptions import Subscriptions
from server.uploads import FileStore
from streaming.errors import RelayError
from streaming.packagers import Packagers
from streaming.supervisor import Supervisor

log = getLogger(__name__)

# Importing a module declares its endpoints.
HANDLERS = (
    desk,
    across,
    session,
    activities,
    programme,
    notices,
    feeds,
    filings,
    calendar,
    assessment,
    materials,
    media,
    entries,
    outcomes,
    followup,
    places,
    participants,
    plan,
    registrations,
    reminders,
    removals,
    rules,
    satisfaction,
    sentiment,
    accounts,
    subscriptions,
    topics,
    webrtc,
    hls,
    recordings_http,
    restreams_http,
    films_http,
    health,
    openapi,
)

LARGEST_BODY = 256 * 1024


def build(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> web.Application:
    """The application; its parts start when the server does. The database is already migrated."""
    services = assemble(settings, now)
    app = web.Application(middlewares=[errors, bodies, polling], client_max_size=LARGEST_BODY)
    app[SERVICES] = services
    app.add_routes(endpoint.routes())
    app.add_routes(pages.routes())
    app.on_response_prepare.append(pages.secure)
    app.on_response_prepare.append(webrtc.expose)
    services.sio.attach(app)
    app.on_shutdown.append(_let_go)
    app.cleanup_ctx.append(_running)
    return app


def assemble(settings: Settings, now: Callable[[], datetime]) -> Services:
    """Make the parts and tie them together; nothing runs yet."""
    database = Database(settings.sqlalchemy_url)
    directory, authenticator = Directory(database), Authenticator(database, settings.trusted_proxies, now)
    redis = open_redis(settings.redis_url) if settings.redis_url else None
    malformed = Malformed()
    sio = make_server(redis, malformed, lambda since: delivery.missed(since))  # noqa: PLW0108 - made below
    key = settings.signing_key()
    journal, greetings, duplicates = Journal(database), Greetings(database, sio.manager), Duplicates(database)
    delivery = Delivery(sio, database, duplicates, on_caught_up=lambda slug: hub.announce(slug, here=True))
    memory = SharedMemory(redis, key)
    pace, moderation_rules = Pace(key, memory, now=now), Rules(database, memory, now=now)

    async def broadcast_changed(slug: str, on_air: bool) -> None:
        if on_air:
            packagers.on_air(slug)
        await hub.announce(slug)

    async def on_air(slug: str) -> int:
        await restreams.on_air(slug)
        return await recordings.prepare(slug)

    async def off_air(slug: str) -> None:
        await restreams.off_air(slug)
        await recordings.settle(slug)

    async def health_changed(_up: bool) -> None:
        health_watch.wake()

    async def scored(entry_ids: list[int]) -> None:
        delivery.scored(entry_ids)

    async def watching_changed(activity_id: int, number: int) -> None:
        await hub.watching(activity_id, number)

    async def stream_measured(slug: str, stream: dict[str, object]) -> None:
        await hub.stream(slug, stream)

    broadcasts = Broadcasts(on_broadcast=broadcast_changed, on_stream=stream_measured, on_health=health_changed)
    hub = Hub(sio, directory, broadcasts, delivery, moderation_rules)
    scoring = Scoring(database, labels=configured_model(settings), on_scored=scored, on_health=health_changed)
    presence = Presence(database, redis, now=now, on_change=watching_changed)
    relay = Supervisor(
        media_port=settings.media_port,
        public_addresses=settings.public_address,
        relays=settings.relays,
        on_event=broadcasts.relay_said,
    )

    async def database_takes_entries() -> None:
        await database.ping()
        if journal.behind:
            raise TimeoutError("entries do not get to the disk")

    health_watch = HealthWatch(
        {"database": database_takes_entries} | ({} if redis is None else {"redis": redis.ping}),
        {"relay": lambda: "up" if relay.up else "restarting", "scorer": lambda: "up" if scoring.up else "down"},
        on_change=hub.health,
    )
    recordings = Recordings(database, settings.data_dir, limit=int(settings.recording_gigabytes * 1e9), now=now)
    restreams = Restreams(database, settings.data_dir / "hls", key)
    packagers = Packagers(settings.data_dir / "hls", relay, prepare=on_air, on_end=off_air)
    gateway, seals = Gateway(settings.sms_url, settings.sms_secret), Seals(key)
    identities = Identities(database, gateway, seals, moderation_rules, memory, key=key, now=now)
    audience = AudienceNamespace(
        key=key,
        database=database,
        directory=directory,
        journal=journal,
        scoring=scoring,
        delivery=delivery,
        greetings=greetings,
        presence=presence,
        rules=moderation_rules,
        identities=identities,
        pace=pace,
        on_air=broadcasts.on_air,
        address_of=authenticator.address_of_environ,
        now=now,
    )
    stage = Stage(database, directory, presence, relay, recordings, hub, now)
    films = Films(
        database,
        settings.data_dir / "films",
        stage,
        whip=lambda slug: f"{settings.local_url}/whip/{slug}",
        key=key,
        now=now,
    )
    mailer = Mailer(settings.smtp_url, settings.mail_from)
    services = Services(
        settings=settings,
        key=key,
        now=now,
        database=database,
        files=FileStore(settings.data_dir / "files"),
        directory=directory,
        authenticator=authenticator,
        throttle=Throttle(memory),
        redis=redis,
        memory=memory,
        health=health_watch,
        sio=sio,
        door=Door(exempt=authenticator.trusts),
        bodies=Bodies(),
        turns=Turns(),
        lobby=Lobby(sio, address_of=authenticator.address_of_environ),
        malformed=malformed,
        malformed_requests=MalformedRequests(),
        hub=hub,
        journal=journal,
        scoring=scoring,
        duplicates=duplicates,
        delivery=delivery,
        greetings=greetings,
        presence=presence,
        rules=moderation_rules,
        relay=relay,
        broadcasts=broadcasts,
        packagers=packagers,
        recordings=recordings,
        restreams=restreams,
        stage=stage,
        film_files=FilmFiles(settings.data_dir / "films", limit=int(settings.film_gigabytes * 1e9)),
        films=films,
        pace=pace,
        lookups=Limit("lookups", ADDRESS_LOOKUPS, memory),
        letters=Limit("letters", ADDRESS_LETTERS, memory),
        sessions=Limit("sessions", ADDRESS_SESSIONS, memory),
        registering=Limit("forms", ADDRESS_FORMS, memory),
        seals=seals,
        mailer=mailer,
        gateway=gateway,
        identities=identities,
        subscriptions=Subscriptions(database, mailer, key=key, site=settings.site_url, now=now),
        reminders=Reminders(database, mailer, board=f"{settings.site_url}/admin", now=now),
        retention=retention(database, now=now),
    )

    sio.register_namespace(audience)
    sio.register_namespace(_console(services))
    return services


def _console(services: Services) -> HostNamespace:
    """The hosts' end of the sockets."""

    async def snapshot(slug: str) -> dict[str, object]:
        view = await activities.activity_view(services, slug)
        return {
            "activity": to_jsonable_python(view),
            "stream": await services.broadcasts.stream(slug),
            "history": services.broadcasts.history.of(slug),
        }

    return HostNamespace(
        database=services.database,
        duplicates=services.duplicates,
        directory=services.directory,
        authenticate=services.authenticator.from_environ,
        snapshot=snapshot,
        health=services.health.parts,
        on_moderated=services.hub.moderated,
        network_of=services.rules.network_of,
        now=services.now,
    )


async def _let_go(app: web.Application) -> None:
    """Before the server waits for what is being answered: a socket is never answered in whole."""
    await app[SERVICES].lobby.empty()


async def _running(app: web.Application) -> AsyncIterator[None]:
    """Start what lives, and close it in the reverse order, whatever fails in between."""
    services, ending = app[SERVICES], Ending()
    async with AsyncExitStack() as stack:

        def ends(name: str, close: Callable[[], Awaitable[object]]) -> None:
            stack.push_async_callback(ending.end, name, close)

        services.malformed_requests.attach()
        stack.callback(services.malformed_requests.detach)
        ends("database", services.database.close)
        if services.redis is not None:
            ends("redis", services.redis.aclose)
        for part in (
            services.rules,
            services.journal,
            services.scoring,
            services.duplicates,
            services.delivery,
            services.presence,
        ):
            await part.start()
            ends(type(part).__name__.lower(), part.close)
        for looking in (services.directory, services.greetings):
            ends(type(looking).__name__.lower(), looking.close)
        try:
            await services.relay.start()
        except RelayError as error:
            log.critical("the media relay does not start: %s", error)
            raise
        ends("relay", services.relay.close)
        ends("recordings", services.recordings.close)
        ends("packagers", services.packagers.close)
        ends("restreams", services.restreams.close)
        await services.recordings.start(services.packagers)
        await services.broadcasts.start(services.relay)
        ends("broadcasts", services.broadcasts.close)
        await services.films.start()
        ends("films", services.films.close)
        await services.subscriptions.start()
        ends("subscriptions", services.subscriptions.close)
        await services.reminders.start()
        ends("reminders", services.reminders.close)
        await services.retention.start()
        ends("retention", services.retention.close)
        await services.health.start()
        ends("health", services.health.close)
        if services.redis is not None:
            ends("bus", services.sio.manager.close)
        ends("sockets", services.sio.shutdown)
        await services.lobby.start()
        ends("lobby", services.lobby.close)
        yield
