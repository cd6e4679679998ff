"""What may be chosen in a combobox: members, departments, the records of a form."""

from fastapi import APIRouter
from fastapi.responses import Response

from runtime import reading
from runtime.web.pages.lists.filters import ME, MINE
from runtime.web.pages.page import SignedInOnly

router = APIRouter(include_in_schema=False, prefix="/pick")

MOST = 20


@router.get("/members")
def members(page: SignedInOnly, q: str = "", own: bool = False) -> Response:
    """People by name or e-mail; with `own` the reader stands first, as whoever reads."""
    with page.visit.read() as tx:
        people = [each for each in tx.organisation.people.values() if each.active and _holds(q, each.name, each.email)]
        departments = tx.organisation.departments
        items = [
            {
                "id": each.id,
                "label": each.name,
                "note": department.name if (department := departments.get(each.department or 0)) else "",
            }
            for each in sorted(people, key=lambda one: one.name)[:MOST]
        ]
        items = _own(ME, page.word("Myself"), q, page.actor.name, own) + items
        return page.fragment("partials/options.html", people=True, items=items)


@router.get("/departments")
def departments(page: SignedInOnly, q: str = "", own: bool = False) -> Response:
    with page.visit.read() as tx:
        found = [each for each in tx.organisation.departments.values() if _holds(q, each.name)]
        items = [{"id": each.id, "label": each.name} for each in sorted(found, key=lambda one: one.name)[:MOST]]
        items = _own(MINE, page.word("My departments and those below"), q, "", own) + items
        return page.fragment("partials/options.html", people=False, items=items)


@router.get("/{app}/{form}")
def linked_records(page: SignedInOnly, app: str, form: str, q: str = "") -> Response:
    with page.visit.read() as tx:
        compiled = page.services.apps.live(tx, app)
        found = reading.pick(tx, compiled, form, q.strip()[:200], most=MOST)
        items = [{"id": id, "label": label} for id, label in found]
        return page.fragment("partials/options.html", people=False, items=items)


def _own(value: str, label: str, wanted: str, note: str, offered: bool) -> list[dict[str, object]]:
    """What stands for the reader himself, where that may be chosen and is what was looked for."""
    return [{"id": value, "label": label, "note": note}] if offered and _holds(wanted, label, note) else []


def _holds(wanted: str, *texts: str) -> bool:
    return all(any(word in text.lower() for text in texts) for word in wanted.lower().split())
