"""A small sales app to try rules on: what each test adds are the rules; ids are readable."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engines import compile_app
from engines.compiled import CompiledApp
from engines.events import RecordChanged
from engines.facts import Facts
from engines.organisation import Department, Organisation, Person
from metadata.language import Language
from runtime import plugins

ANN, BO, CHEF, GONE = 1, 2, 3, 4
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # nine in the morning in Shanghai

FORMS: list[dict[str, Any]] = [
    {
        "id": "t_customer",
        "name": "customer",
        "fields": [
            {"id": "f_cname", "name": "name", "type": "text"},
            {"id": "f_level", "name": "level", "type": "select", "options": ["A", "B"]},
            {"id": "f_contact", "name": "contact", "type": "email"},
        ],
    },
    {
        "id": "t_deal",
        "name": "deal",
        "fields": [
            {"id": "f_name", "name": "name", "type": "text"},
            {"id": "f_customer", "name": "customer", "type": "link", "form": "customer"},
            {"id": "f_amount", "name": "amount", "type": "money"},
            {"id": "f_score", "name": "score", "type": "number"},
            {
                "id": "f_stage",
                "name": "stage",
                "type": "select",
                "stage": True,
                "options": ["new", "offer", "won", "lost"],
                "default": "new",
            },
            {"id": "f_due", "name": "due", "type": "date"},
            {"id": "f_call", "name": "call", "type": "datetime"},
            {"id": "f_note", "name": "note", "type": "text"},
            {"id": "f_visits", "name": "visits", "type": "rollup", "form": "visit", "link": "deal", "count": True},
            {"id": "f_reached_at", "name": "reached_at", "type": "lookup", "link": "customer", "field": "contact"},
            {
                "id": "f_plan",
                "name": "plan",
                "type": "subform",
                "fields": [
                    {"id": "f_day", "name": "day", "type": "date"},
                    {"id": "f_sum", "name": "sum", "type": "money"},
                ],
            },
        ],
    },
    {
        "id": "t_visit",
        "name": "visit",
        "fields": [
            {"id": "f_deal", "name": "deal", "type": "link", "form": "deal"},
            {"id": "f_what", "name": "what", "type": "text"},
            {"id": "f_on", "name": "on", "type": "date"},
        ],
    },
]


def document(*rules: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The definition of the sales app with these rules; rules without a name get one."""
    named = [{"id": f"u_{index}", "name": f"rule_{index}", **rule} for index, rule in enumerate(rules)]
    return {
        "format": 1,
        "app": "sales",
        "version": "1",
        "title": "Sales",
        "time_zone": "Asia/Shanghai",
        "currency": "CNY",
        "roles": [{"id": "r_seller", "name": "seller"}, {"id": "r_boss", "name": "boss"}],
        "forms": FORMS,
        "rules": named,
        "access": [{"role": "seller", "form": form["name"], "may": ["create", "read", "update"]} for form in FORMS],
        **more,
    }


def sales(*rules: Mapping[str, Any], **more: Any) -> CompiledApp:
    """The sales app with these rules, compiled."""
    kinds = plugins.load()
    return compile_app(Language(kinds).read(document(*rules, **more)), kinds)


def facts(**more: Any) -> Facts:
    """Friday morning in an office where Chef is everybody's manager, and Ann and Bo sell."""
    seller, boss = {"sales": frozenset({"r_seller"})}, {"sales": frozenset({"r_boss"})}
    people = {
        ANN: Person(ANN, "Ann", "ann@example.com", manager=CHEF, department=1, roles=seller),
        BO: Person(BO, "Bo", "bo@example.com", "zh", manager=CHEF, department=1, roles=seller),
        CHEF: Person(CHEF, "Chef", "chef@example.com", department=1, roles=boss),
        GONE: Person(GONE, "Gone", "gone@example.com", active=False, roles=seller),
    }
    organisation = Organisation(people, {1: Department(1, "Sales", head=CHEF)})
    names = {"r_seller": "seller", "r_boss": "boss"}
    given = {"now": NOW, "zone": ZoneInfo("Asia/Shanghai"), "organisation": organisation, "app": "sales"}
    return Facts(**{**given, "role_names": names, **more})


def deal(**values: Any) -> dict[str, Any]:
    """A deal of Ann's, as it stands in the database."""
    blank = dict.fromkeys(("f_name", "f_customer", "f_amount", "f_score", "f_stage", "f_due", "f_call", "f_note"))
    system = {"id": 7, "version": 1, "owner": ANN, "department": 1, "created_by": ANN, "updated_by": ANN}
    moments = {"created_at": NOW, "updated_at": NOW}
    return {**system, **moments, **blank, "f_name": "Big one", "f_stage": "new", "f_plan": (), **values}


def created(record: Mapping[str, Any]) -> RecordChanged:
    filled = frozenset(name for name, value in record.items() if name.startswith("f_") and value is not None)
    return RecordChanged("t_deal", record["id"], "create", None, record, filled)


def updated(before: Mapping[str, Any], **values: Any) -> RecordChanged:
    changed = frozenset(name for name, value in values.items() if before.get(name) != value)
    return RecordChanged("t_deal", before["id"], "update", before, {**before, **values}, changed)


def deleted(record: Mapping[str, Any]) -> RecordChanged:
    return RecordChanged("t_deal", record["id"], "delete", record, None)


def money(amount: int | str) -> Decimal:
    return Decimal(amount)


def day(text: str) -> date:
    return date.fromisoformat(text)
