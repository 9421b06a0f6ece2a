"""Text messages: handed to the operator's gateway as a signed HTTP request, or printed for trying it out."""

import hmac
import json
import time
from logging import getLogger

import aiohttp

log = getLogger(__name__)

CONSOLE = "console:"
"""The setting with which codes are printed in the service's log, and nothing is sent."""
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class SmsError(Exception):
    """The gateway did not take the message; the text says why, without the number."""


class Gateway:
    """Sends codes. `url` is empty (there is none), `console:`, or the hook's address.

    The hook gets `POST` with `{"phone", "code", "text"}` as JSON, and answers 2xx once it has taken it. The header
    `X-Minsheng-Signature` is `sha256=` and the hexadecimal HMAC-SHA256, under the shared secret, of the header
    `X-Minsheng-Timestamp` (Unix seconds), a full stop, and the body.
    """

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret.encode()
        self.sent = 0
        """Messages that the gateway took, since the start."""
        self.failed = 0

    @property
    def configured(self) -> bool:
        """Whether there is a gateway."""
        return bool(self._url)

    async def send(self, phone: str, code: str, text: str) -> None:
        """Hand a message over. Raises SmsError."""
        try:
            if self._url == CONSOLE:
                log.warning("sms (printed, not sent) to %s: %s", phone, text)
            else:
                await self._post({"phone": phone, "code": code, "text": text})
        except SmsError:
            self.failed += 1
            raise
        self.sent += 1

    async def _post(self, message: dict[str, str]) -> None:
        body = json.dumps(message, ensure_ascii=False).encode()
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Minsheng-Timestamp": stamp,
            "X-Minsheng-Signature": f"sha256={signature(self._secret, stamp, body)}",
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SmsError(f"{type(error).__name__}") from error
        if not 200 <= status < 300:
            raise SmsError(f"it answered {status}")


def signature(secret: bytes, stamp: str, body: bytes) -> str:
    """What proves to the gateway that a request is the service's."""
    return hmac.new(secret, stamp.encode() + b"." + body, "sha256").hexdigest()
