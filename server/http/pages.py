"""The pages: built files, served with strict headers."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from server.services import SERVICES

STATIC = Path(__file__).parent.parent / "static"

_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self' ws: wss:; worker-src 'self' blob:; frame-ancestors 'self'; "
        "base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
}
_PAGES = {
    "/": "index.html",
    "/a/{activity}": "index.html",
    "/embed/{activity}": "index.html",
    "/screen/{activity}": "index.html",
    "/draw/{activity}": "index.html",
    "/subscription/{act:confirm|cancel}/{token}": "index.html",
    "/columns/{kind:open-day|lecture}": "index.html",
    "/console": "console.html",
    "/console/{rest:.*}": "console.html",
    "/admin": "admin.html",
    "/admin/{rest:.*}": "admin.html",
}


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security headers to every answer that has not its own."""
    if request.path.startswith("/embed/") and (origins := request.app[SERVICES].settings.embed_origins):
        response.headers["Content-Security-Policy"] = _SECURITY["Content-Security-Policy"].replace(
            "frame-ancestors 'self'", f"frame-ancestors 'self' {' '.join(origins)}"
        )
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/assets/"):
        # Vite names the files by their content.
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"


def _page(name: str) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def serve(_request: web.Request) -> web.FileResponse:
        path = STATIC / name
        if not path.exists():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return serve


def routes() -> list[web.AbstractRouteDef]:
    """The pages and their files."""
    pages: list[web.AbstractRouteDef] = [web.get(path, _page(name)) for path, name in _PAGES.items()]
    pages += [web.get(f"/{path.name}", _page(path.name)) for path in sorted(STATIC.glob("*.*")) if path.is_file()]
    if (STATIC / "assets").is_dir():
        pages.append(web.static("/assets", STATIC / "assets"))
    return pages
