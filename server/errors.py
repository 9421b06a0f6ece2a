"""Errors that a caller may see. Each carries its HTTP status and a short code; the text is shown to people."""

from typing import Any


class ServiceError(Exception):
    """A refusal: what happened and what to do, in Chinese that can be shown as it is."""

    status = 400
    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after: float | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.retry_after = retry_after
        """Seconds after which another try makes sense."""
        self.field = field
        """Which field of the input is meant, where one is."""

    def as_dict(self) -> dict[str, Any]:
        """The error object of HTTP answers and Socket.IO acknowledgements."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.retry_after is not None:
            body["retry_after"] = round(self.retry_after, 1)
        if self.field is not None:
            body["field"] = self.field
        return body


class BadRequest(ServiceError):
    """The input is not what the protocol says."""


class Unauthorized(ServiceError):
    """Nobody is signed in, or the token is wrong."""

    status, code = 401, "unauthorized"


class Forbidden(ServiceError):
    """Signed in, without the right."""

    status, code = 403, "forbidden"


class NotFound(ServiceError):
    """No such thing, or none that this caller may know of."""

    status, code = 404, "not_found"


class Conflict(ServiceError):
    """The thing is not in a state that allows this."""

    status, code = 409, "conflict"


class RateLimited(ServiceError):
    """Too much at once; `retry_after` says when to come back."""

    status, code = 429, "rate_limited"


class Unavailable(ServiceError):
    """A part of the service is away for the moment; nothing was stored."""

    status, code = 503, "unavailable"
