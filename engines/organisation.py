"""The people of one organisation as they stand at a moment: an immutable snapshot that engines may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Person:
    """A member: his department, his manager, and the roles he holds in each app (role ids by app name)."""

    id: int
    name: str
    email: str = ""
    language: str = "en"
    time_zone: str = ""
    active: bool = True
    department: int | None = None
    manager: int | None = None
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rights: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Department:
    """A department in the tree, with its head."""

    id: int
    name: str
    parent: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class Organisation:
    """Members and departments by id. Replaced as a whole when anything changes; `epoch` tells one from the next."""

    people: Mapping[int, Person] = field(default_factory=dict)
    departments: Mapping[int, Department] = field(default_factory=dict)
    epoch: int = 0

    def manager_of(self, member: int | None) -> int | None:
        """The member's manager; without one, the head of his department, then of the departments above it."""
        person = self.people.get(member) if member is not None else None
        if person is None:
            return None
        return person.manager or self._head_above(person)

    def head_of(self, department: int | None) -> int | None:
        found = self.departments.get(department) if department is not None else None
        return found.head if found else None

    def below(self, department: int | None) -> frozenset[int]:
        """The department and all departments under it."""
        if department is None:
            return frozenset()
        found, waiting = {department}, [department]
        children: dict[int, list[int]] = {}
        for each in self.departments.values():
            if each.parent is not None:
                children.setdefault(each.parent, []).append(each.id)
        while waiting:
            for child in children.get(waiting.pop(), []):
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return frozenset(found)

    def holders(self, app: str, role: str) -> tuple[int, ...]:
        """The active members who hold a role of an app, in a fixed order."""
        return tuple(sorted(p.id for p in self.people.values() if p.active and role in p.roles.get(app, frozenset())))

    def _head_above(self, person: Person) -> int | None:
        at, seen = person.department, set()
        while at is not None and at not in seen:
            seen.add(at)
            department = self.departments.get(at)
            if department is None:
                return None
            if department.head is not None and department.head != person.id:
                return department.head
            at = department.parent
        return None
