"""STUN and TURN servers for browsers behind hard networks, with credentials that end by themselves.

The operator's TURN server and the service share a secret (coturn's `use-auth-secret` and `static-auth-secret`,
draft-uberti-behave-turn-rest): the user name says until when it holds, the password is its HMAC-SHA1.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFETIME = timedelta(hours=12)
"""Longer than any activity: an allocation is refreshed with the credentials that it was made with."""


@dataclass(frozen=True, slots=True)
class TurnServers:
    """What is configured: addresses as in RFC 7064 and RFC 7065, and the secret (empty for STUN alone)."""

    urls: tuple[str, ...]
    secret: str

    def links(self, now: datetime) -> list[str]:
        """A `Link` header's value for each server (RFC 9725 section 4.6)."""
        return [self._link(url, now) for url in self.urls]

    def _link(self, url: str, now: datetime) -> str:
        link = f'<{url}>; rel="ice-server"'
        if url.startswith("stun"):
            return link
        username, credential = credentials(self.secret, now + LIFETIME)
        return f'{link}; username="{username}"; credential="{credential}"; credential-type="password"'


def credentials(secret: str, until: datetime) -> tuple[str, str]:
    """A user name and its password, good until then."""
    username = f"{int(until.timestamp())}:minsheng"
    # HMAC-SHA1 is what TURN servers compute; it rests on no collision resistance.
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()
