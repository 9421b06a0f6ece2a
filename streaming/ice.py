"""The ICE-lite side of a session (RFC 8445 section 2.5): credentials, and answers to binding requests."""

from __future__ import annotations

import ipaddress
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aioice import stun

Address = tuple[Any, ...]
"""What the socket gives for a sender: host and port first."""

MAX_STUN = 1280
"""Bytes; no binding request of ICE comes near."""

_CHARACTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Credentials:
    """The user name fragment and password of one side (RFC 8445 section 5.3)."""

    ufrag: str
    password: str

    @classmethod
    def make(cls) -> Credentials:
        return cls(_random(12), _random(32))

    @property
    def etag(self) -> str:
        """The strong entity tag that names this ICE session in HTTP (RFC 9725 section 4.3.1)."""
        return f'"{self.ufrag}"'


def _random(length: int) -> str:
    return "".join(secrets.choice(_CHARACTERS) for _ in range(length))


@dataclass(frozen=True, slots=True)
class Check:
    """A connectivity check that proved to know the password, and what to send back."""

    ufrag: str
    nominated: bool
    response: bytes


def plain_host(address: Address) -> str:
    """The host of an address, an IPv4 one in its own notation where the socket is dual-stack."""
    host = str(address[0])
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def answer_check(data: bytes, address: Address, password_of: Callable[[str], str | None]) -> Check | None:
    """Answer a STUN binding request (RFC 8445 section 7.3).

    `password_of` gives the local password for a local ufrag. None where there is nothing to answer: anything but a
    binding request, an unknown ufrag, or a MESSAGE-INTEGRITY that does not fit. Such a sender gets no reply at all, so
    that the port neither tells who is there nor lends itself to reflection.
    """
    if len(data) > MAX_STUN:
        return None
    try:
        message = stun.parse_message(data)
        username = message.attributes.get("USERNAME")
    except Exception:  # struct.error and the like: aioice unpacks what a stranger sent
        return None
    if message.message_method is not stun.Method.BINDING or message.message_class is not stun.Class.REQUEST:
        return None
    if not isinstance(username, str):
        return None
    ufrag = username.partition(":")[0]
    password = password_of(ufrag)
    if password is None or not message.check_message_integrity(password.encode()):
        return None
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
    host = plain_host(address)
    response.attributes["XOR-MAPPED-ADDRESS"] = (str(ipaddress.ip_address(host.partition("%")[0])), address[1])
    response.add_message_integrity(password.encode())
    answer = bytes(response)
    if len(answer) > len(data):
        # A request of ICE carries PRIORITY and a role (RFC 8445 section 7.1): one that is shorter than its answer wants
        # to make somebody else's answer grow.
        return None
    return Check(ufrag, "USE-CANDIDATE" in message.attributes, answer)
