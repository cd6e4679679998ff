"""Departments as they are looked after: each change is dated from now on and told in the audit."""

from typing import Any

from runtime import audit
from runtime.organisation import dated
from runtime.transaction import Tx


def add(tx: Tx, name: str, parent: int | None = None, head: int | None = None) -> int:
    """Add a department to the tree."""
    made = dated.add_department(tx, name, parent, head)
    audit.note(tx, "department_added", kind="department", object=made)
    return made


def change(tx: Tx, department: int, **changes: Any) -> None:
    """Rename it, hang it elsewhere, give it another head: whatever differs from what is there."""
    found = tx.organisation.departments.get(department)
    if found is None:
        raise dated.no_such("department", department)
    differing = {key: value for key, value in changes.items() if value != getattr(found, key)}
    if "name" in differing:
        dated.rename_department(tx, department, differing["name"])
    if "parent" in differing:
        dated.set_parent(tx, department, differing["parent"])
    if "head" in differing:
        dated.set_head(tx, department, differing["head"])
    if differing:
        before = {key: getattr(found, key) for key in differing}
        detail = {"before": before, "after": differing}
        audit.note(tx, "department_changed", kind="department", object=department, detail=detail)


def close(tx: Tx, department: int) -> None:
    """Take an empty department out of the tree."""
    if department not in tx.organisation.departments:
        raise dated.no_such("department", department)
    dated.close_department(tx, department)
    audit.note(tx, "department_closed", kind="department", object=department)
