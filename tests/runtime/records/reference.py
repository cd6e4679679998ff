"""The reference: who sees and may do what, in plain Python over rows in memory. It is the specification of S4."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
World = Mapping[str, Mapping[int, Row]]  # by form name and id; values by field name
SYSTEM = ("id", "version", "owner", "department", "created_at", "created_by", "updated_at", "updated_by")


@dataclass(frozen=True)
class Person:
    member: int
    department: int
    departments: frozenset[int]
    homes: Mapping[int, int]  # everybody's department


Scope = Callable[[Row, Person, World], bool]


def customer_of(row: Row, world: World) -> Row:
    return world["customer"].get(row["customer"], {}) if row["customer"] is not None else {}


COMMON: dict[str | None, Scope] = {
    None: lambda row, me, world: True,
    "owner == user": lambda row, me, world: row["owner"] == me.member,
    "department in user.departments": lambda row, me, world: row["department"] in me.departments,
    "owner.department == user.department": lambda row, me, world: me.homes.get(row["owner"]) == me.department,
}
CUSTOMER: dict[str | None, Scope] = COMMON | {
    "level == 'A'": lambda row, me, world: row["level"] == "A",
    "level != 'A'": lambda row, me, world: row["level"] not in (None, "A"),  # a blank opens nothing
    "credit > 5": lambda row, me, world: row["credit"] is not None and row["credit"] > 5,
    "not (credit > 5)": lambda row, me, world: not (row["credit"] is not None and row["credit"] > 5),
    "owner == user or level == 'B'": lambda row, me, world: row["owner"] == me.member or row["level"] == "B",
    "'vip' in tags": lambda row, me, world: "vip" in row["tags"],
}
DEAL: dict[str | None, Scope] = COMMON | {
    "customer == null": lambda row, me, world: row["customer"] is None,
    "customer.level == 'A'": lambda row, me, world: customer_of(row, world).get("level") == "A",
    "customer.owner == user": lambda row, me, world: customer_of(row, world).get("owner") == me.member,
    "state == 'open' and total > 3": lambda row, me, world: row["state"] == "open" and (row["total"] or 0) > 3,
    "any(i.price > 3 for i in items)": lambda row, me, world: any((i["price"] or 0) > 3 for i in row["items"]),
}
SCOPES: Mapping[str, Mapping[str | None, Scope]] = {"customer": CUSTOMER, "deal": DEAL}

SOURCES = {"total": {"items"}, "gain": {"total", "margin"}, "double_sold": {"sold"}}
TOTALS = {"sold": {"total", "customer"}, "largest": {"total", "customer", "state"}, "average": {"total", "customer"}}
LOOKUPS = {"customer_level": "level", "customer_secret": "secret"}


@dataclass(frozen=True)
class Reference:
    """The access entries that one person's roles give him."""

    entries: tuple[Mapping[str, Any], ...]
    me: Person
    world: World
    fields: Mapping[str, tuple[str, ...]]

    def matching(self, verb: str, form: str, row: Row) -> list[Mapping[str, Any]]:
        held = [each for each in self.entries if each["form"] == form and verb in each["may"]]
        return [each for each in held if SCOPES[form][each.get("where")](row, self.me, self.world)]

    def exists(self, form: str, field: str) -> bool:
        """Whether a field exists for him at all: he might see it in some row."""
        held = [each for each in self.entries if each["form"] == form and "read" in each["may"]]
        return (
            self._given(held, field)
            and self._sees_whole(field)
            and all(self.exists(form, s) for s in SOURCES.get(field, ()))
        )

    def shows(self, form: str, field: str, row: Row) -> bool:
        """Whether a field shows in a row: given by an entry that matches it, and so is all that it is made of."""
        given = self._given(self.matching("read", form, row), field) and self._sees_whole(field)
        return given and all(self.shows(form, source, row) for source in SOURCES.get(field, ()))

    def seen(self, form: str, id: int) -> dict[str, Any] | None:
        """A row as he sees it, by field name; None where he does not."""
        row = self.world[form][id]
        if not self.matching("read", form, row):
            return None
        names = [name for name in self.fields[form] if self.exists(form, name)]
        return {name: row[name] for name in SYSTEM} | {name: self._value(form, name, row) for name in names}

    def may(self, verb: str, form: str, id: int, field: str | None = None) -> str:
        """What becomes of an act on a row: ok, 403, 404 or 422."""
        row = self.world[form].get(id)
        if row is None or not self.matching("read", form, row):
            return "404"
        allowed = self.matching(verb, form, row)
        if not allowed:
            return "403"
        named = any(field in (each.get("fields") or ()) for each in allowed)
        if field is None:
            return "ok"
        if not (self.shows(form, field, row) or named):
            return "422"
        return "ok" if self._given(allowed, field) else "403"

    def _value(self, form: str, name: str, row: Row) -> Any:
        if not self.shows(form, name, row):
            return None
        if name in LOOKUPS:
            linked = row["customer"] if self.shows(form, "customer", row) else None
            target = self.world["customer"].get(linked)
            shown = target is not None and self.shows("customer", LOOKUPS[name], target)
            return target[LOOKUPS[name]] if shown else None
        return row[name]

    def _given(self, entries: list[Mapping[str, Any]], field: str) -> bool:
        return any(each.get("fields") is None or field in each["fields"] for each in entries)

    def _sees_whole(self, field: str) -> bool:
        """A total shows to those who may read all records it is made of, in every field it reads."""
        if field not in TOTALS:
            return True
        held = [e for e in self.entries if e["form"] == "deal" and "read" in e["may"] and e.get("where") is None]
        return all(
            self._given(held, source) for source in TOTALS[field] | {"items" if "total" in TOTALS[field] else ""} - {""}
        )
