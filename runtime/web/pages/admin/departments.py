"""The department tree with its heads."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData

from engines.json_values import id_in
from engines.organisation import Organisation
from metadata.problems import Invalid, Path, Problem, Refusal
from runtime.organisation import departments
from runtime.web.deps import ElevatedForm, UserAdmin
from runtime.web.pages.admin.members import department_choices
from runtime.web.pages.page import Page, page_of

router = APIRouter(include_in_schema=False)


@router.get("/admin/departments")
def tree(visit: UserAdmin) -> Response:
    return _tree(page_of(visit))


@router.post("/admin/departments")
def add_department(visit: UserAdmin, form: ElevatedForm) -> Response:
    return _saved(page_of(visit), form, lambda tx: departments.add(tx, **_read(form)))


@router.post("/admin/departments/{department}")
def change_department(visit: UserAdmin, form: ElevatedForm, department: int) -> Response:
    return _saved(page_of(visit), form, lambda tx: departments.change(tx, department, **_read(form)))


def _saved(page: Page, form: FormData, work: Any) -> Response:
    try:
        page.visit.once_of_form(form, work)
    except Refusal as refusal:
        return _tree(page, refusal.status, problems=page.problems(refusal))
    return page.go("/admin/departments", page.word("Saved"))


def _read(form: FormData) -> dict[str, Any]:
    name = str(form.get("name", "")).strip()[:200]
    if not name:
        raise Invalid(Problem(Path(("name",)), "required", {"en": "Write a name", "zh": "请填写名称"}))
    return {"name": name, "parent": id_in(str(form.get("parent", ""))), "head": id_in(str(form.get("head", "")))}


def _tree(page: Page, status: int = 200, **more: Any) -> Response:
    with page.visit.read() as tx:
        people = sorted((each for each in tx.organisation.people.values() if each.active), key=lambda each: each.name)
        context = {"tree": _branch(tx.organisation, None), "members": people, "values": {}, **more}
        context["departments"] = department_choices(tx.organisation)
        return page.show(tx, "pages/admin/departments.html", status, **context)


def _branch(people: Organisation, parent: int | None) -> list[dict[str, Any]]:
    here = [each for each in people.departments.values() if each.parent == parent]
    return [
        {
            "id": each.id,
            "name": each.name,
            "parent": each.parent,
            "head": each.head,
            "head_name": head.name if (head := people.people.get(each.head or 0)) else "",
            "size": sum(1 for person in people.people.values() if person.active and person.department == each.id),
            "children": _branch(people, each.id),
        }
        for each in sorted(here, key=lambda each: each.name)
    ]
