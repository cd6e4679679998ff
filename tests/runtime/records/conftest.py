"""A small sales office: an app with every kind of field that the door must know, three people, and ways to act."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from engines import compile_app
from engines.actor import Actor, system
from engines.compiled import CompiledApp
from metadata.language import Language
from runtime import organisation, plugins, reading, records, transaction
from runtime.reading import Page
from runtime.services import Services
from runtime.transaction import Tx

DEFINITION: Mapping[str, Any] = {
    "format": 1,
    "app": "office",
    "title": "Office",
    "time_zone": "Asia/Shanghai",
    "roles": [{"id": f"r_{name}", "name": name} for name in ("seller", "manager", "director", "clerk")],
    "forms": [
        {
            "id": "t_customer",
            "name": "customer",
            "label": "{{name}}",
            "fields": [
                {"id": "f_name", "name": "name", "type": "text", "required": True},
                {"id": "f_level", "name": "level", "type": "select", "options": ["A", "B", "C"]},
                {"id": "f_secret", "name": "secret", "type": "text"},
                {"id": "f_credit", "name": "credit", "type": "money"},
                {"id": "f_code", "name": "code", "type": "text", "unique": True},
                {"id": "f_tags", "name": "tags", "type": "tags"},
                {
                    "id": "f_deals",
                    "name": "deals",
                    "type": "rollup",
                    "form": "deal",
                    "link": "customer",
                    "count": True,
                    "declassify": True,
                },
                {"id": "f_sold", "name": "sold", "type": "rollup", "form": "deal", "link": "customer", "sum": "total"},
                {
                    "id": "f_largest",
                    "name": "largest",
                    "type": "rollup",
                    "form": "deal",
                    "link": "customer",
                    "max": "total",
                    "where": "state != 'lost'",
                },
                {
                    "id": "f_average",
                    "name": "average",
                    "type": "rollup",
                    "form": "deal",
                    "link": "customer",
                    "avg": "total",
                },
                {"id": "f_double", "name": "double_sold", "type": "formula", "formula": "sold * 2", "decimals": 2},
            ],
        },
        {
            "id": "t_deal",
            "name": "deal",
            "label": "{{number}} {{customer.name}}",
            "fields": [
                {"id": "f_number", "name": "number", "type": "auto_number", "pattern": "D{YYYY}-{0000}"},
                {"id": "f_title", "name": "title", "type": "text"},
                {"id": "f_customer", "name": "customer", "type": "link", "form": "customer"},
                {
                    "id": "f_state",
                    "name": "state",
                    "type": "select",
                    "stage": True,
                    "default": "open",
                    "options": ["open", "offered", "won", "lost"],
                },
                {"id": "f_margin", "name": "margin", "type": "number", "decimals": 2},
                {"id": "f_note", "name": "note", "type": "long_text"},
                {"id": "f_partner", "name": "partner", "type": "member"},
                {"id": "f_due", "name": "due", "type": "date"},
                {
                    "id": "f_items",
                    "name": "items",
                    "type": "subform",
                    "fields": [
                        {"id": "f_what", "name": "what", "type": "text", "required": True},
                        {"id": "f_qty", "name": "qty", "type": "number", "decimals": 0, "default": 1},
                        {"id": "f_price", "name": "price", "type": "money"},
                        {"id": "f_line", "name": "line", "type": "formula", "formula": "qty * price", "decimals": 2},
                    ],
                },
                {"id": "f_total", "name": "total", "type": "formula", "formula": "sum(items.line)", "decimals": 2},
                {"id": "f_gain", "name": "gain", "type": "formula", "formula": "total * margin", "decimals": 2},
                {"id": "f_clevel", "name": "customer_level", "type": "lookup", "link": "customer", "field": "level"},
                {"id": "f_csecret", "name": "customer_secret", "type": "lookup", "link": "customer", "field": "secret"},
                {"id": "f_age", "name": "late_by", "type": "formula", "formula": "today - due", "decimals": 0},
            ],
            "validations": [{"valid_if": "total >= 0", "field": "items", "message": "A deal has no negative total"}],
        },
        {
            "id": "t_visit",
            "name": "visit",
            "fields": [
                {"id": "f_topic", "name": "topic", "type": "text"},
                {"id": "f_vdeal", "name": "deal", "type": "link", "form": "deal", "on_delete": "cascade"},
                {"id": "f_vcust", "name": "customer", "type": "link", "form": "customer", "on_delete": "set_null"},
            ],
        },
    ],
    "access": [
        {
            "role": "seller",
            "form": "customer",
            "may": ["create", "read", "update"],
            "where": "owner == user",
            "fields": ["name", "level", "code", "tags", "credit"],
        },
        {"role": "seller", "form": "customer", "may": ["read"], "where": "level == 'A'", "fields": ["name"]},
        {"role": "seller", "form": "deal", "may": ["create", "read", "update", "delete"], "where": "owner == user"},
        {
            "role": "manager",
            "form": "deal",
            "may": ["read", "update"],
            "where": "department in user.departments",
            "fields": ["number", "title", "customer", "state", "items", "total"],
        },
        {"role": "manager", "form": "customer", "may": ["read"], "where": "deals > 0", "fields": ["name", "deals"]},
        {"role": "director", "form": "deal", "may": ["create", "read", "update", "delete", "restore", "see_history"]},
        {
            "role": "director",
            "form": "customer",
            "may": ["create", "read", "update", "delete", "restore", "see_history"],
        },
        {
            "role": "director",
            "form": "visit",
            "may": ["create", "read", "update", "delete", "restore", "see_history"],
        },
        {
            "role": "clerk",
            "form": "deal",
            "may": ["read"],
            "where": "customer.level == 'A'",
            "fields": ["title", "customer"],
        },
    ],
}


@dataclass(repr=False)
class Office:
    """People who act on records of the app, each in a transaction of his own."""

    services: Services
    app: CompiledApp
    people: dict[str, int] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        if name == "system":
            return system("test")
        with transaction.read(self.services, system("test")) as tx:
            person = tx.organisation.people[self.people[name]]
            departments = tx.organisation.below(person.department)
        return Actor(
            kind="user",
            member=person.id,
            name=name,
            department=person.department,
            departments=departments,
            roles={"office": frozenset({f"r_{self.roles[name]}"})} if name in self.roles else {},
        )

    @contextmanager
    def reading(self, name: str) -> Iterator[Tx]:
        with transaction.read(self.services, self.actor(name)) as tx:
            yield tx

    def run(self, name: str, work: Callable[[Tx], Any]) -> Any:
        return transaction.run(self.services, self.actor(name), work)

    def create(self, name: str, form: str, /, **values: Any) -> records.Saved:
        saved: records.Saved = self.run(name, lambda tx: records.save(tx, self.app, form, None, values))
        return saved

    def change(self, name: str, form: str, id: int, version: int | None, /, **values: Any) -> records.Saved:
        saved: records.Saved = self.run(name, lambda tx: records.save(tx, self.app, form, id, values, version))
        return saved

    def delete(self, name: str, form: str, id: int, version: int | None = None) -> None:
        self.run(name, lambda tx: records.delete(tx, self.app, form, id, version, check_version=version is not None))

    def restore(self, name: str, form: str, id: int) -> None:
        self.run(name, lambda tx: records.restore(tx, self.app, form, id))

    def get(self, name: str, form: str, id: int, **more: Any) -> dict[str, Any]:
        """A record by field names, as somebody sees it."""
        with self.reading(name) as tx:
            shown = reading.get(tx, self.app, form, id, **more)
        return self.named(form, shown.values)

    def places(self) -> tuple[list[int], list[int]]:
        """Three people and the departments of the three, for worlds made up elsewhere."""
        people = ("sven", "sara", "mia")
        return [self.people[each] for each in people], [
            self.actor(each).department or 0 for each in ("sven", "sara", "dora")
        ]

    def list(self, name: str, form: str, **query: Any) -> Page:
        with self.reading(name) as tx:
            return reading.list_records(tx, self.app, form, reading.ListQuery(**query))

    def named(self, form: str, values: Mapping[str, Any]) -> dict[str, Any]:
        fields = self.app.form(form).fields
        return {fields[id].name if id in fields else id: value for id, value in values.items()}

    def truth(self, form: str, id: int) -> dict[str, Any]:
        with self.reading("system") as tx:
            return self.named(form, records.load(tx, self.app, form, id) or {})


@pytest.fixture(scope="session")
def compiled() -> CompiledApp:
    kinds = plugins.load()
    return compile_app(Language(kinds).read(DEFINITION), kinds)


@pytest.fixture
def office(services: Services, compiled: CompiledApp) -> Office:
    """Sven and Sara sell, Mia manages Sven's department, Dora directs, Carl keeps the files, Nobody has no role."""
    found = Office(services, compiled)

    def begin(tx: Tx) -> None:
        compiled.metadata.create_all(tx.connection)
        sales = organisation.add_department(tx, "Sales")
        north = organisation.add_department(tx, "North", sales)
        south = organisation.add_department(tx, "South", sales)
        homes = {"sven": north, "sara": south, "mia": north, "dora": sales, "carl": sales, "nobody": sales}
        for name, department in homes.items():
            member = organisation.add_member(tx, name, f"{name}@example.com", department=department)
            found.people[name] = member

    transaction.run(services, system("test"), begin)
    found.roles.update(sven="seller", sara="seller", mia="manager", dora="director", carl="clerk")
    return found
