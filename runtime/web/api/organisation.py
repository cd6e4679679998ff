"""JSON for the people: the directory for everybody, members, departments, managers and roles for user admins."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select
from starlette.responses import Response

from engines.organisation import Person
from metadata.problems import Invalid, Path, Problem
from runtime import organisation
from runtime.db import tables
from runtime.idempotency import Answer
from runtime.organisation import departments, members
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.api.people_json import card_json, department_json, member_json
from runtime.web.api.session import Body, Id, Name, hashes, small
from runtime.web.deps import ElevatedUserAdmin, SignedIn, UserAdmin

router = APIRouter(prefix="/api/v1", tags=["organisation"])

Email = Annotated[str, Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
Zone = Annotated[str, Field(max_length=64)]


class NewMember(Body):
    name: Name
    email: Email
    language: str | None = Field(default=None, pattern="^(en|zh)$")
    time_zone: Zone | None = None
    department: Id | None = None
    manager: Id | None = None
    rights: list[str] = Field(default=[], max_length=10)
    password: str | None = Field(default=None, max_length=1000)


class MemberChange(Body):
    name: Name | None = None
    email: Email | None = None
    language: str | None = Field(default=None, pattern="^(en|zh)$")
    time_zone: Zone | None = None
    department: Id | None = None
    manager: Id | None = None
    rights: list[str] | None = Field(default=None, max_length=10)
    active: bool | None = None


class Password(Body):
    password: str = Field(max_length=1000)


class NewDepartment(Body):
    name: Name
    parent: Id | None = None
    head: Id | None = None


class DepartmentChange(Body):
    name: Name | None = None
    parent: Id | None = None
    head: Id | None = None


# --- the directory ---


@router.get("/directory")
def directory(visit: SignedIn, search: Annotated[str, Query(max_length=200)] = "") -> JsonResponse:
    """Who works here: names for pickers, the first fifty that fit."""
    wanted = search.strip().lower()
    with visit.read() as tx:
        people = [person for person in tx.organisation.people.values() if person.active]
        found = [person for person in people if wanted in person.name.lower() or wanted in person.email]
        found.sort(key=lambda person: person.name)
        items = [card_json(tx.organisation, person) for person in found[:50]]
    return JsonResponse({"items": items})


@router.get("/departments")
def list_departments(visit: SignedIn) -> JsonResponse:
    """The tree of departments, with their heads."""
    with visit.read() as tx:
        tree = sorted(tx.organisation.departments.values(), key=lambda department: department.name)
    return JsonResponse({"items": [department_json(one) for one in tree]})


# --- members ---


@router.get("/members")
def list_members(visit: UserAdmin) -> JsonResponse:
    """Everybody, with what he is and may."""
    with visit.read() as tx:
        people = sorted(tx.organisation.people.values(), key=lambda person: person.name)
    return JsonResponse({"items": [member_json(person) for person in people]})


@router.get("/members/{member}")
def member(member: Id, visit: UserAdmin) -> JsonResponse:
    """One member."""
    with visit.read() as tx:
        return JsonResponse(member_json(_person(tx, small(member))))


@router.post("/members", status_code=201)
async def add_member(body: NewMember, visit: ElevatedUserAdmin) -> Response:
    """Add a member; with a password he can sign in at once, without one he needs a link."""
    _check(body.rights, body.time_zone)

    def work(tx: Tx) -> Answer:
        made = members.add(
            tx,
            body.name,
            body.email,
            rights=frozenset(body.rights),
            password=body.password or "",
            language=body.language,
            time_zone=body.time_zone,
            department=_known_department(tx, body.department),
            manager=_known_member(tx, "manager", body.manager),
        )
        return Answer(member_json(tx.organisation.people[made]), 201)

    in_turn = hashes(visit).run if body.password is not None else to_thread.run_sync
    return await in_turn(lambda: visit.once(work))


@router.patch("/members/{member}")
def change_member(member: Id, body: MemberChange, visit: ElevatedUserAdmin) -> JsonResponse:
    """Change a member; department and manager change from now on, the past stays as it was."""
    _check(body.rights or [], body.time_zone)
    given = body.model_dump(exclude_unset=True)
    kept = {name: value for name, value in given.items() if value is not None}

    def work(tx: Tx) -> dict[str, Any]:
        number = _person(tx, small(member)).id
        if "department" in given:
            kept["department"] = _known_department(tx, body.department)
        if "manager" in given:
            kept["manager"] = _known_member(tx, "manager", body.manager)
        members.change(tx, number, **kept)
        return member_json(tx.organisation.people[number])

    return JsonResponse(visit.run(work))


@router.post("/members/{member}/password", status_code=204)
async def set_password(member: Id, body: Password, visit: ElevatedUserAdmin) -> Response:
    """Give a member a new password; he is signed out everywhere."""
    await hashes(visit).run(lambda: visit.run(lambda tx: members.set_password(tx, small(member), body.password)))
    return Response(status_code=204)


@router.delete("/members/{member}/second-factor", status_code=204)
def take_second_factor(member: Id, visit: ElevatedUserAdmin) -> Response:
    """Take the second factor of a member away who has lost it; he is signed out everywhere."""
    visit.run(lambda tx: members.take_second_factor(tx, small(member)))
    return Response(status_code=204)


# --- departments ---


@router.post("/departments", status_code=201)
def add_department(body: NewDepartment, visit: ElevatedUserAdmin) -> Response:
    """Add a department."""

    def work(tx: Tx) -> Answer:
        parent, head = _known_department(tx, body.parent, "parent"), _known_member(tx, "head", body.head)
        made = departments.add(tx, body.name, parent, head)
        return Answer(department_json(tx.organisation.departments[made]), 201)

    return visit.once(work)


@router.patch("/departments/{department}")
def change_department(department: Id, body: DepartmentChange, visit: ElevatedUserAdmin) -> JsonResponse:
    """Rename it, hang it elsewhere, give it another head; the last two from now on."""
    given = body.model_fields_set

    def work(tx: Tx) -> dict[str, Any]:
        changes: dict[str, Any] = {} if body.name is None else {"name": body.name}
        if "parent" in given:
            changes["parent"] = _known_department(tx, body.parent, "parent")
        if "head" in given:
            changes["head"] = _known_member(tx, "head", body.head)
        departments.change(tx, small(department), **changes)
        return department_json(tx.organisation.departments[small(department)])

    return JsonResponse(visit.run(work))


@router.delete("/departments/{department}", status_code=204)
def close_department(department: Id, visit: ElevatedUserAdmin) -> Response:
    """Take an empty department out of the tree."""
    visit.run(lambda tx: departments.close(tx, small(department)))
    return Response(status_code=204)


# --- roles of apps ---


@router.get("/apps/{app}/roles/{role}/members")
def role_members(app: str, role: str, visit: UserAdmin) -> JsonResponse:
    """Who holds a role of an app."""
    with visit.read() as tx:
        _known_app(tx, app)
        holders = [tx.organisation.people[one] for one in tx.organisation.holders(app, role)]
        return JsonResponse({"items": [card_json(tx.organisation, person) for person in holders]})


@router.put("/apps/{app}/roles/{role}/members/{member}", status_code=204)
def grant_role(app: str, role: str, member: Id, visit: ElevatedUserAdmin) -> Response:
    """Give a member a role (its id) of an app."""

    def work(tx: Tx) -> None:
        _known_role(tx, app, role)
        members.grant_role(tx, app, role, _person(tx, small(member)).id)

    visit.run(work)
    return Response(status_code=204)


@router.delete("/apps/{app}/roles/{role}/members/{member}", status_code=204)
def withdraw_role(app: str, role: str, member: Id, visit: ElevatedUserAdmin) -> Response:
    """Take a role of an app away."""

    def work(tx: Tx) -> None:
        members.withdraw_role(tx, app, role, _person(tx, small(member)).id)

    visit.run(work)
    return Response(status_code=204)


# --- small things ---


def _person(tx: Tx, member: int) -> Person:
    if member not in tx.organisation.people:
        raise organisation.no_such("member", member)
    return tx.organisation.people[member]


def _known_member(tx: Tx, key: str, member: str | None) -> int | None:
    if member is None:
        return None
    if small(member) not in tx.organisation.people:
        message = {"en": f"There is no member {member}", "zh": f"不存在成员 {member}"}
        raise Invalid(Problem(Path((key,)), "unknown_member", message))
    return small(member)


def _known_department(tx: Tx, department: str | None, key: str = "department") -> int | None:
    if department is None:
        return None
    if small(department) not in tx.organisation.departments:
        message = {"en": f"There is no department {department}", "zh": f"不存在部门 {department}"}
        raise Invalid(Problem(Path((key,)), "unknown_department", message))
    return small(department)


def _known_app(tx: Tx, app: str) -> None:
    if tx.connection.execute(select(tables.app.c.number).where(tables.app.c.name == app)).scalar() is None:
        raise organisation.no_such("app", app)


def _known_role(tx: Tx, app: str, role: str) -> None:
    _known_app(tx, app)
    if role not in tx.services.apps.live(tx, app).role_ids.values():
        raise organisation.no_such("role", role)


def _check(rights: list[str], zone: str | None) -> None:
    if unknown := sorted(set(rights) - organisation.RIGHTS):
        message = {"en": f"There is no right {unknown[0]}", "zh": f"不存在权限 {unknown[0]}"}
        raise Invalid(Problem(Path(("rights",)), "unknown_right", message, ", ".join(sorted(organisation.RIGHTS))))
    if zone is not None:
        organisation.require_time_zone(zone)
