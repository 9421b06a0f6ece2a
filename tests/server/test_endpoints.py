"""Every handler declares its right, and the description of the API is made from the same declarations."""

from pathlib import Path

from server.app import build
from server.auth.rights import RIGHTS, Right, Role
from server.config import Settings
from server.http.endpoint import ENDPOINTS
from server.http.openapi import PATH_PARAMETER, describe

# Whoever adds a public endpoint adds it here, and says to whom it is public.
PUBLIC = {
    "POST /api/v1/session",
    "GET /api/v1/activities",
    "GET /api/v1/activities/{activity}",
    "GET /api/v1/activities/{activity}/outcomes",
    # Citizens who follow what becomes of suggestions; the tokens come by e-mail and are signed.
    "GET /api/v1/activities/{activity}/outcomes.atom",
    "GET /api/v1/activities/{activity}/suggestions/{number:[0-9]{1,9}}.atom",
    "GET /api/v1/activities/{activity}/outcomes.rss",
    "GET /api/v1/activities/{activity}/suggestions/{number:[0-9]{1,9}}.rss",
    "POST /api/v1/activities/{activity}/subscriptions",
    "POST /api/v1/subscriptions/confirm",
    "POST /api/v1/subscriptions/cancel/{token:[0-9a-f-]{1,80}}",
    "GET /api/v1/activities/{activity}/outcomes/versions",
    # Citizens: the notice, and feeds of what is published anyway.
    "GET /api/v1/activities/{activity}/notice",
    "GET /notices.atom",
    "GET /notices.rss",
    "GET /notices.json",
    # Citizens: the materials that a unit published, and the columns that they stand in.
    "GET /api/v1/activities/{activity}/materials",
    "GET /api/v1/activities/{activity}/materials/{file:[0-9]{1,9}}",
    "GET /api/v1/columns/{kind:open-day|lecture}",
    "GET /calendar.ics",
    "GET /calendar/{unit}.ics",
    # Whoever has the address of an account's own calendar; it is signed.
    "GET /calendar/deadlines/{token}.ics",
    # Citizens who want to come: the notice and the draw, registering, and whoever has the receipt of a registration.
    "GET /api/v1/activities/{activity}/selection",
    "POST /api/v1/activities/{activity}/registrations",
    "POST /api/v1/registrations",
    "POST /api/v1/registrations/answer",
    # One answer a device, and the tally.
    "PUT /api/v1/activities/{activity}/satisfaction",
    "GET /api/v1/activities/{activity}/satisfaction",
    "POST /api/v1/receipts",
    # Whoever has the receipt of an entry: its author.
    "POST /api/v1/receipts/withdraw",
    "POST /api/v1/receipts/removal",
    "GET /api/v1/openapi.json",
    # The replay: nothing before the unit released it.
    "GET /api/v1/activities/{activity}/replay",
    "GET /api/v1/activities/{activity}/recording.mp4",
    "GET /hls/{activity}/index.m3u8",
    "GET /hls/{activity}/{name:[0-9a-f]{1,12}-(?:init[.]mp4|[0-9]{1,9}[.]m4s)}",
    # While it is on air: its sound alone.
    "GET /hls/{activity}/sound/index.m3u8",
    "GET /hls/{activity}/sound/{name:[0-9a-f]{1,12}-(?:init[.]mp4|[0-9]{1,9}[.]m4s)}",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
}
# These check a token of their own, or the unguessable address of a session.
WEBRTC = ("/whip/", "/whep/")


async def test_no_route_lacks_a_right(tmp_path: Path) -> None:
    app = build(Settings(data_dir=tmp_path))
    declared = {(item.method, item.path) for item in ENDPOINTS}
    patterns = {PATH_PARAMETER.sub(r"{\1}", item.path) for item in ENDPOINTS}
    pages = (
        "/assets",
        "/socket.io",
        "/console",
        "/admin",
        "/a/",
        "/embed/",
        "/subscription/",
        "/screen/",
        "/columns/",
        "/draw/",
    )
    for route in app.router.routes():
        resource = route.resource
        assert resource is not None
        path = resource.canonical
        if path == "/" or path.startswith(pages) or (path.count("/") == 1 and "." in path):
            continue  # built files and the socket, which carry no data by themselves
        assert path in patterns, f"{route.method} {path} is not declared by @endpoint"
    assert len(declared) == len(ENDPOINTS)


def test_what_is_public_is_meant_to_be() -> None:
    public = {f"{item.method} {item.path}" for item in ENDPOINTS if item.right is Right.PUBLIC}
    assert {name for name in public if not name.split(" ")[1].startswith(WEBRTC)} == PUBLIC


def test_staff_never_manages_accounts() -> None:
    assert Right.ACCOUNTS not in RIGHTS[Role.STAFF] | RIGHTS[Role.COORDINATOR]
    assert all(Right.PUBLIC not in rights for rights in RIGHTS.values())


def test_the_description_names_every_endpoint() -> None:
    description = describe()
    operations = sum(len(methods) for methods in description["paths"].values())
    assert operations == len(ENDPOINTS)
    act = description["paths"]["/api/v1/entries/{id}/acts"]["post"]
    assert act["x-right"] == "host"
    assert act["requestBody"]["content"]["application/json"]["schema"]["discriminator"]["propertyName"] == "act"
