"""A form with a bit of everything, a hundred nasty records of it, and its tables on a database."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engines.actor import Actor
from engines.columns import column_type
from engines.expressions import Environment, Moment, moment_of, standard_functions
from engines.facts import Facts
from engines.organisation import Department, Organisation, Person
from metadata.expressions import FieldReference, Names, Scope
from metadata.value_types import (
    DATE,
    DATETIME,
    DEPARTMENT,
    MEMBER,
    TEXT,
    YES_NO,
    ValueType,
    link,
    list_of,
    number,
    rows,
)

FUNCTIONS = standard_functions()
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)  # the 19th in Shanghai
SYSTEM = {"id": link("t_order"), "owner": MEMBER, "department": DEPARTMENT}


def _fields(**types: ValueType) -> dict[str, FieldReference]:
    return {name: FieldReference(name if name in SYSTEM else f"f_{name}", name, type) for name, type in types.items()}


ORDER = _fields(
    n1=number(2), n2=number(4), n3=number(0), t1=TEXT, t2=TEXT, d1=DATE, d2=DATE, ts=DATETIME, b1=YES_NO, b2=YES_NO,
    helper=MEMBER, customer=link("t_customer"), tags=list_of(TEXT), watchers=list_of(MEMBER), items=rows("f_items"),
    **SYSTEM,
)  # fmt: skip
ITEM = _fields(amt=number(2), qty=number(4), role=TEXT, day=DATE, ok=YES_NO, product=link("t_customer"))
CUSTOMER = _fields(
    name=TEXT, level=number(2), since=DATE, owner=MEMBER, parent=link("t_customer"), lines=rows("f_lines")
)
LINE = _fields(size=number(0))
NAMES = Names(
    {"t_order": ORDER, "f_items": ITEM, "t_customer": CUSTOMER, "f_lines": LINE},
    {"t_order": "Order", "f_items": "Items", "t_customer": "Customer", "f_lines": "Lines"},
)
SCOPE = Scope(NAMES, "t_order")
OLD_SCOPE = SCOPE.with_old()
ASKING = SCOPE.with_ids()
ROW_SCOPE = Scope(NAMES, "f_items", record_form="t_order")

NUMBERS = [None, D(0), D("0.1"), D("0.3"), D("-0.01"), D("2.5"), D("-2.5"), D(1), D(-1), D(7), D(100), D("9999999.99")]
FINE = [*NUMBERS, D("0.0005"), D("-0.00005").quantize(D("0.0001")), D("33.3333"), D("99999999.9999")]
WHOLES = [None, D(0), D(1), D(-1), D(3), D(10), D(999999999999)]
TEXTS = [
    None, "a", "A", "abc", "ABC", "制造业", "%", "_", "a%b", "😀", "😀a", "ß", "ﬁ", "İ", " ", " a ", "10", "-3.50",
    "1e5", "null", "o'b",
    "z" * 300, "\u3000x\u00a0", "é", "e\u0301", "\\", "true",
]  # fmt: skip
DATES = [
    None, date(2026, 11, 18), date(2026, 11, 19), date(2026, 1, 31), date(2024, 2, 29), date(1999, 12, 31),
    date(1, 1, 1), date(9999, 12, 31), date(2026, 3, 1), date(2000, 5, 20),
]  # fmt: skip
MOMENTS = [None, NOW, datetime(2026, 11, 18, 15, 59, 59, tzinfo=UTC), datetime(2026, 11, 18, 16, 0, tzinfo=UTC),
           datetime(2024, 2, 29, 23, 0, 0, 123456, tzinfo=UTC), datetime(1987, 6, 1, 12, 0, tzinfo=UTC)]  # fmt: skip
PEOPLE = {
    7: Person(7, "Ann", "ann@x.org", department=1, manager=8, roles={"shop": frozenset({"r_seller"})}),
    8: Person(8, "Bo", "bo@x.org", department=2),
    9: Person(9, "Ann", ""),
}
DEPARTMENTS = {1: Department(1, "Sales", parent=2, head=8), 2: Department(2, "All")}
ORGANISATION = Organisation(PEOPLE, DEPARTMENTS)
ACTOR = Actor("user", 7, "Ann", "ann@x.org", department=1, departments=frozenset({1}), manager=8,
              roles={"shop": frozenset({"r_seller"})})  # fmt: skip

Record = dict[str, Any]


def customers() -> dict[int, Record]:
    return {
        21: {"id": 21, "f_name": "Acme", "f_level": D("2.50"), "f_since": date(2020, 1, 1), "owner": 7, "f_parent": 22},
        22: {"id": 22, "f_name": None, "f_level": None, "f_since": None, "owner": None, "f_parent": None},
        23: {"id": 23, "f_name": "制造", "f_level": D(80), "f_since": date(2024, 2, 29), "owner": 9, "f_parent": 21},
    }


def records(count: int = 100, seed: int = 5) -> list[Record]:
    """The same nasty records every time."""
    dice = random.Random(seed)
    return [_record(dice, number) for number in range(1, count + 1)]


def _record(dice: random.Random, number: int) -> Record:
    some = dice.choice
    items = [
        {
            "id": number * 100 + place, "f_amt": some(NUMBERS), "f_qty": some(FINE), "f_role": some(TEXTS[:8]),
            "f_day": some(DATES), "f_ok": some([None, True, False]), "f_product": some([None, 21, 22, 23]),
        }
        for place in range(dice.choice([0, 0, 1, 2, 5]))
    ]  # fmt: skip
    return {
        "id": number, "owner": some([None, 7, 8, 9]), "department": some([None, 1, 2]),
        "f_n1": some(NUMBERS), "f_n2": some(FINE), "f_n3": some(WHOLES), "f_t1": some(TEXTS), "f_t2": some(TEXTS),
        "f_d1": some(DATES), "f_d2": some(DATES), "f_ts": some(MOMENTS),
        "f_b1": some([None, True, False]), "f_b2": some([None, True, False]),
        "f_helper": some([None, 7, 8, 9]), "f_customer": some([None, 21, 22, 23]),
        "f_tags": tuple(dice.sample(["a", "b", "制造业", "urgent"], dice.choice([0, 1, 2]))),
        "f_watchers": tuple(dice.sample([7, 8, 9], dice.choice([0, 1, 2]))),
        "f_items": items,
    }  # fmt: skip


def facts() -> Facts:
    return Facts(
        now=NOW, zone=ZONE, actor=ACTOR, organisation=ORGANISATION, app="shop", role_names={"r_seller": "seller"},
        records={("t_customer", id): values for id, values in customers().items()},
    )  # fmt: skip


def environment(record: Record, **more: Any) -> Environment:
    return Environment(record, facts(), **more)


def moment() -> Moment:
    return moment_of(facts())


class Tables:
    """The tables of the form, filled, with the readable relation over them."""

    def __init__(self, connection: sa.Connection, records: list[Record]) -> None:
        self.metadata = sa.MetaData()
        self.orders = self._table("x_order", ORDER, "id", "owner", "department")
        self.items = self._table("x_items", ITEM, parent=True)
        self.customers = self._table("x_customer", CUSTOMER, "owner")
        self.lines = self._table("x_lines", LINE, parent=True)
        self.sides = {name: self._side(name, type) for name, type in (("f_tags", TEXT), ("f_watchers", MEMBER))}
        self.people = self._directory("x_member", email=TEXT, department=DEPARTMENT, manager=MEMBER)
        self.departments = self._directory("x_department", head=MEMBER, parent=DEPARTMENT)
        self.metadata.create_all(connection)
        self._fill(connection, records)

    def relation(self) -> "TableReadable":
        return TableReadable(self, self.orders, ORDER)

    def _table(self, name: str, fields: dict[str, FieldReference], *system: str, parent: bool = False) -> sa.Table:
        columns = [sa.Column("id", sa.BigInteger, primary_key=True)]
        columns += [sa.Column("record", sa.BigInteger)] if parent else []
        columns += [
            sa.Column(field.id, column_type(field.type))
            for field in fields.values()
            if field.type.name not in ("list", "rows") and field.id != "id"
        ]
        return sa.Table(name, self.metadata, *columns)

    def _side(self, name: str, type: ValueType) -> sa.Table:
        return sa.Table(
            f"x_{name}", self.metadata, sa.Column("record", sa.BigInteger), sa.Column("value", column_type(type))
        )

    def _directory(self, name: str, **fields: ValueType) -> sa.Table:
        columns = [sa.Column(field, column_type(type)) for field, type in {"name": TEXT, **fields}.items()]
        return sa.Table(name, self.metadata, sa.Column("id", sa.BigInteger, primary_key=True), *columns)

    def _fill(self, connection: sa.Connection, records: list[Record]) -> None:
        connection.execute(self.orders.insert(), [_own(record) for record in records])
        items = [{**item, "record": record["id"]} for record in records for item in record["f_items"]]
        connection.execute(self.items.insert(), items)
        connection.execute(self.customers.insert(), list(customers().values()))
        for name, side in self.sides.items():
            pairs = [{"record": record["id"], "value": value} for record in records for value in record[name]]
            if pairs:
                connection.execute(side.insert(), pairs)
        people = [
            {"id": p.id, "name": p.name, "email": p.email or None, "department": p.department, "manager": p.manager}
            for p in PEOPLE.values()
        ]
        connection.execute(self.people.insert(), people)
        departments = [{"id": d.id, "name": d.name, "head": d.head, "parent": d.parent} for d in DEPARTMENTS.values()]
        connection.execute(self.departments.insert(), departments)


def _own(record: Record) -> Record:
    return {key: value for key, value in record.items() if key not in ("f_tags", "f_watchers", "f_items")}


class TableReadable:
    """Reads the tables without masks; links are followed by scalar sub-selects."""

    def __init__(self, tables: Tables, table: sa.FromClause, fields: dict[str, FieldReference] | None) -> None:
        self.tables, self.table, self.fields = tables, table, fields

    @property
    def from_clause(self) -> sa.FromClause:
        return self.table

    def column(self, field: str) -> sa.ColumnElement[Any]:
        return self.table.c[field]

    def follow(self, field: str) -> "Followed":
        return Followed(self.tables, self.column(field), self._type(field))

    def rows(self, field: str) -> tuple["TableReadable", sa.ColumnElement[bool]]:
        items = self.tables.items.alias()
        return TableReadable(self.tables, items, ITEM), items.c.record == self.table.c.id

    def values(self, field: str) -> tuple[sa.FromClause, sa.ColumnElement[Any], sa.ColumnElement[bool]]:
        side = self.tables.sides[field].alias()
        return side, side.c.value, side.c.record == self.table.c.id

    def unmasked(self, field: str) -> None:
        return None

    def _type(self, field: str) -> ValueType:
        return next(each.type for each in (self.fields or {}).values() if each.id == field)


class Followed:
    """What a link leads to, one value at a time."""

    def __init__(self, tables: Tables, link: sa.ColumnElement[Any], type: ValueType) -> None:
        self.tables, self.link = tables, link
        targets = {"member": tables.people, "department": tables.departments}
        self.type, self.target = type, targets.get(type.name, tables.customers)

    @property
    def from_clause(self) -> sa.FromClause:
        raise AssertionError("nobody selects from a followed link here")

    def column(self, field: str) -> sa.ColumnElement[Any]:
        target = self.target.alias()
        return sa.select(target.c[field]).where(target.c.id == self.link).correlate_except(target).scalar_subquery()

    def follow(self, field: str) -> "Followed":
        types = {"department": DEPARTMENT, "parent": DEPARTMENT, "manager": MEMBER, "head": MEMBER, "owner": MEMBER}
        return Followed(self.tables, self.column(field), types.get(field, link("t_customer")))

    def rows(self, field: str) -> Any:
        raise KeyError(field)

    values = rows

    def unmasked(self, field: str) -> None:
        return None
