"""HLS for players without WebRTC: the files that the packager writes, handed out as they are."""

from aiohttp import web

from server.auth.rights import Right
from server.errors import NotFound
from server.http.endpoint import Call, endpoint
from server.store.recordings import public_recording
from streaming.shelf import SOUND

_CORS = {"Access-Control-Allow-Origin": "*"}


@endpoint("GET", "/hls/{activity}/index.m3u8", right=Right.PUBLIC, summary="The broadcast as HLS (RFC 8216)")
async def playlist(call: Call[None]) -> web.StreamResponse:
    return await _file(call, "index.m3u8", "application/vnd.apple.mpegurl", "no-cache")


@endpoint(
    "GET", "/hls/{activity}/sound/index.m3u8", right=Right.PUBLIC, summary="Its sound alone, for who saves traffic"
)
async def sound_playlist(call: Call[None]) -> web.StreamResponse:
    return await _file(call, f"{SOUND}/index.m3u8", "application/vnd.apple.mpegurl", "no-cache")


# The packager's own names; nothing else can be asked for.
_NAME = "{name:[0-9a-f]{1,12}-(?:init[.]mp4|[0-9]{1,9}[.]m4s)}"


@endpoint(
    "GET",
    f"/hls/{{activity}}/sound/{_NAME}",
    right=Right.PUBLIC,
    summary="A segment of the sound, or what comes before",
)
async def sound_segment(call: Call[None]) -> web.StreamResponse:
    name = f"{SOUND}/{call.request.match_info['name']}"
    return await _file(call, name, "audio/mp4", "public, max-age=60, immutable")


@endpoint(
    "GET",
    f"/hls/{{activity}}/{_NAME}",
    right=Right.PUBLIC,
    summary="A segment of the broadcast, or what comes before the first",
)
async def segment(call: Call[None]) -> web.StreamResponse:
    return await _file(call, call.request.match_info["name"], "video/mp4", "public, max-age=60, immutable")


async def _file(call: Call[None], name: str, media_type: str, cache: str) -> web.FileResponse:
    folder = call.services.packagers.folder_of(call.target.slug)
    if folder is None:  # nobody publishes: the recording, once its unit released it
        async with call.services.database.read() as session:
            if await public_recording(session, call.target.id) is not None:
                folder = call.services.recordings.folder_of(call.target.slug)
    path = folder / name if folder is not None else None
    if path is None or not path.is_file():
        raise NotFound("现在没有可播放的画面。")
    return web.FileResponse(path, headers={"Content-Type": media_type, "Cache-Control": cache, **_CORS})
