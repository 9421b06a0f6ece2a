"""Is it alive, can it serve, and what does it do."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Literal

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel

from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.realtime.bus import RedisRoomManager
from server.realtime.rooms import DirectWebSocket
from server.services import Services
from streaming.delays import BOUNDS, Delays
from streaming.figures import RelayStats


class Health(BaseModel):
    """The parts, each `up` or what is wrong."""

    status: str
    parts: dict[str, str]
    scorer: str | None
    """What computes snownlp's score: “python” or “numba”; null before anything was scored. Not a part: without it, all
    else goes on."""
    model: str
    """Stored with each score."""
    limits: Literal["shared", "own"]
    """Whether limits hold at all processes alike; “own” without Redis, or while it does not answer."""


@endpoint("GET", "/healthz", right=Right.PUBLIC, summary="The process is alive")
async def alive(call: Call[None]) -> web.Response:
    return web.json_response({"status": "up"})


@endpoint("GET", "/readyz", right=Right.PUBLIC, summary="The service can serve: 200, else 503", answer=Health)
async def ready(call: Call[None]) -> web.Response:
    parts, scoring = await call.services.health.look(), call.services.scoring
    parts.pop("scorer")  # comments are taken and shown without it
    well = all(word == "up" for word in parts.values())
    health = Health(
        status="up" if well else "down",
        parts=parts,
        scorer=scoring.engine,
        model=scoring.model,
        limits="shared" if call.services.memory.shared else "own",
    )
    return web.Response(text=health.model_dump_json(), content_type="application/json", status=200 if well else 503)


@endpoint("GET", "/metrics", right=Right.PUBLIC, summary="Prometheus metrics: numbers, no names")
async def metrics(call: Call[None]) -> web.Response:
    return web.Response(body=generate_latest(_collect(call.services)), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _collect(services: Services) -> CollectorRegistry:
    """A registry made for this answer from what the parts count themselves: nothing is counted twice."""
    registry = CollectorRegistry()

    def counter(name: str, words: str, value: float, **labels: str) -> None:
        metric = Counter(name, words, list(labels), registry=registry)
        (metric.labels(**labels) if labels else metric).inc(value)

    def gauge(name: str, words: str, value: float) -> None:
        Gauge(name, words, registry=registry).set(value)

    counter("minsheng_journal_refused", "Entries and votes turned away by a full queue", services.journal.refused)
    counter("minsheng_delivery_dropped", "Stored entries not sent live", services.delivery.dropped)
    _count_refusals(services, registry)
    counter("minsheng_sms_sent", "Codes that the gateway took", services.gateway.sent)
    counter("minsheng_sms_failed", "Codes that it did not take", services.gateway.failed)
    counter("minsheng_challenges_solved", "Devices that proved work", services.pace.challenges.solved)
    counter("minsheng_slow_phones", "Lines cut because the phone did not read", services.sio.manager.slow)
    _count_connections(services, registry)
    counter("minsheng_malformed_frames", "Frames that are no Socket.IO", services.malformed.count)
    counter("minsheng_malformed_requests", "Requests that are no HTTP", services.malformed_requests.count)
    counter("minsheng_mail_sent", "Messages that the mail server took", services.mailer.sent)
    counter("minsheng_mail_failed", "Messages that it did not take", services.mailer.failed)
    counter("minsheng_packager_starts", "Packagers started", services.packagers.starts)
    packaged = Gauge("minsheng_packager", "What a packager does now", ["activity", "what"], registry=registry)
    for slug, report in services.packagers.reports.items():
        packaged.labels(slug, "segments").set(report["segments"])
        packaged.labels(slug, "recorded_bytes").set(report["kept_bytes"])
        packaged.labels(slug, "recorded_seconds").set(report["kept_seconds"])
        packaged.labels(slug, "recording").set(report["keeping"])
    for name, word in services.health.parts().items():
        gauge(f"minsheng_{name}_up", f"Whether the {name} answers", word == "up")
    gauge("minsheng_limits_shared", "Whether limits hold at all processes alike", services.memory.shared)
    made = Gauge("minsheng_scorer_info", "What scores", ["engine", "model"], registry=registry)
    made.labels(services.scoring.engine or "none", services.scoring.model).set(1)
    if isinstance(services.sio.manager, RedisRoomManager):
        counter("minsheng_bus_dropped", "Messages that other processes were not sent", services.sio.manager.dropped)
    watching = Gauge("minsheng_watching", "Devices on an activity's page", ["activity"], registry=registry)
    for activity_id, number in services.presence.numbers().items():
        watching.labels(str(activity_id)).set(number)
    stats = services.broadcasts.latest
    if stats is not None:
        _count_relay(stats, registry)
    return registry


def _count_relay(stats: RelayStats, registry: CollectorRegistry) -> None:
    """What the relay's processes counted, added up."""
    viewers = Gauge("minsheng_relay_viewers", "WHEP viewers", ["activity"], registry=registry)
    publishing = Gauge("minsheng_relay_publishing", "Whether a publisher sends", ["activity"], registry=registry)
    receiving = Gauge(
        "minsheng_relay_layer_viewers",
        "WHEP viewers, by what they receive",
        ["activity", "layer"],
        registry=registry,
    )
    lost = Gauge(
        "minsheng_relay_publisher_packets_lost",
        "Packets that a publisher's way lost",
        ["activity"],
        registry=registry,
    )
    for slug, activity in stats.activities.items():
        if activity.publisher is not None:
            lost.labels(slug).set(activity.publisher.packets_lost)
        receiving.labels(slug, "sound alone").set(activity.sound_alone)
        for layer in activity.layers:
            receiving.labels(slug, layer.name).set(layer.viewers)
        viewers.labels(slug).set(activity.viewers)
        publishing.labels(slug).set(activity.publisher is not None)
    Counter("minsheng_relay_cpu_seconds", "CPU time of the relay's processes", registry=registry).inc(stats.cpu_seconds)
    Gauge("minsheng_relay_resident_bytes", "Memory of the relay's processes", registry=registry).set(
        stats.resident_kilobytes * 1024
    )
    Gauge("minsheng_relay_tasks", "Tasks of the relay's event loops", registry=registry).set(stats.tasks)
    Gauge("minsheng_relay_descriptors", "Open files and sockets of the relay's processes", registry=registry).set(
        stats.descriptors
    )
    totals = Counter("minsheng_relay_events", "What the relay counted since its start", ["what"], registry=registry)
    for name, value in stats.totals.items():
        totals.labels(name).inc(value)
    registry.register(_DelayCollector(stats.delays))
    drops = Counter("minsheng_relay_dropped", "Datagrams dropped, by cause", ["cause"], registry=registry)
    for name, value in stats.drops.items():
        drops.labels(name).inc(value)


class _DelayCollector(Collector):
    """The relay's histogram, as it counted it."""

    def __init__(self, delays: Delays) -> None:
        self._delays = delays

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The one family."""
        words = "Seconds from a batch's arrival at the relay until every viewer's copy was sent"
        steps = zip([*map(str, BOUNDS), "+Inf"], accumulate(self._delays.counts), strict=True)
        family = HistogramMetricFamily("minsheng_relay_delay_seconds", words)
        family.add_metric([], list(steps), self._delays.seconds)
        yield family


def _count_refusals(services: Services, registry: CollectorRegistry) -> None:
    """What was refused or held, by the limit or the rule."""
    pace, identities = services.pace, services.identities
    limited = Counter("minsheng_limited", "Messages refused by a limit", ["limit"], registry=registry)
    limited.labels("device_speech").inc(pace.device_speech.refused)
    limited.labels("device_votes").inc(pace.device_votes.refused)
    limited.labels("address_speech").inc(pace.address_speech.refused)
    limited.labels("activity_speech").inc(pace.activity_speech.refused)
    limited.labels("slow_mode").inc(pace.slow_mode.refused)
    limited.labels("challenge").inc(pace.challenges.asked)
    limited.labels("device_codes").inc(identities.device_codes.refused)
    limited.labels("phone_codes").inc(identities.phone_codes.refused)
    limited.labels("address_codes").inc(identities.address_codes.refused)
    limited.labels("all_codes").inc(identities.all_codes.refused)
    limited.labels("sign_ins").inc(services.throttle.refused)
    limited.labels("sign_ins_at_once").inc(services.throttle.crowded)
    limited.labels("reading").inc(services.turns.refused)
    limited.labels("receipts").inc(services.lookups.refused)
    limited.labels("letters").inc(services.letters.refused)
    limited.labels("forms").inc(services.registering.refused)
    limited.labels("media_sessions").inc(services.sessions.refused)
    rules = Counter("minsheng_rules", "Entries that the rules refused or held", ["what"], registry=registry)
    rules.labels("blocked").inc(services.rules.blocked)
    rules.labels("held").inc(services.rules.held)
    rules.labels("muted").inc(services.rules.refused)


def _count_connections(services: Services, registry: CollectorRegistry) -> None:
    """Who is connected, and who was not let in or sent away."""
    Gauge("minsheng_connections", "Open HTTP connections and WebSockets", registry=registry).set(services.door.open)
    Gauge("minsheng_connections_silent", "Those of them that have asked for nothing yet", registry=registry).set(
        services.door.waiting
    )
    Gauge("minsheng_bodies_unfinished", "Requests whose body is still on its way", registry=registry).set(
        services.bodies.unfinished
    )
    Gauge("minsheng_sockets_waiting", "Sockets of Socket.IO in no namespace", registry=registry).set(
        services.lobby.waiting
    )
    ended = Counter("minsheng_connections_ended", "Connections refused or ended", ["why"], registry=registry)
    ended.labels("too many").inc(services.door.refused)
    ended.labels("silent").inc(services.door.silent)
    ended.labels("does not read").inc(services.door.stuck)
    ended.labels("slow body").inc(services.bodies.slow)
    ended.labels("too many bodies").inc(services.bodies.crowded)
    ended.labels("never joined").inc(services.lobby.silent)
    ended.labels("too many sockets").inc(services.lobby.crowded)
    Counter("minsheng_throttled_frames", "Frames of sockets that send too fast", registry=registry).inc(
        DirectWebSocket.throttled
    )
