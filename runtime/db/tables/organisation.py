"""The organisation: who belongs where, and since when."""

from sqlalchemy import Boolean, Index, Integer, Table

from engines.columns import Id, UtcDateTime
from runtime.db.tables.columns import Json, identity, key, may, metadata, must, period

member = Table(
    "ff_member",
    metadata,
    identity(),
    must("name"),
    must("email"),  # stored in lower case
    must("language"),
    must("time_zone"),
    may("password_hash"),
    must("active", Boolean),
    must("rights", Json),
    must("auth_epoch", Integer),
    must("created_at", UtcDateTime),
    Index("uq_ff_member_email", "email", unique=True),
)

department = Table("ff_department", metadata, identity(), must("name"), must("active", Boolean))


def _dated(name: str, whose: str, what: str) -> Table:
    """What one thing has of another, from a moment on and until the next."""
    index = Index(f"ix_{name}_{whose}", whose, "valid_from")
    return Table(name, metadata, identity(), must(whose, Id), must(what, Id), *period(), index)


membership = _dated("ff_membership", "member", "department")
manager = _dated("ff_manager", "member", "manager")
department_parent = _dated("ff_department_parent", "department", "parent")
department_head = _dated("ff_department_head", "department", "member")

role_member = Table(
    "ff_role_member",
    metadata,
    identity(),
    must("app"),
    must("role"),
    must("member", Id),
    *period(),
    Index("ix_ff_role_member_member", "member", "app"),
    Index("ix_ff_role_member_role", "app", "role"),
)

epoch = Table("ff_epoch", metadata, key("name"), must("value", Id))
