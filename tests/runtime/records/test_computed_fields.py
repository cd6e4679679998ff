"""What is computed at reading (lookups, formulas over links, with today) counts for rules, flows and access alike."""

from typing import Any

from builder_api import publish, stories
from metadata.language import Language
from runtime import plugins
from runtime.services import Services

ALL = ["create", "read", "update", "delete", "restore", "start_flow"]
PLACE = "{{town_name}} {{age}} {% for r in lines %}{{r.t}}{% endfor %}"


def note(text: str) -> list[dict[str, Any]]:
    return [{"action": "create", "form": "note", "values": {"text": text}}]


def rule(name: str, trigger: str, then: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    keys = {key: more.pop(key) for key in ("if", "else") if key in more}
    form = more.pop("form", "room")
    return {"name": name, "when": {"trigger": trigger, "form": form, **more}, "then": then, **keys}


def told(text: str, count: int = 1) -> dict[str, Any]:
    return {"then": "records", "form": "note", "where": f"text == '{text}'", "count": count}


def text(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "text"} for name in names]


FORMS = [
    {"name": "town", "fields": text("name")},
    {
        "name": "house",
        "fields": [
            *text("name"),
            {"name": "town", "type": "link", "form": "town"},
            {"name": "town_name", "type": "lookup", "link": "town", "field": "name"},
            {"name": "rooms", "type": "rollup", "form": "room", "link": "house", "count": True},
        ],
    },
    {
        "name": "room",
        "fields": [
            *text("name", "seen", "late"),
            {"name": "due", "type": "date"},
            {"name": "house", "type": "link", "form": "house"},
            {"name": "town", "type": "lookup", "link": "house", "field": "town"},
            {"name": "town_name", "type": "formula", "formula": "town.name"},
            {"name": "age", "type": "formula", "formula": "days_since(due)", "decimals": 0},
            {
                "name": "lines",
                "type": "subform",
                "fields": [
                    {"name": "house", "type": "link", "form": "house"},
                    {"name": "t", "type": "lookup", "link": "house", "field": "town_name"},
                ],
            },
        ],
    },
    {"name": "note", "fields": text("text")},
]
RULES = [
    {
        "name": "became",
        "when": {"trigger": "becomes", "form": "room", "if": "town_name == 'Ulm'"},
        "then": note("became"),
    },
    rule("late", "updated", note("late {{old.town_name}} " + PLACE), fields=["name"]),
    rule(
        "early", "updated", [{"action": "set", "values": {"seen": "{{old.town_name}} {{town_name}}"}}], fields=["name"]
    ),
    rule("total", "rollup_changed", note("{{rooms}} in {{town_name}}"), form="house", field="rooms"),
    rule(
        "date",
        "date",
        [{"action": "set", "values": {"late": PLACE}}],
        field="due",
        offset="1 day",
        time="09:00",
        **{"if": "age == 1 and town_name == 'Ulm'"},
    ),
    rule("noon", "schedule", note("noon " + PLACE), cron="0 12 2 3 *", **{"if": "age == 0"}),
    rule(
        "found",
        "updated",
        [{"action": "refuse", "message": "Towns are given at once"}],
        **{"if": "old.town_name == '' and town_name != ''"},
    ),
    rule("gone", "deleted", note("gone {{town_name}}")),
    rule("stays", "deleted", [{"action": "refuse", "message": "Bonn stays"}], **{"if": "town_name == 'Bonn'"}),
]
FLOW = {"name": "look", "form": "room", "nodes": [{"type": "action", "do": note("flow " + PLACE)}]}


def test_what_is_computed_at_reading_is_known_wherever_a_record_is_judged() -> None:
    towns = ("Ulm", "Bonn", "Rome")
    inside = {"house": "=ulm", "due": "2026-03-02", "lines": [{"house": "=bonn"}]}
    outside = {"form": "room", "values": {"house": "=rome"}, "refused": "outside_scope"}
    steps: list[dict[str, Any]] = [
        *({"ann": "saves", "form": "town", "as": f"t_{each.lower()}", "values": {"name": each}} for each in towns),
        {"ann": "saves", "form": "house", "as": "ulm", "values": {"town": "=t_ulm"}},
        {"ann": "saves", "form": "house", "as": "bonn", "values": {"town": "=t_bonn"}},
        {"ann": "saves", "form": "house", "as": "rome", "values": {"town": "=t_rome"}},
        {"ann": "saves", **outside},
        {"ann": "saves", "form": "room", "as": "a", "values": inside},
        told("1 in Ulm"),
        {"ann": "saves", "record": "a", "values": {"name": "one"}},
        {"then": "record", "a": {"seen": "Ulm Ulm"}},
        told("late Ulm Ulm 0 Bonn"),
        told("became"),
        {"ann": "submits", "record": "a"},
        told("flow Ulm 0 Bonn"),
        {"wait": "1 day"},
        told("noon Ulm 0 Bonn"),
        {"then": "record", "a": {"late": "Ulm 1 Bonn"}},
        {"ann": "saves", "record": "a", "values": {"house": "=bonn", "name": "two"}},
        told("late Ulm Bonn 1 Bonn"),
        {"ann": "deletes", "record": "a", "refused": "refused_by_rule"},
        {"ann": "saves", "record": "a", "values": {"house": "=ulm"}},
        told("became", count=2),
        {"ann": "deletes", "record": "a"},
        told("gone Ulm"),
        {"ann": "restores", "record": "a"},
        {"then": "record", "a": {"town_name": "Ulm"}},
    ]  # fmt: skip
    access = [{"role": "r", "form": each["name"], "may": ALL} for each in FORMS]
    access[2]["where"] = "town_name in ['Ulm', 'Bonn']"
    document = {"app": "towns", "roles": ["r"], "forms": FORMS, "rules": RULES, "flows": [FLOW], "access": access}
    document["stories"] = [{"name": "computed", "people": {"ann": ["r"]}, "steps": steps}]

    def make_live(services: Services, _definition: Any) -> None:
        publish.import_document(services, document)

    (only,) = stories.tell(Language(plugins.load()).read(document), make_live)

    assert only.problem is None, only.problem
