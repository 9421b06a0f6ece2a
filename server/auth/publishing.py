"""Publish tokens: what an encoder shows to WHIP. One for each activity, derived, never stored."""

import hashlib
import hmac


def publish_token(key: bytes, activity: str) -> str:
    """The token of an activity: its slug and 160 bits of HMAC-SHA-256, stable for one secret key."""
    mac = hmac.new(key, b"publish:" + activity.encode(), hashlib.sha256).hexdigest()[:40]
    return f"{activity}.{mac}"


def publish_token_fits(key: bytes, activity: str, token: str) -> bool:
    """Whether the token is this activity's, compared in constant time."""
    return hmac.compare_digest(publish_token(key, activity).encode(), token.encode(errors="replace"))


def film_token(key: bytes, activity: str) -> str:
    """The token with which the service itself publishes an activity's film: no encoder shows the same."""
    mac = hmac.new(key, b"film:" + activity.encode(), hashlib.sha256).hexdigest()[:40]
    return f"{activity}.film.{mac}"


def film_token_fits(key: bytes, activity: str, token: str) -> bool:
    """Whether the token is that of this activity's film, compared in constant time."""
    return hmac.compare_digest(film_token(key, activity).encode(), token.encode(errors="replace"))


def owner_of(token: str) -> str:
    """Who publishes, for the relay: a digest of the token, so that the relay never holds the token itself."""
    return hashlib.sha256(b"owner:" + token.encode(errors="replace")).hexdigest()[:32]
