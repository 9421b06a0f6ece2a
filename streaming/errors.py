"""What can go wrong with a request to the relay. `server/` turns each into a status code."""


class RelayError(Exception):
    """Base of all errors of the media engine. Its text is one sentence that says what happened and what to do."""


class BadOffer(RelayError):
    """The SDP offer or ICE fragment cannot be read, or has nothing in common with the relay (HTTP 400)."""


class NotAcceptable(BadOffer):
    """The offer can be read, and asks for what the relay does not do, in whole or in part (HTTP 406)."""


class Conflict(RelayError):
    """Somebody else is publishing to the activity (HTTP 409)."""


class NotOnAir(RelayError):
    """Nobody is publishing to the activity yet, so that there is nothing to watch (HTTP 409 with Retry-After)."""


class Full(RelayError):
    """The relay carries as many sessions as it may (HTTP 503 with Retry-After)."""


class UnknownSession(RelayError):
    """No session has this identifier, or it has ended (HTTP 404)."""


class PreconditionRequired(RelayError):
    """The request must say with If-Match which ICE session it means (HTTP 428, RFC 9725 section 4.3)."""


class PreconditionFailed(RelayError):
    """The ICE session that the request means is no longer the current one (HTTP 412, RFC 9725 section 4.3)."""


class RelayDown(RelayError):
    """The relay process does not answer; its supervisor is starting it again (HTTP 503 with Retry-After)."""


BY_CODE: dict[str, type[RelayError]] = {
    error.__name__: error
    for error in (
        RelayError,
        BadOffer,
        NotAcceptable,
        Conflict,
        NotOnAir,
        Full,
        UnknownSession,
        PreconditionRequired,
        PreconditionFailed,
        RelayDown,
    )
}
"""Errors by the name under which they cross the control socket."""
