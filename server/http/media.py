"""The media kit as one download."""

import asyncio
from urllib.parse import quote

from aiohttp import web

from server.activities import get_activity
from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.http.notices import address_of_site
from server.store.tables import Act


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/media-kit",
    right=Right.EDIT,
    summary="What reporters may use, as a zip: facts, pictures, quotes, answers and decisions, the notice, a QR code",
)
async def download(call: Call[None]) -> web.Response:
    from server.media_kit import collect_kit

    services, slug = call.services, call.target.slug
    async with services.database.read() as session:
        activity = await get_activity(session, slug)
        kit = await collect_kit(session, services.files, activity, f"{address_of_site(call)}/a/{slug}", services.now())
    # A thread: the documents are made by libraries that never wait for anything.
    body = await asyncio.to_thread(kit.render)
    async with services.database.write() as session:
        session.add(
            Act(
                at=services.now(),
                account_id=call.staff.account_id,
                activity_id=activity.id,
                act="download",
                detail={"what": "media-kit"},
            )
        )
    shown = quote(f"{activity.title}媒体素材.zip")
    return web.Response(
        body=body,
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": f"attachment; filename=\"{slug}-media.zip\"; filename*=UTF-8''{shown}",
            "Cache-Control": "no-store",
        },
    )
