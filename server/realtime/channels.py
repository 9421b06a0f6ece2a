"""Every namespace and room of Socket.IO, named in one place."""

from collections.abc import Iterable

AUDIENCE = "/audience"
HOST = "/host"

_ROOM = "activity:"


def room(activity_id: int) -> str:
    """The room of an activity, in either namespace."""
    return f"{_ROOM}{activity_id}"


def is_room(name: str) -> bool:
    """Whether it is an activity's room; the library has one of its own for each socket."""
    return name.startswith(_ROOM)


def activities_of(rooms: Iterable[str | None]) -> set[int]:
    """The activities among these rooms; the library's own rooms name none."""
    return {int(name.removeprefix(_ROOM)) for name in rooms if name is not None and is_room(name)}
