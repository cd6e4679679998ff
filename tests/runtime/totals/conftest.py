"""A shop that counts what it sells: totals over rows, over links to several records, and totals of totals."""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from builder_api.publish import import_document
from engines.actor import system
from engines.compiled import CompiledApp
from runtime import jobs, records, storage, transaction
from runtime.db import tables
from runtime.services import Services
from runtime.totals import derived, late_totals
from runtime.transaction import Tx
from tests.runtime.conftest import MovedClock


def field(name: str, type: str = "text", id: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id or f"f_{name}", "name": name, "type": type, **more}


def form(name: str, *fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": f"t_{name}", "name": name, "fields": [dict(each) for each in fields], **more}


def total(name: str, of: str, link: str, **how: Any) -> dict[str, Any]:
    return field(name, "rollup", form=of, link=link, **how)


SOLD = {"form": "contract", "rows": "items", "link": "product"}
PRODUCT = form(
    "product",
    field("name"),
    field("sold", "rollup", **SOLD, sum="quantity"),
    field("lines", "rollup", **SOLD, count=True),
    field("signed", "rollup", **SOLD, sum="quantity", where="record.state == 'signed' and quantity > 1"),
    field("dearest", "rollup", **SOLD, max="amount"),
    field("promoted", "rollup", form="promotion", link="products", count=True),
    field("best", "rollup", form="promotion", link="products", max="percent"),
    field("worth", "formula", formula="sold * 2", decimals=0),
)
CONTRACT = form(
    "contract",
    field("state", "select", options=["open", "signed"], default="open"),
    field(
        "items",
        "subform",
        fields=[
            field("product", "link", id="f_iproduct", form="product", on_delete="set_null"),
            field("quantity", "number", decimals=0, default=1),
            field("price", "money", default=1),
            field("amount", "formula", formula="quantity * price", decimals=2),
        ],
    ),
)
PROMOTION = form(
    "promotion",
    field("percent", "number", decimals=0),
    field("products", "link", form="product", multiple=True, on_delete="set_null"),
)


def shop(*forms: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The definition of a shop of these forms, in which a keeper may do everything."""
    keeper = [
        {"role": "keeper", "form": each["name"], "may": ["create", "read", "update", "delete", "restore", "start_flow"]}
        for each in forms
    ]
    return {
        "format": 1,
        "app": "shop",
        "title": "Shop",
        "roles": [{"id": "r_keeper", "name": "keeper"}, {"id": "r_guest", "name": "guest"}],
        "forms": copy.deepcopy(list(forms)),
        **more,
        "access": [*keeper, *more.get("access", ())],
    }


@dataclass
class Shop:
    """The live app, and the platform that writes to it."""

    services: Services
    clock: MovedClock

    @property
    def app(self) -> CompiledApp:
        with transaction.read(self.services, system("test")) as tx:
            return tx.services.apps.live(tx, "shop")

    def publish(self, document: Mapping[str, Any]) -> None:
        import_document(self.services, document, accept_losses=True)

    def run(self, work: Callable[[Tx], Any]) -> Any:
        return transaction.run(self.services, system("test"), work)

    def save(self, form: str, id: int | None = None, **values: Any) -> int:
        """Save as the platform; what a link should lead to may be given as a number."""
        app = self.app

        def work(tx: Tx) -> int:
            return records.save(tx, app, form, id, _as_text(values), check_version=False).id

        return int(self.run(work))

    def delete(self, form: str, id: int) -> None:
        self.run(lambda tx: records.delete(tx, self.app, form, id, check_version=False))

    def restore(self, form: str, id: int) -> None:
        self.run(lambda tx: records.restore(tx, self.app, form, id))

    def record(self, form: str, id: int) -> Mapping[str, Any]:
        """The truth, by field names."""
        app = self.app
        with transaction.read(self.services, system("test")) as tx:
            found = storage.load(tx, app, app.form(form), [id])[id]
        return {each.name: found[each.id] for each in app.form(form).fields.values() if each.id in found} | {
            "version": found["version"]
        }

    def values(self, form: str, id: int, *names: str) -> tuple[Any, ...]:
        found = self.record(form, id)
        return tuple(found[name] for name in names)

    def rows(self, form: str, id: int, field: str) -> list[dict[str, Any]]:
        """The rows of a record by field names, ready to be sent again."""
        columns = self.app.form(form).field(field).subform.fields.values()
        kept = [each for each in columns if not each.is_derived]
        return [{"id": row["id"], **{each.name: row[each.id] for each in kept}} for row in self.record(form, id)[field]]

    def settle(self) -> None:
        """Do the jobs that are due a moment later."""
        jobs.run_due(self.services, self.clock() + timedelta(seconds=5))

    def marks(self) -> int:
        with self.services.database.read() as connection:
            return late_totals.waiting(connection, "shop")

    def jobs(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        with self.services.database.read() as connection:
            return dict(Counter(connection.scalars(sa.select(tables.job.c.state))))

    def wrong(self) -> list[str]:
        """Every stored total that a count from scratch does not confirm."""
        app, found = self.app, []
        with transaction.read(self.services, system("test")) as tx:
            for rollup in app.rollups:
                parent = app.forms[rollup.form]
                stored = {row.id: row for row in tx.connection.execute(parent.table.select())}
                for id, fresh in derived.recompute(tx, app, rollup, stored).items():
                    held = getattr(stored[id], parent.fields[rollup.field].column)
                    if held != fresh:
                        found.append(f"{parent.name} {id} {parent.fields[rollup.field].name}: {held}, not {fresh}")
        return found


def at_once(acts: Iterable[Callable[[], Any]]) -> list[Any]:
    """Do it all at the same moment."""
    ready = list(acts)
    barrier = Barrier(len(ready))

    def one(act: Callable[[], Any]) -> Any:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(ready)) as pool:
        return list(pool.map(one, ready))


def _as_text(value: Any, key: str = "") -> Any:
    """Ids as the API takes them."""
    if isinstance(value, dict):
        return {name: _as_text(each, name) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(each, key) for each in value]
    return str(value) if isinstance(value, int) and value > 2**40 else value


@pytest.fixture
def stage(services: Services, clock: MovedClock) -> Shop:
    return Shop(services, clock)


@pytest.fixture
def selling(stage: Shop) -> Shop:
    """The shop with products, contracts and promotions."""
    stage.publish(shop(PRODUCT, CONTRACT, PROMOTION))
    return stage
