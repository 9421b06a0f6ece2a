"""Roles and rights. A handler declares the right it needs; a test proves that none lacks one."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an account is."""

    ADMIN = "admin"
    COORDINATOR = "coordinator"
    STAFF = "staff"


class Right(StrEnum):
    """What a handler may require."""

    PUBLIC = "public"
    """Nothing: a citizen may do it."""
    SIGNED_IN = "signed-in"
    """Any account."""
    EDIT = "edit"
    """Change an activity's facts."""
    HOST = "host"
    """Run an activity: publish, moderate, answer, read its entries."""
    DECIDE = "decide"
    """Decide on suggestions and publish the outcomes."""
    PERSONAL = "personal"
    """See names and phones of those who registered; each look is logged."""
    COORDINATE = "coordinate"
    """Look after the whole district's programme: enter holidays."""
    ACCOUNTS = "accounts"
    """Manage accounts."""


_UNIT = {Right.SIGNED_IN, Right.EDIT, Right.HOST, Right.DECIDE}
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.STAFF: frozenset({*_UNIT, Right.PERSONAL}),
    Role.COORDINATOR: frozenset({*_UNIT, Right.COORDINATE}),
    Role.ADMIN: frozenset({*_UNIT, Right.PERSONAL, Right.COORDINATE, Right.ACCOUNTS}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in account, as far as deciding needs it."""

    account_id: int
    username: str
    name: str
    role: Role
    unit_id: str | None

    def may(self, right: Right) -> bool:
        """Whether the role has the right at all."""
        return right in RIGHTS[self.role]

    def reaches(self, unit_ids: frozenset[str]) -> bool:
        """Whether the account reaches an activity of these units: staff only their own unit's."""
        return self.role is not Role.STAFF or self.unit_id in unit_ids
