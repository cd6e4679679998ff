"""An installation in which small apps are published and filled with records."""

import copy
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from builder_api import acts, editor, index_offers, pages, routes
from builder_api.packages import import_app
from builder_api.publish import Published
from engines.actor import Actor, system
from runtime import organisation, records
from runtime.db.engine import Database
from runtime.identity import passwords
from runtime.server import create_app
from runtime.services import Services
from runtime.settings import Settings
from runtime.transaction import run
from runtime.web.api import session

PASSWORD = "correct horse battery staple"
HASH = passwords.hash_password(PASSWORD)
BUILDER = Actor(kind="user", member=7, name="Bea", rights=frozenset({"app_admin"}))
SHOP: dict[str, Any] = {
    "app": "shop",
    "roles": ["clerk"],
    "forms": [
        {"name": "customer", "label": "{{title}}", "fields": [{"name": "title", "type": "text"}]},
        {
            "name": "order",
            "fields": [
                {"name": "title", "type": "text", "required": True},
                {"name": "amount", "type": "number", "decimals": 2},
                {"name": "code", "type": "text"},
                {"name": "customer", "type": "link", "form": "customer"},
                {"name": "state", "type": "select", "options": ["open", "paid"], "default": "open"},
                {
                    "name": "items",
                    "type": "subform",
                    "fields": [{"name": "price", "type": "number"}, {"name": "count", "type": "number"}],
                },
                {"name": "double", "type": "formula", "formula": "amount * 2"},
                {"name": "total", "type": "formula", "formula": "sum(i.price * i.count for i in items)"},
            ],
            "columns": ["title", "amount"],
        },
    ],
    "rules": [
        {
            "name": "paid_order",
            "when": {"trigger": "becomes", "form": "order", "if": "state == 'paid'"},
            "if": {"all": ["amount > 0", "customer.title != ''"]},
            "then": [{"action": "set", "values": {"code": "={'x'}", "title": "{{title}} ({{amount}})"}}],
        }
    ],
    "reports": [
        {
            "name": "by_customer",
            "form": "order",
            "where": "amount > 0",
            "dimensions": ["customer.title"],
            "measures": [{"name": "sum_of_amounts", "sum": "amount"}],
        }
    ],
    "access": [
        {"role": "clerk", "form": "order", "may": ["create", "read", "update"], "where": "amount < 1000"},
        {"role": "clerk", "form": "customer", "may": ["read"]},
    ],
}
SHOP["rules"][0]["then"][0]["values"]["code"] = "=title"

Install = Callable[..., Published]
Save = Callable[..., int]


@pytest.fixture
def services(database: Database, database_url: str, now: datetime, tmp_path: Path) -> Services:
    settings = Settings(_env_file=None, data_dir=tmp_path, database_url=database_url)
    return Services(settings, database, lambda: now)


@pytest.fixture
def install(services: Services) -> Install:
    """Publish a definition as a file would be."""

    def publish(document: dict[str, Any], accept_losses: bool = False) -> Published:
        return import_app(services, BUILDER, document, accept_losses=accept_losses)

    return publish


@pytest.fixture
def save(services: Services) -> Save:
    """Save a record of the shop, as the platform."""

    def keep(form: str, values: dict[str, Any], id: int | None = None) -> int:
        def work(tx: Any) -> int:
            app = services.apps.live(tx, "shop")
            return int(records.save(tx, app, form, id, values, check_version=False).id)

        return run(services, system("test"), work)

    return keep


@pytest.fixture
def load(services: Services) -> Callable[[str, int], dict[str, Any]]:
    """A record of the shop by field names, as it is."""

    def look(form: str, id: int) -> dict[str, Any]:
        def work(tx: Any) -> dict[str, Any]:
            app = services.apps.live(tx, "shop")
            record = records.load(tx, app, form, id)
            assert record is not None
            return {field.name: record.get(field.id) for field in app.form(form).fields.values()}

        return run(services, system("test"), work)

    return look


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    """Bea, who may build apps, at a browser."""
    hire(services, "bea", frozenset({"app_admin"}))
    app = create_app(services.settings, services, modules=(routes, acts, editor, index_offers, pages, session))
    with TestClient(app, base_url="http://127.0.0.1:8000") as opened:
        sign_in(opened, "bea")
        yield opened


def shop(**parts: Any) -> dict[str, Any]:
    """The shop, with some of its parts replaced."""
    return copy.deepcopy({**SHOP, **parts})


def order_fields(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of the order form."""
    fields: list[dict[str, Any]] = document["forms"][1]["fields"]
    return fields


def field_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    """One field of the order form."""
    return next(field for field in order_fields(document) if field["name"] == name)


def hire(services: Services, name: str, rights: frozenset[str], language: str = "en") -> None:
    """Have a member who can sign in."""

    def work(tx: Any) -> None:
        email = f"{name}@example.com"
        organisation.add_member(tx, name, email, password_hash=HASH, rights=rights, language=language)

    run(services, system("test"), work)


def sign_in(client: TestClient, name: str) -> None:
    client.cookies.clear()
    answer = client.post("/api/v1/session", json={"email": f"{name}@example.com", "password": PASSWORD})
    assert answer.status_code == 201, answer.text
