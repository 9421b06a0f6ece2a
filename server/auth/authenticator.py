"""From a request to an account: the cookie of the pages, or a script's bearer token."""

import ipaddress
from collections.abc import Callable, Mapping
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any

from aiohttp import web
from yarl import URL

from server.auth.accounts import principal_of, resolve
from server.auth.rights import Principal
from server.errors import Forbidden, Unauthorized
from server.store.database import Database

COOKIE = "minsheng_session"
_SAFE = {"GET", "HEAD", "OPTIONS"}


class Authenticator:
    """Knows who asks. Behind a trusted proxy the forwarded address and scheme count, else the connection's own."""

    def __init__(self, database: Database, trusted_proxies: tuple[str, ...], now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._trusted = [ipaddress.ip_network(network, strict=False) for network in trusted_proxies]

    async def from_request(self, request: web.Request) -> Principal:
        """The account of an HTTP request. Raises Unauthorized, or Forbidden for a request from a foreign page."""
        bearer = bearer_of(request.headers)
        if bearer is not None:
            return await self._resolve(bearer, "api")
        token = request.cookies.get(COOKIE)
        if token is None:
            raise Unauthorized("请先登录。")
        if request.method not in _SAFE:
            self.require_same_origin(request.headers)
        return await self._resolve(token, "session")

    async def from_environ(self, environ: dict[str, Any], token: str | None) -> Principal:
        """The account of a socket: a token sent along, the Authorization header, or the cookie."""
        request: web.Request = environ["aiohttp.request"]
        bearer = token or bearer_of(request.headers)
        if bearer is not None:
            return await self._resolve(bearer, "api")
        cookie = self._cookie(request.headers)
        if cookie is None:
            raise Unauthorized("请先登录。")
        self.require_same_origin(request.headers)
        return await self._resolve(cookie, "session")

    async def _resolve(self, token: str, kind: str) -> Principal:
        async with self._database.read() as session:
            account = await resolve(session, token, kind=kind, now=self._now())
        if account is None:
            raise Unauthorized("登录已过期，请重新登录。" if kind == "session" else "令牌无效。")
        return principal_of(account)

    @staticmethod
    def _cookie(headers: Mapping[str, str]) -> str | None:
        try:
            morsel = SimpleCookie(headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return morsel.value if morsel else None

    @staticmethod
    def require_same_origin(headers: Mapping[str, str]) -> None:
        """Raise Forbidden where a browser says that another site's page asks (CSRF)."""
        origin = headers.get("Origin")
        if origin is None:
            return
        try:
            authority = URL(origin).authority
        except ValueError:
            authority = ""
        if authority != headers.get("Host"):
            raise Forbidden("请求来自其他网站，已拒绝。", code="foreign_origin")

    def address_of(self, request: web.BaseRequest) -> str:
        """The client's address."""
        peer = request.remote or ""
        forwarded = request.headers.get("X-Forwarded-For")
        if not forwarded or not self.trusts(peer):
            return peer
        # From the right: each proxy appends whom it saw; the first one not trusted is the client.
        for hop in reversed([part.strip() for part in forwarded.split(",")]):
            if not self.trusts(hop):
                return hop
        return peer

    def address_of_environ(self, environ: dict[str, Any]) -> str:
        """The same for a socket."""
        return self.address_of(environ["aiohttp.request"])

    def secure(self, request: web.BaseRequest) -> bool:
        """Whether the client speaks HTTPS."""
        if self.trusts(request.remote or ""):
            return request.headers.get("X-Forwarded-Proto", request.scheme) == "https"
        return request.scheme == "https"

    def trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """The token of ``Authorization: Bearer``, None where there is none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
