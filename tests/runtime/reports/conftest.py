"""A shop with orders and lines, whose numbers are small enough to add up by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from engines import compile_app
from engines.actor import Actor, system
from engines.compiled import CompiledApp
from metadata.language import Language
from runtime import organisation, plugins, records, reports, transaction
from runtime.services import Services

DEFINITION: Mapping[str, Any] = {
    "format": 1,
    "app": "shop",
    "time_zone": "Asia/Shanghai",
    "roles": [{"id": "r_boss", "name": "boss"}, {"id": "r_clerk", "name": "clerk"}],
    "forms": [
        {
            "id": "t_customer",
            "name": "customer",
            "label": "{{name}}",
            "fields": [
                {"id": "f_name", "name": "name", "type": "text"},
                {"id": "f_region", "name": "region", "type": "select", "options": ["north", "south"]},
            ],
        },
        {
            "id": "t_order",
            "name": "order",
            "label": "{{title}}",
            "fields": [
                {"id": "f_title", "name": "title", "type": "text"},
                {"id": "f_customer", "name": "customer", "type": "link", "form": "customer"},
                {"id": "f_freight", "name": "freight", "type": "money"},
                {"id": "f_margin", "name": "margin", "type": "money"},
                {"id": "f_day", "name": "day", "type": "date"},
                {"id": "f_at", "name": "at", "type": "datetime"},
                {"id": "f_tags", "name": "tags", "type": "tags"},
                {
                    "id": "f_stage",
                    "name": "stage",
                    "type": "select",
                    "stage": True,
                    "default": "asked",
                    "options": ["asked", "offered", "won", "lost"],
                },
                {
                    "id": "f_lines",
                    "name": "lines",
                    "type": "subform",
                    "fields": [
                        {"id": "f_item", "name": "item", "type": "text"},
                        {"id": "f_price", "name": "price", "type": "money"},
                    ],
                },
            ],
        },
    ],
    "access": [
        {"role": "boss", "form": "order", "may": ["create", "read", "update", "see_history"]},
        {"role": "boss", "form": "customer", "may": ["create", "read", "update", "see_history"]},
        {
            "role": "clerk",
            "form": "order",
            "may": ["read"],
            "where": "freight < 50",
            "fields": ["title", "freight", "stage", "customer", "day"],
        },
    ],
}


@dataclass
class Shop:
    """Runs reports over orders that a test puts in."""

    services: Services
    people: dict[str, int] = field(default_factory=dict)
    app: CompiledApp | None = None

    def define(self, *reports: Mapping[str, Any]) -> None:
        kinds = plugins.load()
        self.app = compile_app(Language(kinds).read({**DEFINITION, "reports": list(reports)}), kinds)

    def actor(self, role: str) -> Actor:
        if role == "system":
            return system("test")
        return Actor("user", member=self.people[role], name=role, roles={"shop": frozenset({f"r_{role}"})})

    def put(self, form: str, **values: Any) -> str:
        """Save a record; gives its id as the API does."""

        def work(tx: Any) -> int:
            return records.save(tx, self._live(), form, None, values).id

        return str(transaction.run(self.services, self.actor("boss"), work))

    def change(self, form: str, id: str, **values: Any) -> None:
        def work(tx: Any) -> None:
            records.save(tx, self._live(), form, int(id), values, check_version=False)

        transaction.run(self.services, self.actor("boss"), work)

    def ask(self, name: str = "r", role: str = "boss", **parameters: Any) -> Any:
        with transaction.read(self.services, self.actor(role)) as tx:
            return reports.run(tx, self._live(), name, parameters).result

    def table(self, name: str = "r", role: str = "boss", **parameters: Any) -> list[list[Any]]:
        """The result as plain rows: labels, then measures."""
        result = self.ask(name, role, **parameters)
        return [[*(cell.label for cell in row.cells), *row.values.values()] for row in result.rows]

    def then(self, moment: datetime, name: str = "r", role: str = "boss") -> list[list[Any]]:
        """The result as it was at a moment, as plain rows."""
        with transaction.read(self.services, self.actor(role)) as tx:
            result = reports.run(tx, self._live(), name, {}, moment).result
        return [[*(cell.label for cell in row.cells), *row.values.values()] for row in result.rows]

    def behind(self, name: str = "r", role: str = "boss", **group: str | None) -> list[str]:
        with transaction.read(self.services, self.actor(role)) as tx:
            found = reports.records_behind(tx, self._live(), name, {}, group)
        return sorted(each.values["f_title"] for each in found.items)

    def _live(self) -> CompiledApp:
        assert self.app is not None
        return self.app


@pytest.fixture
def shop(services: Services) -> Shop:
    shop = Shop(services)
    shop.define()

    def begin(tx: Any) -> None:
        shop._live().metadata.create_all(tx.connection)
        for name in ("boss", "clerk"):
            shop.people[name] = organisation.add_member(tx, name, f"{name}@example.com")

    transaction.run(services, system("test"), begin)
    return shop


@pytest.fixture
def new_year() -> datetime:
    """Seven in the evening of New Year's Eve in UTC: it is next year in Shanghai already."""
    return datetime(2026, 12, 31, 19, 0, tzinfo=UTC)
