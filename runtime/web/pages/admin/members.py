"""The people of the organisation: a list, and one person with his place and his roles."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData

from engines.json_values import id_in
from engines.organisation import Organisation, Person
from metadata.problems import Conflict, Invalid, NotFound, Path, Problem, Refusal
from runtime.identity import password_links, second_factor
from runtime.organisation import RIGHTS, members
from runtime.transaction import Tx
from runtime.web.deps import ElevatedForm, UserAdmin
from runtime.web.pages.navigation import live_apps
from runtime.web.pages.page import Page, page_of
from runtime.web.pages.shown_once import shown_once

router = APIRouter(include_in_schema=False)

RIGHT_TITLES = {
    "user_admin": {"en": "Members and departments", "zh": "成员与部门管理"},
    "app_admin": {"en": "Apps", "zh": "应用管理"},
    "auditor": {"en": "Audit log", "zh": "审计日志"},
    "ops": {"en": "Operations", "zh": "运维"},
}


@router.get("/admin/members")
def list_members(visit: UserAdmin) -> Response:
    return _list(page_of(visit))


@router.post("/admin/members")
def add_member(visit: UserAdmin, form: ElevatedForm) -> Response:
    """Add somebody; he chooses his password by a link, which is mailed or, without a mail server, shown once."""
    page, name, email = page_of(visit), str(form.get("name", "")).strip(), str(form.get("email", "")).strip()

    def add(tx: Tx) -> int:
        return members.add(
            tx,
            name,
            email,
            department=id_in(str(form.get("department", ""))),
            manager=id_in(str(form.get("manager", ""))),
            language=page.language,
        )

    try:
        _require_name(name, email)
        if visit.services.settings.smtp_host:
            visit.once_of_form(form, lambda tx: password_links.mail(tx, add(tx)))
            return page.go("/admin/members", page.word("An invitation is on its way to %(email)s", email=email))
        link = shown_once(visit, form, lambda tx: password_links.make(tx, add(tx)))
    except Refusal as refusal:
        return _list(page, refusal.status, problems=page.problems(refusal), values={"name": name, "email": email})
    return _list(page, link=link, new_member=name)


@router.get("/admin/members/{member}")
def one_member(visit: UserAdmin, member: int) -> Response:
    return _one(page_of(visit), member)


@router.post("/admin/members/{member}")
def change_member(visit: UserAdmin, form: ElevatedForm, member: int) -> Response:
    page = page_of(visit)
    try:
        visit.once_of_form(form, lambda tx: _change(tx, member, form))
    except Refusal as refusal:
        return _one(page, member, refusal.status, problems=page.problems(refusal))
    return page.go(f"/admin/members/{member}", page.word("Saved"))


@router.post("/admin/members/{member}/link")
def make_link(visit: UserAdmin, form: ElevatedForm, member: int) -> Response:
    """Show once a link with which this person sets a password."""
    page = page_of(visit)
    try:
        link = shown_once(visit, form, lambda tx: password_links.make(tx, member))
    except Conflict as refusal:
        return _one(page, member, refusal.status, problems=page.problems(refusal))
    return _one(page, member, link=link)


@router.post("/admin/members/{member}/mail")
def mail_link(visit: UserAdmin, form: ElevatedForm, member: int) -> Response:
    """Mail such a link."""
    page = page_of(visit)
    try:
        visit.once_of_form(form, lambda tx: password_links.mail(tx, member))
    except Conflict as refusal:
        return _one(page, member, refusal.status, problems=page.problems(refusal))
    return page.go(f"/admin/members/{member}", page.word("The link is on its way"))


@router.post("/admin/members/{member}/second-factor")
def take_second_factor(visit: UserAdmin, form: ElevatedForm, member: int) -> Response:
    page = page_of(visit)
    visit.once_of_form(form, lambda tx: members.take_second_factor(tx, member))
    return page.go(f"/admin/members/{member}", page.word("The second factor is off"))


def _change(tx: Tx, member: int, form: FormData) -> None:
    """Change what differs, so that the audit tells what was changed and nothing else."""
    person = _person(tx.organisation, member)
    name = str(form.get("name", "")).strip()
    _require_name(name, person.email)
    wanted = {
        "name": name,
        "rights": frozenset(str(each) for each in form.getlist("right")) & RIGHTS,
        "active": form.get("active") == "true",
        "department": id_in(str(form.get("department", ""))),
        "manager": id_in(str(form.get("manager", ""))),
    }
    if changes := {key: value for key, value in wanted.items() if value != getattr(person, key)}:
        members.change(tx, member, **changes)
    _change_roles(tx, person, {str(each) for each in form.getlist("role")})


def _change_roles(tx: Tx, person: Person, wanted: set[str]) -> None:
    for app in live_apps(tx):
        for role in app.role_ids.values():
            held, asked = role in person.roles.get(app.name, ()), f"{app.name}:{role}" in wanted
            if asked and not held:
                members.grant_role(tx, app.name, role, person.id)
            if held and not asked:
                members.withdraw_role(tx, app.name, role, person.id)


def _list(page: Page, status: int = 200, **more: Any) -> Response:
    with page.visit.read() as tx:
        people = sorted(tx.organisation.people.values(), key=lambda each: (not each.active, each.name))
        titles = role_titles(tx, page)
        shown = [
            {
                "id": each.id,
                "name": each.name,
                "email": each.email,
                "active": each.active,
                "departments": _name(tx.organisation.departments, each.department),
                "manager": _name(tx.organisation.people, each.manager),
                "roles": [
                    titles[app, role] for app, roles in each.roles.items() for role in roles if (app, role) in titles
                ],
            }
            for each in people
        ]
        context = {"values": {}, "departments": department_choices(tx.organisation), "members": shown, **more}
        return page.show(tx, "pages/admin/members.html", status, **context)


def _one(page: Page, member: int, status: int = 200, **more: Any) -> Response:
    with page.visit.read() as tx:
        person = _person(tx.organisation, member)
        titles = {app.name: page.say(app.title) for app in live_apps(tx)}
        roles = [
            {
                "app": app,
                "id": role,
                "title": title,
                "app_title": titles[app],
                "held": role in person.roles.get(app, ()),
            }
            for (app, role), title in role_titles(tx, page).items()
        ]
        rights = [
            {"value": each, "title": page.say(RIGHT_TITLES.get(each, each)), "held": each in person.rights}
            for each in sorted(RIGHTS)
        ]
        people = sorted((p for p in tx.organisation.people.values() if p.active), key=lambda each: each.name)
        context = {"member": person, "roles": roles, "rights": rights, "members": people, **more}
        context["departments"] = department_choices(tx.organisation)
        context["second_factor"] = second_factor.is_on(tx.connection, member)
        context["has_mail"] = bool(tx.settings.smtp_host)
        return page.show(tx, "pages/admin/member.html", status, **context)


def role_titles(tx: Tx, page: Page) -> dict[tuple[str, str], str]:
    """The titles of all roles by app and role id."""
    return {(app.name, role.key): page.say(role.caption) for app in live_apps(tx) for role in app.definition.roles}


def department_choices(people: Organisation) -> list[dict[str, Any]]:
    """The departments with the way to them, in the order of the tree."""

    def path(department: int | None, seen: tuple[int, ...] = ()) -> str:
        found = people.departments.get(department) if department is not None else None
        if found is None or found.id in seen:
            return ""
        above = path(found.parent, (*seen, found.id))
        return f"{above} / {found.name}" if above else found.name

    return sorted(({"id": each, "path": path(each)} for each in people.departments), key=lambda one: one["path"])


def _person(people: Organisation, member: int) -> Person:
    if member not in people.people:
        raise NotFound()
    return people.people[member]


def _require_name(name: str, email: str) -> None:
    if not name or len(name) > 200:
        raise Invalid(Problem(Path(("name",)), "required", {"en": "Write a name", "zh": "请填写姓名"}))
    if "@" not in email or len(email) > 320:
        raise Invalid(Problem(Path(("email",)), "bad_email", {"en": "Write an e-mail address", "zh": "请填写邮箱地址"}))


def _name(things: Any, id: int | None) -> str:
    return things[id].name if id in things else ""
