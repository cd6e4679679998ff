"""Reads values out of the JSON of an after-image, in SQL and totally: what does not fit the type is blank, no error."""

from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from engines.columns import DIGITS, ExactNumber, UtcDateTime
from metadata.value_types import ValueType

Column = ColumnElement[Any]

_blob = sa.table("ff_blob", sa.column("hash", sa.Text), sa.column("text", sa.Text))


@dataclass(frozen=True)
class Elements:
    """A list in a document spread out: a FROM element, the value and its place in it, and which of its rows count."""

    source: FromClause
    value: Column
    position: Column
    counts: Column


class Documents(Protocol):
    """How one database reads after-images."""

    def value(self, doc: Column, name: str, type: ValueType) -> Column:
        """The value that the document keeps under a name, as a column of its type stores it."""

    def elements(self, doc: Column, name: str, type: ValueType) -> Elements:
        """The values of the list that the document keeps under a name, to be joined to the document."""

    def has(self, doc: Column, name: str) -> Column:
        """Whether the document says anything under a name; blanks are not written."""


def documents(dialect: str) -> Documents:
    """The way of a database."""
    return _SQLite() if dialect == "sqlite" else _PostgreSQL()


def decimals_of(type: ValueType) -> int:
    """The decimals that a number has where nothing is said."""
    return 4 if type.decimals is None else type.decimals


def _long_text(hash: Column) -> Column:
    """A long text, which is kept once under its hash."""
    return sa.select(_blob.c.text).where(_blob.c.hash == hash).scalar_subquery()


class _SQLite:
    """JSON is text; numbers are stored scaled, moments as text in UTC."""

    def value(self, doc: Column, name: str, type: ValueType) -> Column:
        path = f'$."{name}"'
        return self._typed(sa.func.json_type(doc, path), sa.func.json_extract(doc, path), type)

    def elements(self, doc: Column, name: str, type: ValueType) -> Elements:
        path = f'$."{name}"'
        each = sa.func.json_each(doc, path).table_valued("key", "value", "type", name=None)
        value = self._typed(each.c.type, each.c.value, type)
        is_list = sa.func.json_type(doc, path) == "array"
        return Elements(each, value, sa.cast(each.c.key, sa.Integer), sa.and_(is_list, value.is_not(None)))

    def has(self, doc: Column, name: str) -> Column:
        return sa.func.json_type(doc, f'$."{name}"').is_not(None)

    def _typed(self, kind: Column, raw: Column, type: ValueType) -> Column:
        text = sa.case((kind == "text", raw))
        match type.name:
            case "text":
                hash = sa.func.json_extract(raw, "$.text")
                return sa.cast(sa.case((kind == "text", raw), (kind == "object", _long_text(hash))), sa.Text())
            case "number":
                decimals = decimals_of(type)
                return sa.type_coerce(sa.func.ff_exact(text, decimals), ExactNumber(decimals))
            case "yes_no":
                return sa.case((kind == "true", sa.true()), else_=sa.false())
            case "date":
                return sa.type_coerce(sa.case((_is_day(text), text)), sa.Date())
            case "datetime":
                return sa.type_coerce(self._moment(text), UtcDateTime())
        is_id = sa.and_(kind == "integer", sa.func.typeof(raw) == "integer", raw >= 0)
        return sa.case((is_id, sa.cast(raw, sa.BigInteger)))

    def _moment(self, text: Column) -> Column:
        second = sa.func.replace(sa.func.substr(text, 1, 19), "T", " ", type_=sa.Text())
        tail = sa.func.substr(text, 20, type_=sa.Text())
        parts = "." + "[0-9]" * 6
        unmoved = sa.func.datetime(second, "+0 days") == second
        fine = sa.and_(unmoved, _is_day(sa.func.substr(second, 1, 10, type_=sa.Text())))
        return sa.case(
            (sa.and_(fine, tail == "Z"), second.concat(".000000")),
            (sa.and_(fine, tail.op("GLOB")(f"{parts}Z")), second.concat(sa.func.substr(tail, 1, 7))),
        )


def _is_day(text: Column) -> Column:
    """Whether a text is a day of the calendar; only what is moved is checked against its month."""
    return sa.and_(sa.func.date(text, "+0 days") == text, text > "0001")


_DAYS = "|".join(
    [
        r"\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])",
        r"\d{4}-(0[469]|11)-(0[1-9]|[12]\d|30)",
        r"\d{4}-02-(0[1-9]|1\d|2[0-8])",
        r"(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29",
    ]
)
DAY = rf"(?!0000)({_DAYS})"
MOMENT = rf"{DAY}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{6}})?Z"


class _PostgreSQL:
    """JSONB; every cast stands behind a test of the written value that lets through only what the cast takes."""

    def value(self, doc: Column, name: str, type: ValueType) -> Column:
        key = sa.literal(name, sa.Text())
        return self._typed(doc.op("->", return_type=JSONB())(key), doc.op("->>", return_type=sa.Text())(key), type)

    def elements(self, doc: Column, name: str, type: ValueType) -> Elements:
        json = doc.op("->", return_type=JSONB())(sa.literal(name, sa.Text()))
        listed = sa.case((sa.func.jsonb_typeof(json) == "array", json), else_=sa.cast("[]", JSONB()))
        column = sa.column("value", JSONB())
        each = sa.func.jsonb_array_elements(listed).table_valued(column, with_ordinality="position").render_derived()
        text = each.c.value.op("#>>", return_type=sa.Text())(sa.cast(sa.literal("{}", sa.Text()), ARRAY(sa.Text())))
        value = self._typed(each.c.value, text, type)
        return Elements(each, value, each.c.position, value.is_not(None))

    def has(self, doc: Column, name: str) -> Column:
        return sa.func.jsonb_exists(doc, sa.literal(name, sa.Text()), type_=sa.Boolean())

    def _typed(self, json: Column, text: Column, type: ValueType) -> Column:
        match type.name:
            case "text":
                kind = sa.func.jsonb_typeof(json, type_=sa.Text())
                hash = json.op("->>", return_type=sa.Text())(sa.literal("text", sa.Text()))
                return sa.case((kind == "string", text), (kind == "object", _long_text(hash)))
            case "yes_no":
                return sa.func.coalesce(sa.cast(json, sa.Text()) == "true", sa.false())
            case "number":
                return self._if(json, f'"{_number(decimals_of(type))}"', sa.cast(text, ExactNumber(decimals_of(type))))
            case "date":
                return self._if(json, f'"{DAY}"', sa.cast(text, sa.Date()))
            case "datetime":
                return self._if(json, f'"{MOMENT}"', sa.cast(text, UtcDateTime()))
        return sa.case((_is_id(json, text), sa.cast(text, sa.BigInteger())))

    def _if(self, json: Column, shape: str, value: Column) -> Column:
        return sa.case((sa.cast(json, sa.Text()).regexp_match(f"^({shape})$"), value))


def _is_id(json: Column, text: Column) -> Column:
    """Whether a whole number stands there that is no larger than ids are; asked of every pair of records that a join
    compares, and so without a regular expression, which takes three times as long."""
    digits = sa.func.length(text, type_=sa.Integer())
    fits = sa.or_(digits < 19, sa.and_(digits == 19, sa.func.left(text, 1, type_=sa.Text()) != "9"))
    is_number = sa.func.jsonb_typeof(json, type_=sa.Text()) == "number"
    return sa.and_(is_number, fits, text.not_like("%.%"), text.not_like("-%"))


def _number(decimals: int) -> str:
    """A number that a field of so many decimals holds exactly."""
    places = rf"(\.\d{{1,{decimals}}}0*)?" if decimals else r"(\.0+)?"
    return rf"-?\d{{1,{DIGITS - decimals}}}{places}"
