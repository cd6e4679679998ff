"""The filter builder: rows of field, comparison and value, turned into ONE expression of the expression language."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from starlette.datastructures import QueryParams

from engines.compiled import CompiledField
from engines.json_values import id_in
from runtime.web.pages.field_views import Choice, FieldView
from runtime.web.pages.fields import Drawing

MOST_ROWS = 20
KEY = re.compile(r"^[a-z0-9]{1,12}$")

# What each comparison is called; the value it needs: none, one typed value, or several options.
Says = dict[str, str]
FILLED: dict[str, Says] = {
    "blank": {"en": "is empty", "zh": "为空"},
    "filled": {"en": "is not empty", "zh": "不为空"},
}
OPERATORS: dict[str, dict[str, Says]] = {
    "text": {
        "contains": {"en": "contains", "zh": "包含"},
        "excludes": {"en": "does not contain", "zh": "不包含"},
        "is": {"en": "is", "zh": "等于"},
        **FILLED,
    },
    "choice": {"any": {"en": "is any of", "zh": "属于"}, "none": {"en": "is none of", "zh": "不属于"}, **FILLED},
    "choices": {"has": {"en": "has any of", "zh": "包含任一"}, **FILLED},
    "words": {"has": {"en": "has", "zh": "包含"}, **FILLED},
    "number": {
        "at_least": {"en": "≥", "zh": "≥"},
        "at_most": {"en": "≤", "zh": "≤"},
        "is": {"en": "=", "zh": "="},
        **FILLED,
    },
    "date": {
        "since": {"en": "is on or after", "zh": "不早于"},
        "until": {"en": "is on or before", "zh": "不晚于"},
        "is": {"en": "is on", "zh": "等于"},
        "today": {"en": "is today", "zh": "是今天"},
        "this_month": {"en": "is this month", "zh": "在本月"},
        "past": {"en": "is in the past", "zh": "早于今天"},
        **FILLED,
    },
    "person": {"me": {"en": "is me", "zh": "是我"}, "is": {"en": "is", "zh": "是"}, **FILLED},
    "department": {
        "mine": {"en": "is mine or below", "zh": "是我的部门及下级"},
        "is": {"en": "is", "zh": "是"},
        **FILLED,
    },
    "link": {"contains": {"en": "contains", "zh": "包含"}, **FILLED},
    "yes_no": {"yes": {"en": "is yes", "zh": "为是"}, "no": {"en": "is no", "zh": "为否"}},
    "many": FILLED,
}
WITHOUT_VALUE = {"blank", "filled", "me", "mine", "today", "this_month", "past", "yes", "no"}
MONTH_START = "DATE(YEAR(today), MONTH(today), 1)"

SENTENCES: dict[str, str] = {
    "blank": "ISBLANK({field})",
    "filled": "not ISBLANK({field})",
    "contains": "CONTAINS(LOWER({field}), LOWER({value}))",
    "excludes": "not CONTAINS(LOWER({field}), LOWER({value}))",
    "is": "{field} == {value}",
    "at_least": "{field} >= {value}",
    "at_most": "{field} <= {value}",
    "since": "{field} >= {value}",
    "until": "{field} <= {value}",
    "today": "{field} == today",
    "past": "{field} < today",
    "this_month": f"({{field}} >= {MONTH_START} and {{field}} < DATEADD({MONTH_START}, 1, 'months'))",
    "any": "{field} in [{values}]",
    "none": "{field} not in [{values}]",
    "has": "HASANY({field}, {values})",
    "me": "{field} == user",
    "mine": "{field} in user.departments",
    "yes": "{field}",
    "no": "not {field}",
}


@dataclass(frozen=True)
class Condition:
    """One row of the builder as it stands in the address."""

    key: str
    field: str
    operator: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConditionView:
    """One row as it is drawn: the comparisons that go with its field, and the input of its value."""

    key: str
    field: str
    operator: str
    operators: Sequence[Choice]
    input: FieldView | None


def read_conditions(query: QueryParams) -> list[Condition]:
    """The rows of the builder, in the order of the address: f.<key>.field, f.<key>.op, f.<key>.value (several)."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, value in query.multi_items():
        mark, _, rest = name.partition(".")
        key, _, part = rest.partition(".")
        if mark == "f" and KEY.match(key) and part in ("field", "op", "value"):
            found.setdefault(key, {}).setdefault(part, []).append(value[:500])
    return [
        Condition(key, parts["field"][-1], (parts.get("op") or [""])[-1], tuple(v for v in parts.get("value", ()) if v))
        for key, parts in list(found.items())[:MOST_ROWS]
        if "field" in parts
    ]


def sort_of(field: CompiledField) -> str:
    """Which comparisons go with a field."""
    name, has_options = field.type.name, bool(getattr(field.options, "options", None))
    if name == "list":
        words = field.type.of is not None and field.type.of.name == "text"
        return ("choices" if has_options else "words") if words and field.kind.name != "attachment" else "many"
    if name == "text":
        return "choice" if has_options else "text"
    plain = {"datetime": "date", "member": "person", "rows": "many"}
    return plain.get(name, name)


def operators_of(field: CompiledField, language: str) -> list[Choice]:
    return [Choice(name, said.get(language, said["en"])) for name, said in OPERATORS[sort_of(field)].items()]


def expression(
    conditions: Sequence[Condition],
    match: str,
    fields: Mapping[str, CompiledField],
    paths: Callable[[CompiledField], str],
    people: "People",
) -> str:
    """The one expression of all rows; rows that are not finished yet say nothing."""
    said = [text for each in conditions if (text := sentence(each, fields, paths, people))]
    return (" or " if match == "any" else " and ").join(said)


@dataclass(frozen=True)
class People:
    """How a chosen member or department is named in an expression: by what is unique about it."""

    emails: Mapping[str, str]
    departments: Mapping[str, str]


def sentence(
    condition: Condition, fields: Mapping[str, CompiledField], paths: Callable[[CompiledField], str], people: People
) -> str:
    """One row as an expression; empty while its value is missing or makes no sense."""
    field = fields.get(condition.field)
    if field is None:
        return ""
    kind = sort_of(field)
    operator = condition.operator if condition.operator in OPERATORS[kind] else next(iter(OPERATORS[kind]))
    name = paths(field) if kind == "link" and operator == "contains" else condition.field
    if operator in WITHOUT_VALUE:
        return SENTENCES[operator].format(field=name)
    values = [text for each in condition.values if (text := literal(each, field, kind, people))]
    if not values:
        return ""
    name = {"person": f"{name}.email", "department": f"{name}.name"}.get(kind, name)
    return SENTENCES[operator].format(field=name, value=values[0], values=", ".join(values))


def literal(text: str, field: CompiledField, kind: str, people: People) -> str:
    """A typed value as a literal of the language; empty when it is none."""
    if kind == "number":
        return _number(text, field)
    if kind == "person":
        return _quoted(people.emails.get(text, ""))
    if kind == "department":
        return _quoted(people.departments.get(text, ""))
    if kind == "date":
        day = text.strip()[:10].replace("/", "-")
        return _quoted(day) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) else ""
    return _quoted(text)


def row_view(condition: Condition, drawing: Drawing, field: CompiledField, search: str) -> ConditionView:
    """A row as it is drawn."""
    kind, choices = sort_of(field), operators_of(field, drawing.language)
    operator = condition.operator if condition.operator in OPERATORS[kind] else choices[0].value
    shown = None if operator in WITHOUT_VALUE else _input(condition, drawing, field, kind, search)
    return ConditionView(condition.key, condition.field, operator, choices, shown)


INPUTS = {
    "choice": "multi_select",
    "choices": "multi_select",
    "number": "number",
    "date": "date",
    "person": "member",
    "department": "department",
}


def _input(condition: Condition, drawing: Drawing, field: CompiledField, kind: str, search: str) -> FieldView:
    first = condition.values[0] if condition.values else ""
    view = FieldView(
        field=field.id,
        name=field.name,
        label=drawing.word("Value"),
        widget=INPUTS.get(kind, "text"),
        kind=field.type.name,
        id=f"filter-{condition.key}-value",
        post=f"f.{condition.key}.value",
        text=first,
        value=list(condition.values),
        in_row=True,
        options=drawing.choices(field),
        search=search,
    )
    if kind in ("person", "department"):
        references = drawing.references(field.type, id) if (id := id_in(first)) else []
        return replace(view, value=references[0] if references else None)
    return view


def _number(text: str, field: CompiledField) -> str:
    try:
        value = Decimal(re.sub(r"[,,\s%¥$]", "", text))
    except InvalidOperation:
        return ""
    if not value.is_finite() or abs(value) >= 10**15:
        return ""
    return f"{value / 100 if field.kind.name == 'percent' else value:f}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""
