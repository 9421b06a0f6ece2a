"""Every namespace and room of Socket.IO, named in one place."""

AUDIENCE = "/audience"
HOST = "/host"


def room(activity_id: int) -> str:
    """The room of an activity, in either namespace."""
    return f"activity:{activity_id}"
