"""E-mail that the service sends: plain text, through the operator's SMTP server."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib

from server.services import utc_now

_TIMEOUT = 30
"""Seconds for the whole exchange with the SMTP server."""


class MailError(Exception):
    """The message was not taken; the text says why."""


class Mailer:
    """Sends through one SMTP server (RFC 5321): `smtp:` by STARTTLS where the server offers it, `smtps:` in TLS."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._username, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._tls = parts.scheme == "smtps"
        self._sender = sender
        self.sent = 0
        """Messages that the SMTP server took, since the start."""
        self.failed = 0

    @property
    def configured(self) -> bool:
        """Whether there is a server to send through."""
        return bool(self._host)

    async def send(self, to: str, subject: str, text: str, *, headers: dict[str, str] | None = None) -> None:
        """Hand a message over. Raises MailError where the server cannot be reached or does not take it."""
        message = EmailMessage()
        message["From"] = Address("民声", addr_spec=self._sender)
        message["To"] = Address(addr_spec=to)
        message["Subject"] = subject
        message["Date"] = format_datetime(utc_now())
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note comes back
        for name, value in (headers or {}).items():
            message[name] = value
        message.set_content(text, cte="base64")
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._username or None,
                password=self._password or None,
                use_tls=self._tls,
                timeout=_TIMEOUT,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            self.failed += 1
            raise MailError(str(error)) from error
        self.sent += 1
