"""The filter builder: rows of field, comparison and value, turned into ONE expression of the expression language."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from starlette.datastructures import QueryParams

from engines.compiled import CompiledField
from engines.json_values import id_in
from runtime.web.pages.fields.posted import DATE, typed_number

MOST_ROWS = 20
KEY = re.compile(r"^[a-z0-9]{1,12}$")
ME, MINE = "me", "mine"

# What each comparison is called; the value it needs: none, one typed value, two, or several to choose.
Says = dict[str, str]
FILLED: dict[str, Says] = {
    "blank": {"en": "is empty", "zh": "为空"},
    "filled": {"en": "is not empty", "zh": "不为空"},
}
AMONG: dict[str, Says] = {"any": {"en": "is any of", "zh": "属于"}, "none": {"en": "is none of", "zh": "不属于"}}
HOLDS: dict[str, Says] = {
    "has": {"en": "has any of", "zh": "包含任一"},
    "has_all": {"en": "has all of", "zh": "包含全部"},
    "lacks": {"en": "has none of", "zh": "均不包含"},
}
BETWEEN: dict[str, Says] = {"between": {"en": "is between", "zh": "介于"}}
OPERATORS: dict[str, dict[str, Says]] = {
    "text": {
        "contains": {"en": "contains", "zh": "包含"},
        "excludes": {"en": "does not contain", "zh": "不包含"},
        "is": {"en": "is", "zh": "等于"},
        **FILLED,
    },
    "choice": {**AMONG, **FILLED},
    "choices": {**HOLDS, **FILLED},
    "words": {"has": {"en": "has", "zh": "包含"}, "lacks": {"en": "has not", "zh": "不包含"}, **FILLED},
    "number": {
        "at_least": {"en": "≥", "zh": "≥"},
        "at_most": {"en": "≤", "zh": "≤"},
        "is": {"en": "=", "zh": "="},
        **BETWEEN,
        **FILLED,
    },
    "date": {
        "since": {"en": "is on or after", "zh": "不早于"},
        "until": {"en": "is on or before", "zh": "不晚于"},
        "is": {"en": "is on", "zh": "等于"},
        **BETWEEN,
        "today": {"en": "is today", "zh": "是今天"},
        "this_week": {"en": "is this week", "zh": "在本周"},
        "this_month": {"en": "is this month", "zh": "在本月"},
        "last_month": {"en": "is last month", "zh": "在上月"},
        "last_7": {"en": "is in the last 7 days", "zh": "在最近 7 天"},
        "last_30": {"en": "is in the last 30 days", "zh": "在最近 30 天"},
        "next_7": {"en": "is in the next 7 days", "zh": "在未来 7 天"},
        "past": {"en": "is overdue (before today)", "zh": "已逾期（早于今天）"},
        **FILLED,
    },
    "person": {**AMONG, **FILLED},
    "department": {**AMONG, **FILLED},
    "link": {**AMONG, "contains": {"en": "contains", "zh": "包含"}, **FILLED},
    "several": {**HOLDS, **FILLED},
    "yes_no": {"yes": {"en": "is yes", "zh": "为是"}, "no": {"en": "is no", "zh": "为否"}},
    "many": FILLED,
}
PLACES = {"person", "department", "link", "several"}  # whose values are ids
MONTH, WEEK = "DATE(YEAR(today), MONTH(today), 1)", "today - WEEKDAY(today)"

WITHOUT_VALUE: dict[str, str] = {
    "blank": "ISBLANK({field})",
    "filled": "not ISBLANK({field})",
    "today": "{field} == today",
    "this_week": f"({{field}} > {WEEK} and {{field}} <= {WEEK} + 7)",
    "this_month": f"({{field}} >= {MONTH} and {{field}} < DATEADD({MONTH}, 1, 'months'))",
    "last_month": f"({{field}} >= DATEADD({MONTH}, -1, 'months') and {{field}} < {MONTH})",
    "last_7": "({field} > today - 7 and {field} <= today)",
    "last_30": "({field} > today - 30 and {field} <= today)",
    "next_7": "({field} >= today and {field} < today + 7)",
    "past": "{field} < today",
    "yes": "{field}",
    "no": "not {field}",
}
WITH_VALUE: dict[str, str] = {
    "contains": "CONTAINS(LOWER({field}), LOWER({value}))",
    "excludes": "not CONTAINS(LOWER({field}), LOWER({value}))",
    "is": "{field} == {value}",
    "at_least": "{field} >= {value}",
    "at_most": "{field} <= {value}",
    "since": "{field} >= {value}",
    "until": "{field} <= {value}",
    "any": "{field} in [{values}]",
    "none": "{field} not in [{values}]",
    "has": "HASANY({field}, {values})",
    "has_all": "HASALL({field}, {values})",
    "lacks": "not HASANY({field}, {values})",
}
OWN = {  # what stands for oneself among the values of a field
    ("person", ME): ("{field} == user", "{field} != user"),
    ("department", MINE): ("{field} in user.departments", "{field} not in user.departments"),
}
FORMER = {"me": ("any", (ME,)), "mine": ("any", (MINE,))}  # comparisons in addresses that people may have kept


@dataclass(frozen=True)
class Condition:
    """One row of the builder. `to` is the far end of a range."""

    key: str
    field: str
    operator: str = ""
    values: tuple[str, ...] = ()
    to: str = ""


def read_conditions(query: QueryParams) -> list[Condition]:
    """The rows in the order of the address: f.<key>.field, f.<key>.op, f.<key>.value (several), f.<key>.to."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, value in query.multi_items():
        mark, _, rest = name.partition(".")
        key, _, part = rest.partition(".")
        if mark == "f" and KEY.match(key) and part in ("field", "op", "value", "to"):
            found.setdefault(key, {}).setdefault(part, []).append(value[:500])
    return [_condition(key, parts) for key, parts in list(found.items())[:MOST_ROWS] if "field" in parts]


def _condition(key: str, parts: Mapping[str, Sequence[str]]) -> Condition:
    operator, values = (parts.get("op") or [""])[-1], tuple(each for each in parts.get("value", ()) if each)
    if operator in FORMER:
        operator, values = FORMER[operator]
    return Condition(key, parts["field"][-1], operator, values, (parts.get("to") or [""])[-1])


def sort_of(field: CompiledField) -> str:
    """Which comparisons go with a field."""
    name, has_options = field.type.name, bool(getattr(field.options, "options", None))
    if name == "list":
        of = field.type.of
        if of is not None and of.is_reference:
            return "several"
        words = of is not None and of.name == "text"
        return ("choices" if has_options else "words") if words and not field.kind.holds_files else "many"
    if name == "text":
        return "choice" if has_options else "text"
    plain = {"datetime": "date", "member": "person", "rows": "many"}
    return plain.get(name, name)


def operator_of(condition: Condition, field: CompiledField) -> str:
    """The comparison of a row, or the first of those that go with its field."""
    known = OPERATORS[sort_of(field)]
    return condition.operator if condition.operator in known else next(iter(known))


@dataclass(frozen=True)
class Builder:
    """The fields that rows may name; the text by which the records of a link are called, whose numbers are shares."""

    fields: Mapping[str, CompiledField]
    called: Callable[[CompiledField], str]
    is_percent: Callable[[CompiledField], bool]

    def expression(self, conditions: Sequence[Condition], match: str) -> str:
        """The one expression of all rows; rows that are not finished yet say nothing."""
        said = [text for each in conditions if (text := self.sentence(each))]
        return (" or " if match == "any" else " and ").join(said)

    def sentence(self, condition: Condition) -> str:
        """One row as an expression; empty while its value is missing or makes no sense."""
        field = self.fields.get(condition.field)
        if field is None:
            return ""
        name, sort, operator = condition.field, sort_of(field), operator_of(condition, field)
        if operator in WITHOUT_VALUE:
            return WITHOUT_VALUE[operator].format(field=name)
        if operator == "between":
            return self._between(name, field, condition)
        if operator in AMONG and sort in PLACES:
            return _among(name, sort, operator, condition.values)
        name = self.called(field) if sort == "link" else name
        values = self.literals(field, operator, condition.values)
        return WITH_VALUE[operator].format(field=name, value=values[0], values=", ".join(values)) if values else ""

    def literals(self, field: CompiledField, operator: str, values: Sequence[str]) -> list[str]:
        """What was typed or chosen, as literals of the language, without what is none."""
        sort = "text" if operator == "contains" else sort_of(field)
        found = (self._literal(each, field, sort) for each in values)
        return [each for each in found if each]

    def _literal(self, text: str, field: CompiledField, sort: str) -> str:
        if sort == "number":
            value = typed_number(text, self.is_percent(field))
            return f"{value:f}" if isinstance(value, Decimal) and abs(value) < 10**15 else ""
        if sort == "date":
            day = DATE.match(text.strip())
            return _quoted(f"{day[1]}-{day[2]:0>2}-{day[3]:0>2}") if day else ""
        if sort in PLACES:
            of_people = field.type.of is not None and field.type.of.name == "member"
            return "user" if of_people and text == ME else _quoted(text) if id_in(text) else ""
        return _quoted(text)

    def _between(self, name: str, field: CompiledField, condition: Condition) -> str:
        """From one end to the other; as long as one is missing, from or up to the one that is there."""
        first = self.literals(field, "between", condition.values[:1])
        last = self.literals(field, "between", (condition.to,))
        ends = [f"{name} >= {each}" for each in first] + [f"{name} <= {each}" for each in last]
        return f"({' and '.join(ends)})" if len(ends) > 1 else "".join(ends)


def _among(name: str, sort: str, operator: str, values: Sequence[str]) -> str:
    """Somebody, some department or some record, and oneself among them."""
    negated = operator == "none"
    said = [OWN[sort, each][negated and len(values) == 1].format(field=name) for each in values if (sort, each) in OWN]
    ids = [_quoted(each) for each in values if id_in(each)]
    if not said and ids:
        return f"{name} {'not ' if negated else ''}in [{', '.join(ids)}]"
    said += [f"{name} in [{', '.join(ids)}]"] if ids else []
    if len(said) < 2:
        return "".join(said)
    return f"{'not ' if negated else ''}({' or '.join(said)})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else ""
