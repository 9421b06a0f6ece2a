"""A browser in which an account has signed in before, known by a cookie.

Guesses from many addresses use up what an account has of tries. The host who signs in where she always does is not made
to wait for that (OWASP's Authentication Cheat Sheet calls such a thing a device cookie). The cookie opens nothing: the
password is asked all the same, and its tries are counted by address.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

COOKIE = "minsheng_familiar"
LASTS = timedelta(days=180)


def familiar_token(key: bytes, username: str, now: datetime) -> str:
    """The cookie's value after a sign-in: until when (seconds of the epoch), and an HMAC-SHA-256 that names nobody."""
    until = str(round((now + LASTS).timestamp()))
    return f"{until}.{_mac(key, username, until)}"


def is_familiar(key: bytes, username: str, token: str, now: datetime) -> bool:
    """Whether the browser was given this for that account, and it still holds."""
    until, _, mac = token.partition(".")
    fits = hmac.compare_digest(_mac(key, username, until).encode(), mac.encode(errors="replace"))
    return fits and now.timestamp() < int(until)


def _mac(key: bytes, username: str, until: str) -> str:
    return hmac.new(key, f"familiar:{until}:{username}".encode(errors="replace"), hashlib.sha256).hexdigest()
