"""Changes to the people of the installation: each is dated from now on and moves the epoch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, and_, insert, select, update

from engines.organisation import Organisation
from metadata.problems import ROOT, Conflict, Invalid, NotFound, Path, Problem
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.organisation.snapshot import EPOCH, load, read_epoch
from runtime.settings import time_zones

if TYPE_CHECKING:
    from runtime.transaction import Tx

RIGHTS = frozenset({"user_admin", "app_admin", "auditor", "ops"})


def add_member(
    tx: "Tx",
    name: str,
    email: str,
    *,
    language: str | None = None,
    time_zone: str | None = None,
    department: int | None = None,
    manager: int | None = None,
    rights: frozenset[str] = frozenset(),
    password_hash: str | None = None,
) -> int:
    """Add a member; without a password hash nobody can sign in as him yet."""
    email = normal_email(email)
    if tx.connection.execute(select(tables.member.c.id).where(tables.member.c.email == email)).scalar():
        message = {"en": f"There is already a member with the e-mail {email}", "zh": f"邮箱 {email} 已被其他成员使用"}
        raise Conflict(Problem(Path(("email",)), "email_taken", message))
    member = new_id()
    own = {
        "language": language or tx.settings.language,
        "time_zone": time_zone or tx.settings.time_zone,
        "password_hash": password_hash,
        "rights": sorted(rights),
    }
    beginning = {"active": True, "auth_epoch": 0, "created_at": tx.now}
    tx.connection.execute(insert(tables.member).values(id=member, name=name.strip(), email=email, **own, **beginning))
    if department is not None:
        _date(tx, tables.membership, {"member": member}, {"department": department})
    if manager is not None:
        _date(tx, tables.manager, {"member": member}, {"manager": manager})
    _moved(tx)
    return member


def change_member(tx: "Tx", member: int, **values: Any) -> None:
    """Change the name, e-mail, language, time zone, rights or active flag of a member."""
    if "email" in values:
        values["email"] = normal_email(values["email"])
        taken = select(tables.member.c.id).where(tables.member.c.email == values["email"], tables.member.c.id != member)
        if tx.connection.execute(taken).scalar():
            message = {"en": "Another member has this e-mail", "zh": "该邮箱已被其他成员使用"}
            raise Conflict(Problem(Path(("email",)), "email_taken", message))
    if "rights" in values:
        values["rights"] = sorted(values["rights"])
    change = update(tables.member).where(tables.member.c.id == member)
    if tx.connection.execute(change.values(auth_epoch=tables.member.c.auth_epoch + 1, **values)).rowcount == 0:
        raise no_such("member", member)
    _moved(tx)


def set_department(tx: "Tx", member: int, department: int | None) -> None:
    """Move a member to a department, from now on."""
    if department is not None:
        _require_department(tx, department)
    _date(tx, tables.membership, {"member": member}, None if department is None else {"department": department})
    _moved(tx)


def set_manager(tx: "Tx", member: int, manager: int | None) -> None:
    """Give a member a manager, from now on; nobody manages himself, not even by a detour."""
    _refuse_circle(tx.organisation, member, manager)
    _date(tx, tables.manager, {"member": member}, None if manager is None else {"manager": manager})
    _moved(tx)


def add_department(tx: "Tx", name: str, parent: int | None = None, head: int | None = None) -> int:
    """Add a department to the tree."""
    department = new_id()
    tx.connection.execute(insert(tables.department).values(id=department, name=name.strip(), active=True))
    if parent is not None:
        _date(tx, tables.department_parent, {"department": department}, {"parent": parent})
    if head is not None:
        _date(tx, tables.department_head, {"department": department}, {"member": head})
    _moved(tx)
    return department


def rename_department(tx: "Tx", department: int, name: str) -> None:
    change = update(tables.department).where(tables.department.c.id == department).values(name=name.strip())
    if tx.connection.execute(change).rowcount == 0:
        raise no_such("department", department)
    _moved(tx)


def set_parent(tx: "Tx", department: int, parent: int | None) -> None:
    """Hang a department under another one, from now on; never under itself or one below it."""
    if parent is not None:
        _require_department(tx, parent)
        if parent in tx.organisation.below(department):
            message = {"en": "A department cannot stand below itself", "zh": "部门不能隶属于自身或其下级"}
            raise Invalid(Problem(Path(("parent",)), "department_circle", message))
    _date(tx, tables.department_parent, {"department": department}, None if parent is None else {"parent": parent})
    _moved(tx)


def set_head(tx: "Tx", department: int, member: int | None) -> None:
    """Name the head of a department, from now on."""
    _date(tx, tables.department_head, {"department": department}, None if member is None else {"member": member})
    _moved(tx)


def close_department(tx: "Tx", department: int) -> None:
    """Take a department out of the tree; it must be empty."""
    here = [person for person in tx.organisation.people.values() if person.active and person.department == department]
    if here or tx.organisation.below(department) - {department}:
        message = {"en": "Members or departments still belong to it", "zh": "该部门下仍有成员或下级部门"}
        raise Conflict(Problem(ROOT, "department_not_empty", message))
    tx.connection.execute(update(tables.department).where(tables.department.c.id == department).values(active=False))
    _moved(tx)


def grant_role(tx: "Tx", app: str, role: str, member: int) -> None:
    """Give a member a role (its id) of an app, from now on."""
    if role in tx.organisation.people[member].roles.get(app, ()) if member in tx.organisation.people else False:
        return
    _date(tx, tables.role_member, {"app": app, "role": role, "member": member}, {})
    _moved(tx)


def withdraw_role(tx: "Tx", app: str, role: str, member: int) -> None:
    """Take a role away, from now on."""
    _date(tx, tables.role_member, {"app": app, "role": role, "member": member}, None)
    _moved(tx)


def require_time_zone(zone: str) -> None:
    if zone not in time_zones():
        message = {"en": f"There is no time zone {zone}", "zh": f"不存在时区 {zone}"}
        raise Invalid(Problem(Path(("time_zone",)), "unknown_time_zone", message, "Asia/Shanghai"))


def normal_email(email: str) -> str:
    """E-mail addresses differ by more than their case."""
    return email.strip().lower()


def no_such(kind: str, thing: int | str) -> NotFound:
    chinese = {"member": "成员", "department": "部门", "app": "应用", "role": "角色"}[kind]
    return NotFound(
        Problem(ROOT, f"unknown_{kind}", {"en": f"There is no {kind} {thing}", "zh": f"不存在{chinese} {thing}"})
    )


def _date(tx: "Tx", table: Table, key: Mapping[str, Any], value: Mapping[str, Any] | None) -> None:
    """End what holds now for the key and let the new value begin; None only ends."""
    open_entry = and_(*(table.c[name] == of for name, of in key.items()), table.c.valid_to.is_(None))
    tx.connection.execute(update(table).where(open_entry).values(valid_to=tx.now))
    if value is not None:
        tx.connection.execute(insert(table).values(id=new_id(), **key, **value, valid_from=tx.now, valid_to=None))


def _moved(tx: "Tx") -> None:
    """Count the change, so that every process reads the organisation anew; this transaction sees it at once."""
    moved = update(tables.epoch).where(tables.epoch.c.name == EPOCH).values(value=tables.epoch.c.value + 1)
    if tx.connection.execute(moved).rowcount == 0:
        tx.connection.execute(insert(tables.epoch).values(name=EPOCH, value=1))
    tx.organisation = load(tx.connection, tx.now, read_epoch(tx.connection))


def _require_department(tx: "Tx", department: int) -> None:
    if department not in tx.organisation.departments:
        raise no_such("department", department)


def _refuse_circle(organisation: Organisation, member: int, manager: int | None) -> None:
    at, seen = manager, set()
    while at is not None and at not in seen:
        if at == member:
            message = {"en": "A member cannot manage himself, not even by a detour", "zh": "成员不能直接或间接管理自己"}
            raise Invalid(Problem(Path(("manager",)), "manager_circle", message))
        seen.add(at)
        person = organisation.people.get(at)
        at = person.manager if person else None
