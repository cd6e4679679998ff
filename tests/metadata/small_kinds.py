"""A handful of kinds, so that the language is tested without any engine."""

from typing import Annotated, Any, Literal

from pydantic import Field

from metadata import registry
from metadata.conditions import Condition
from metadata.flows import Branch, TaskOptions
from metadata.forms import AnyField
from metadata.kinds import Kinds
from metadata.language import Language
from metadata.names import (
    FieldName,
    FieldOfForm,
    FieldThroughLink,
    FieldThroughRows,
    FormName,
    RoleName,
    RowExpression,
    RowsAtHand,
)
from metadata.normalise import Short, Words
from metadata.nouns import TemplateText, ValueOf
from metadata.registry import Kind, Registry
from metadata.rules import AnyAction


class Choice(registry.Options):
    value: str
    title: Words | None = None


def kind(kind_name: str, options: type[registry.Options] = registry.Options) -> type[Kind]:
    return type(kind_name.title(), (Kind,), {"name": kind_name, "title": kind_name, "icon": "x", "Options": options})


class TextOptions(registry.Options):
    max_length: int = Field(default=500, ge=1)


class SelectOptions(registry.Options):
    options: Annotated[tuple[Annotated[Choice, Short("value")], ...], Field(min_length=1)]
    stage: bool = False


class LinkOptions(registry.Options):
    form: FormName


class LookupOptions(registry.Options):
    link: FieldName
    field: FieldThroughLink


class RollupOptions(registry.Options):
    form: FormName
    link: FieldOfForm
    sum: FieldOfForm | None = None
    where: RowExpression | None = None


class SubformOptions(registry.Options):
    fields: Annotated[tuple[AnyField, ...], Field(min_length=1)]


class ApprovalOptions(TaskOptions):
    role: RoleName


class BranchesOptions(registry.Options):
    branches: tuple[Branch, ...]


class DoOptions(registry.Options):
    do: tuple[AnyAction, ...]


class OfFormOptions(registry.Options):
    form: FormName


class BecomesOptions(registry.Options):
    form: FormName
    if_: Condition


class DateOptions(registry.Options):
    form: FormName
    rows: RowsAtHand | None = None
    field: FieldThroughRows
    offset: str = "0 day"


class SetOptions(registry.Options):
    values: dict[FieldName, ValueOf]


class CreateOptions(registry.Options):
    form: FormName
    values: dict[FieldOfForm, ValueOf] = {}


class NotifyOptions(registry.Options):
    to: ValueOf
    text: TemplateText


class BarOptions(registry.Options):
    stacked: bool = False
    look: Literal["plain", "rich"] = "plain"


def small_kinds() -> Kinds:
    def registry_of(noun: str, *kinds: type[Kind]) -> Registry[Any]:
        filled = Registry(noun, Kind)
        for each in kinds:
            filled.register(each())
        return filled

    return Kinds(
        fields=registry_of(
            "field type",
            kind("text", TextOptions),
            kind("number"),
            kind("date"),
            kind("member"),
            kind("select", SelectOptions),
            kind("link", LinkOptions),
            kind("lookup", LookupOptions),
            kind("rollup", RollupOptions),
            kind("subform", SubformOptions),
        ),
        nodes=registry_of(
            "node type",
            kind("approval", ApprovalOptions),
            kind("condition", BranchesOptions),
            kind("action", DoOptions),
        ),
        triggers=registry_of(
            "trigger", kind("created", OfFormOptions), kind("becomes", BecomesOptions), kind("date", DateOptions)
        ),
        actions=registry_of(
            "action", kind("set", SetOptions), kind("create", CreateOptions), kind("notify", NotifyOptions)
        ),
        charts=registry_of("chart type", kind("bar", BarOptions), kind("table")),
        connectors=registry_of("connector"),
        functions=registry_of("function"),
    ).freeze()


def small_language() -> Language:
    return Language(small_kinds())


def small_app(**parts: Any) -> dict[str, Any]:
    """A small sales app, with some of its parts replaced."""
    return {
        "app": "sales",
        "roles": ["seller", "boss"],
        "forms": [
            {"name": "customer", "fields": [{"name": "title", "type": "text"}, {"name": "level", "type": "text"}]},
            {
                "name": "deal",
                "label": "{{title}}",
                "fields": [
                    {"name": "title", "type": "text", "required": True},
                    {"name": "amount", "type": "number"},
                    {"name": "customer", "type": "link", "form": "customer"},
                    {"name": "level", "type": "lookup", "link": "customer", "field": "level"},
                    {"name": "state", "type": "select", "options": ["open", {"value": "won"}]},
                    {
                        "name": "items",
                        "type": "subform",
                        "fields": [{"name": "product", "type": "text"}, {"name": "price", "type": "number"}],
                    },
                ],
                "columns": ["title", "customer.level"],
                "sort": ["-amount"],
            },
        ],
        "flows": [
            {
                "name": "approve_deal",
                "form": "deal",
                "nodes": [
                    {"type": "approval", "name": "boss", "role": "boss", "fields": {"amount": "write", "*": "read"}},
                    {
                        "type": "condition",
                        "branches": [
                            {
                                "if": "amount > 5",
                                "nodes": [{"type": "approval", "role": "boss", "related": ["customer"]}],
                            },
                            {"else": True, "nodes": []},
                        ],
                    },
                    {"type": "action", "do": [{"action": "set", "values": {"state": "won"}}]},
                ],
            }
        ],
        "rules": [
            {
                "name": "big_deal",
                "when": {"trigger": "becomes", "form": "deal", "if": "amount > 100"},
                "if": {"all": ["state == 'open'", {"any": ["amount > 5", "title != ''"]}]},
                "then": [
                    {"action": "set", "values": {"title": "{{title}}!", "amount": "=amount * 2"}},
                    {"action": "create", "form": "customer", "values": {"title": "=title"}},
                ],
                "else": [{"action": "notify", "to": "=owner", "text": {"en": "{{title}}", "zh": "{{title}}"}}],
            }
        ],
        "reports": [
            {
                "name": "by_state",
                "form": "deal",
                "dimensions": ["state", {"field": "customer.level"}],
                "measures": [{"name": "total", "sum": "amount"}],
                "chart": {"type": "bar", "stacked": True},
            },
            {
                "name": "items_sold",
                "form": "deal",
                "rows": "items",
                "dimensions": ["product", "record.state"],
                "measures": [{"name": "total", "sum": "price"}],
            },
        ],
        "dashboards": [{"name": "overview", "cards": ["by_state"]}],
        "access": [{"role": "seller", "form": "deal", "may": ["read"], "where": "owner == user", "fields": ["title"]}],
        "stories": [
            {
                "name": "a deal is won",
                "people": {"ann": ["seller"]},
                "today": "2026-03-02",
                "steps": [
                    {"ann": "saves", "form": "deal", "values": {"title": "x"}, "as": "deal"},
                    {"wait": "3 days"},
                    {"then": "record", "deal": {"state": "open"}},
                ],
            }
        ],
        **parts,
    }
