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

membership = Table(
    "ff_membership",
    metadata,
    identity(),
    must("member", Id),
    must("department", Id),
    *period(),
    Index("ix_ff_membership_member", "member", "valid_from"),
)

manager = Table(
    "ff_manager",
    metadata,
    identity(),
    must("member", Id),
    must("manager", Id),
    *period(),
    Index("ix_ff_manager_member", "member", "valid_from"),
)

department_parent = Table(
    "ff_department_parent",
    metadata,
    identity(),
    must("department", Id),
    must("parent", Id),
    *period(),
    Index("ix_ff_department_parent_department", "department", "valid_from"),
)

department_head = Table(
    "ff_department_head",
    metadata,
    identity(),
    must("department", Id),
    must("member", Id),
    *period(),
    Index("ix_ff_department_head_department", "department", "valid_from"),
)

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
