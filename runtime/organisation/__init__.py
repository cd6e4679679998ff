"""Members, managers, departments and roles, effective-dated."""

from runtime.organisation.dated import (
    RIGHTS,
    add_department,
    add_member,
    change_member,
    close_department,
    grant_role,
    no_such,
    normal_email,
    require_time_zone,
    set_department,
    set_head,
    set_manager,
    set_parent,
    withdraw_role,
)
from runtime.organisation.snapshot import EPOCH, OrganisationCache, load

__all__ = [
    "EPOCH",
    "RIGHTS",
    "OrganisationCache",
    "add_department",
    "add_member",
    "change_member",
    "close_department",
    "grant_role",
    "load",
    "no_such",
    "normal_email",
    "require_time_zone",
    "set_department",
    "set_head",
    "set_manager",
    "set_parent",
    "withdraw_role",
]
