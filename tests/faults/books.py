"""A small app in which every kind of promise can be broken, the people who use it, and what it says about itself.

An entry adds to three totals of its account, gets a number, makes a letter in its own save and an echo in a job, and
may be approved; so a lost or doubled effect of any kind shows in a count.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder_api.publish import import_document
from engines.actor import Actor, system
from runtime import organisation, transaction
from runtime.identity import api_keys, passwords
from runtime.services import Services
from runtime.transaction import Tx
from tests.faults.server import Client

PASSWORD = "correct horse battery staple"
CLERKS = ("ann", "bob", "cat")
APP = "books"
RECORDS = f"/api/v1/apps/{APP}/forms"


def _total(name: str, **how: Any) -> dict[str, Any]:
    return {"id": f"f_{name}", "name": name, "type": "rollup", "form": "entry", "link": "account", **how}


def _made_from(form: str) -> dict[str, Any]:
    link = {"id": f"f_{form}_of", "name": "entry", "type": "link", "form": "entry"}
    return {"id": f"t_{form}", "name": form, "fields": [link]}


CREATED = {"trigger": "created", "form": "entry"}
CLOSED = {"trigger": "changed", "form": "entry", "field": "state", "to": "closed"}

DEFINITION: Mapping[str, Any] = {
    "format": 1,
    "app": APP,
    "title": "Books",
    "roles": [{"id": "r_clerk", "name": "clerk"}, {"id": "r_checker", "name": "checker"}],
    "forms": [
        {
            "id": "t_account",
            "name": "account",
            "label": "{{name}}",
            "fields": [
                {"id": "f_name", "name": "name", "type": "text"},
                _total("entries", count=True),
                _total("sum", sum="total"),
                _total("largest", max="total"),
                _total("later", sum="total", eventual=True),
                {"id": "f_double", "name": "double", "type": "formula", "formula": "sum * 2", "decimals": 2},
            ],
        },
        {
            "id": "t_entry",
            "name": "entry",
            "label": "{{title}}",
            "fields": [
                {"id": "f_number", "name": "number", "type": "auto_number", "pattern": "E{00000}"},
                {"id": "f_title", "name": "title", "type": "text", "required": True},
                {"id": "f_note", "name": "note", "type": "text"},
                {"id": "f_code", "name": "code", "type": "text"},
                {"id": "f_account", "name": "account", "type": "link", "form": "account"},
                {"id": "f_amount", "name": "amount", "type": "money"},
                {
                    "id": "f_state",
                    "name": "state",
                    "type": "select",
                    "stage": True,
                    "default": "open",
                    "options": ["open", "asked", "closed"],
                },
                {
                    "id": "f_items",
                    "name": "items",
                    "type": "subform",
                    "fields": [
                        {"id": "f_what", "name": "what", "type": "text"},
                        {"id": "f_price", "name": "price", "type": "money"},
                    ],
                },
                {"id": "f_tags", "name": "tags", "type": "tags"},
                {
                    "id": "f_total",
                    "name": "total",
                    "type": "formula",
                    "formula": "amount + sum(items.price)",
                    "decimals": 2,
                },
            ],
        },
        _made_from("letter"),
        _made_from("echo"),
    ],
    "flows": [
        {
            "id": "w_check",
            "name": "check",
            "form": "entry",
            "if": "state == 'open'",
            "on_start": [{"action": "set", "values": {"state": "asked"}}],
            "nodes": [{"type": "approval", "id": "n_look", "name": "look", "approvers": {"role": "checker"}}],
            "on_approved": [{"action": "set", "values": {"state": "closed"}}],
        }
    ],
    "rules": [
        {
            "id": "u_letter",
            "name": "letter",
            "when": CREATED,
            "then": [{"action": "create", "form": "letter", "values": {"entry": "=id"}}],
        },
        {
            "id": "u_echo",
            "name": "echo",
            "async": True,
            "when": CREATED,
            "then": [
                {"action": "create", "form": "echo", "values": {"entry": "=id"}},
                {"action": "notify", "to": "=owner", "text": "Entered {{title}}"},
            ],
        },
        {
            "id": "u_closed",
            "name": "closed",
            "when": CLOSED,
            "then": [
                {"action": "notify", "to": "=owner", "text": "Closed {{title}}"},
                {"action": "mail", "to": "=owner", "subject": "Closed {{title}}", "text": "It is done."},
            ],
        },
    ],
    "access": [
        {"role": role, "form": form, "may": ["create", "read", "update", "start_flow"]}
        for role in ("clerk", "checker")
        for form in ("account", "entry", "letter", "echo")
    ],
}


EXTRA = {"id": "f_extra", "name": "extra", "type": "text"}


@dataclass(frozen=True)
class Books:
    """The app in a database: an API key for each of its people, and this process's own look at what is stored."""

    services: Services
    keys: Mapping[str, str]
    accounts: tuple[int, ...] = ()
    people: Mapping[str, int] = field(default_factory=dict)


def definition() -> dict[str, Any]:
    """The definition, to be changed at will."""
    return copy.deepcopy(dict(DEFINITION))


def entry_fields(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of the entry, to be changed in place."""
    fields: list[dict[str, Any]] = document["forms"][1]["fields"]
    return fields


def with_extra() -> dict[str, Any]:
    document = definition()
    entry_fields(document).append(EXTRA)
    return document


def with_numbers() -> dict[str, Any]:
    document = definition()
    next(each for each in entry_fields(document) if each["name"] == "code")["type"] = "number"
    return document


def publish(client: Client, document: dict[str, Any]) -> int:
    """Publish as the keeper does; gives the number of the manifest."""
    place = f"/api/v1/builder/apps/{APP}"
    draft = client.get(f"{place}/draft").body["version"]
    kept = client.send("PUT", f"{place}/draft", {"document": document, "version": draft})
    assert kept.status == 200, kept
    done = client.post(f"{place}/publish", {"version": kept.body["version"], "accept_losses": True})
    assert done.status == 200, done
    return int(done.body["number"])


def open_books(services: Services) -> Books:
    """Publish the app, and hire who uses it: some clerks, a checker and a keeper who publishes."""
    from runtime import records

    import_document(services, definition())
    people, keys = transaction.run(services, system("test"), _hire), {}
    for name, member in people.items():
        actor = Actor("user", member, name)
        keys[name] = transaction.run(services, actor, lambda tx: api_keys.create_key(tx, "test", None))["key"]

    def add(tx: Tx) -> tuple[int, ...]:
        app = services.apps.live(tx, APP)
        return tuple(records.save(tx, app, "account", None, {"name": name}).id for name in ("cash", "bank"))

    return Books(services, keys, transaction.run(services, system("test"), add), people)


def _hire(tx: Tx) -> dict[str, int]:
    kept, people = passwords.hash_password(PASSWORD), {}
    for name in (*CLERKS, "eve", "kim"):
        rights = frozenset({"app_admin"}) if name == "kim" else frozenset()
        people[name] = organisation.add_member(tx, name, f"{name}@example.com", password_hash=kept, rights=rights)
        if name != "kim":
            organisation.grant_role(tx, APP, "r_checker" if name == "eve" else "r_clerk", people[name])
    return people
