"""People and departments as the API writes them."""

from typing import Any

from engines.organisation import Department, Organisation, Person


def card_json(people: Organisation, person: Person) -> dict[str, Any]:
    """Somebody as everybody may know him."""
    department = people.departments.get(person.department) if person.department is not None else None
    return {"id": str(person.id), "name": person.name, "department": department.name if department else None}


def department_json(one: Department) -> dict[str, Any]:
    """A department with its place and its head."""
    return {"id": str(one.id), "name": one.name, "parent": _id(one.parent), "head": _id(one.head)}


def member_json(person: Person) -> dict[str, Any]:
    """A member with all that he is and may."""
    return {
        "id": str(person.id),
        "name": person.name,
        "email": person.email,
        "language": person.language,
        "time_zone": person.time_zone,
        "active": person.active,
        "department": _id(person.department),
        "manager": _id(person.manager),
        "rights": sorted(person.rights),
        "roles": {app: sorted(roles) for app, roles in person.roles.items()},
    }


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)
