"""Passwords: argon2id, hashed and verified off the event loop (about 50 ms of CPU each)."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.errors import BadRequest

_HASHER = PasswordHasher()
_SHORTEST, _LONGEST = 10, 128


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and salt. Raises BadRequest for a password too short or long."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise BadRequest(f"密码需要{_SHORTEST}至{_LONGEST}个字符。", code="bad_password")
    return _HASHER.hash(password)


def generate_password() -> str:
    """A password of 16 characters from an alphabet without look-alikes, 90 bits."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(16))


# Verified where the account does not exist, so that the answer takes as long as where it does.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password fits; `stored` is None for an account that does not exist."""
    return await asyncio.to_thread(_verify, password, stored)
