"""The people of the installation: an in-memory snapshot for every request, and the changes, dated from now on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from sqlalchemy import Connection, Select, Table, and_, insert, or_, select, update

from engines.organisation import Department, Organisation, Person
from metadata.problems import ROOT, Conflict, Invalid, NotFound, Path, Problem
from runtime.db import tables
from runtime.db.ids import new_id

if TYPE_CHECKING:
    from runtime.transaction import Tx

EPOCH = "organisation"
FAR_AWAY = datetime(9999, 1, 1, tzinfo=UTC)
DATED = (
    tables.membership,
    tables.manager,
    tables.department_parent,
    tables.department_head,
    tables.role_member,
)
RIGHTS = frozenset({"user_admin", "app_admin", "auditor", "ops"})


class OrganisationCache:
    """The snapshot of one process: kept until the epoch moves or a dated entry begins or ends."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._snapshot = Organisation(epoch=-1)
        self._from = self._until = FAR_AWAY

    def at(self, connection: Connection, now: datetime) -> Organisation:
        """Give the organisation as it stands now, read anew only if something changed."""
        return self.known(connection, read_epoch(connection), now)

    def known(self, connection: Connection, epoch: int, now: datetime) -> Organisation:
        """Give the organisation of an epoch that was read already."""
        with self._lock:
            snapshot, fresh = self._snapshot, self._from <= now < self._until
        if fresh and snapshot.epoch == epoch:
            return snapshot
        snapshot, until = load(connection, now, epoch), next_change(connection, now)
        with self._lock:
            self._snapshot, self._from, self._until = snapshot, now, until
        return snapshot


# --- reading ---


def read_epoch(connection: Connection) -> int:
    """Give the count of changes to the organisation."""
    return connection.execute(_EPOCH).scalar() or 0


_EPOCH = select(tables.epoch.c.value).where(tables.epoch.c.name == EPOCH)


def load(connection: Connection, now: datetime, epoch: int = 0) -> Organisation:
    """Read the organisation as it stands at a moment, past moments included."""
    department_of = _current(connection, tables.membership, now, "member", "department")
    manager_of = _current(connection, tables.manager, now, "member", "manager")
    parent_of = _current(connection, tables.department_parent, now, "department", "parent")
    head_of = _current(connection, tables.department_head, now, "department", "member")
    roles = _roles(connection, now)
    people = {
        row.id: Person(
            id=row.id,
            name=row.name,
            email=row.email,
            language=row.language,
            time_zone=row.time_zone,
            active=row.active,
            department=department_of.get(row.id),
            manager=manager_of.get(row.id),
            roles=roles.get(row.id, {}),
            rights=frozenset(row.rights),
        )
        for row in connection.execute(select(tables.member))
    }
    departments = {
        row.id: Department(row.id, row.name, parent_of.get(row.id), head_of.get(row.id))
        for row in connection.execute(select(tables.department).where(tables.department.c.active))
    }
    return Organisation(people, departments, epoch)


def next_change(connection: Connection, now: datetime) -> datetime:
    """Give the next moment at which a dated entry begins or ends."""
    coming = [FAR_AWAY]
    for table in DATED:
        for column in (table.c.valid_from, table.c.valid_to):
            first = connection.execute(select(column).where(column > now).order_by(column).limit(1)).scalar()
            coming.append(first or FAR_AWAY)
    return min(coming)


def _valid(table: Table, now: datetime) -> Any:
    return and_(table.c.valid_from <= now, or_(table.c.valid_to.is_(None), table.c.valid_to > now))


def _current(connection: Connection, table: Table, now: datetime, key: str, value: str) -> dict[int, int]:
    query: Select = select(table.c[key], table.c[value]).where(_valid(table, now)).order_by(table.c.valid_from)
    return {row[0]: row[1] for row in connection.execute(query)}


def _roles(connection: Connection, now: datetime) -> dict[int, dict[str, frozenset[str]]]:
    found: dict[int, dict[str, frozenset[str]]] = {}
    for row in connection.execute(select(tables.role_member).where(_valid(tables.role_member, now))):
        of_member = found.setdefault(row.member, {})
        of_member[row.app] = of_member.get(row.app, frozenset()) | {row.role}
    return found


# --- changing: every change is dated and moves the epoch ---


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
    tx.connection.execute(
        insert(tables.member).values(
            id=member,
            name=name.strip(),
            email=email,
            language=language or tx.settings.language,
            time_zone=time_zone or tx.settings.time_zone,
            password_hash=password_hash,
            active=True,
            rights=sorted(rights),
            auth_epoch=0,
            created_at=tx.now,
        )
    )
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
    if zone not in available_timezones():
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
