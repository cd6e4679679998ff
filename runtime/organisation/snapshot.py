"""The people of the installation as every request knows them: a snapshot in memory, read anew when it moves."""

from datetime import UTC, datetime
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, or_, select

from engines.organisation import Department, Organisation, Person
from runtime.db import tables

EPOCH = "organisation"
FAR_AWAY = datetime(9999, 1, 1, tzinfo=UTC)
DATED = (
    tables.membership,
    tables.manager,
    tables.department_parent,
    tables.department_head,
    tables.role_member,
)


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
