"""Every address of the API and of the pages, and every question that may be put to it."""

import itertools
import re
from collections.abc import Iterator
from urllib.parse import quote

from engines.json_values import moment_text
from runtime.server import all_routes
from tests.attacks.conftest import Installation

FIELDS = ("credit_limit", "cost", "wechat", "name", "amount", "notes", "company", "legal_opinion", "terms", "total")
PATHS = (
    "customer.credit_limit",
    "customer.wechat",
    "opportunity.next_step",
    "contract.cost",
    "opportunity.customer.name",
)
GENERAL = (
    "?expand=customer",
    "?expand=opportunity.customer,finance_contact.customer",
    "?fields=id&expand=customer,opportunity.customer",
    "?search=CNRY",
    "?search=7319",
    "?count=exact&size=200&fields=id",
    "?filter=" + quote("any(f.content != '' for f in follow_ups)"),
    "?filter=" + quote("owner.name == 'Zoe'"),
    "?fields=no_such_field",
    "?as_of={now}&expand=customer",
    "?as_of={now}&count=exact&filter=" + quote("any(f.content != '' for f in follow_ups) or amount > 1"),
)
DRILLS = (
    "",
    "?group.owner=",
    "?group.stage=proposal",
    "?seller={zoe}",
    "?group.owner={zoe}",
    "?fields=id,cost,credit_limit",
)
LISTED = re.compile(r"/apps/\{app\}/forms/\{form\}(/records)?(/trash)?$")


def addresses(made: Installation) -> Iterator[str]:
    """Every GET, with every id there is in its place and every question a list may be asked."""
    for route in all_routes(made.site.router):
        if "GET" in (route.methods or ()) and not route.path.startswith("/static"):
            for place in _filled(made, route.path):
                yield place
                yield from (place + each for each in _questions(made, route.path, place))


def _filled(made: Installation, path: str) -> Iterator[str]:
    known = _known(made, path)
    names = re.findall(r"{(\w+)(?::\w+)?}", path)
    if {"form", "id"} <= set(names):
        for form, id in made.records.values():
            yield from _put(path, {**known, "form": [form], "id": [str(id)]}, names)
        return
    yield from _put(path, known, names)


def _put(path: str, known: dict[str, list[str]], names: list[str]) -> Iterator[str]:
    for chosen in itertools.product(*(known.get(each, ["1"]) for each in names)):
        place = path
        for name, value in zip(names, chosen, strict=True):
            place = re.sub(rf"{{{name}(:\w+)?}}", value, place)
        yield place


def _known(made: Installation, path: str) -> dict[str, list[str]]:
    app = made.app
    ids = {"tasks": made.tasks.values(), "todo": made.tasks.values()}
    part = next((each for each in ids if f"/{each}/" in path), None)
    return {
        "app": ["crm"],
        "form": sorted({form for form, _ in made.records.values()}),
        "report": [each.name for each in app.reports.reports.values()],
        "dashboard": [each.name for each in app.reports.dashboards.values()],
        "flow": [each.name for each in app.flows.values()],
        "rule": [each.name for each in app.rules],
        "role": sorted(app.role_ids),
        "file": list(made.files.values()),
        "member": [str(each) for each in made.people.values()],
        "language": ["zh"],
        "theme": ["dark"],
        "id": [str(each) for each in (ids[part] if part else made.instances())],
    }


def _questions(made: Installation, path: str, place: str) -> Iterator[str]:
    if LISTED.search(path):
        yield from _of_list(made, place)
    elif path.endswith("/records/{id}"):
        yield from (
            f"?as_of={_now(made)}",
            "?expand=customer,opportunity.customer,finance_contact.customer",
            *(f"?fields={each}" for each in ("cost", "credit_limit", *PATHS[:3])),
        )
    elif "/reports/{report}" in path or "dashboards/{dashboard}" in path:
        yield from (each.replace("{zoe}", str(made.people["zoe"])) for each in DRILLS[1:])
    elif path.endswith(("why-not", "/why")):
        form = made.app.form(place.split("/forms/")[1].split("/")[0]).id
        yield from (f"?rule={each.name}" for each in made.app.rules if each.form == form)
    elif path.startswith("/pick"):
        yield from ("?q=CNRY", "?q=7319")
    elif path.endswith("/tasks") or path == "/todo":
        yield from (f"?box={each}" for each in ("todo", "done", "started", "copies"))
    elif path.endswith("/instances"):
        yield from (f"?record={id}" for form, id in made.records.values() if form == "contract")
    elif path.endswith("filter-row"):
        yield from (f"?field={each}" for each in FIELDS)


def _now(made: Installation) -> str:
    return moment_text(made.services.clock())


def _of_list(made: Installation, place: str) -> Iterator[str]:
    yield from (each.replace("{now}", _now(made)) for each in GENERAL)
    if place.endswith("/trash"):
        return
    fields = made.app.form(place.split("/forms/")[1].split("/")[0]).field_ids
    for each in (*FIELDS, *PATHS):
        if each.split(".")[0] in fields:
            yield f"?sort=-{each}"
            yield "?filter=" + quote(f"{each} != null")
            if place.endswith("/records"):
                yield f"?fields=id,{each}"
                yield "?filter=" + quote(f"contains({each}, 'CNRY')")
