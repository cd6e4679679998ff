"""Random expressions of every type over the form of orders.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Choose = Callable[[list[Any]], Any]

LITERALS = {
    "number": ["0", "1", "2", "3", "7", "10", "0.1", "0.3", "2.5", "0.005", "100", "1.1", "33", "0.000001"],
    "text": ['"a"', '"A"', '""', '"abc"', '"制造业"', '"%"', '"_"', '"😀"', '"ß"', '" "', '"10"', '"null"', '"o\'b"'],
    "date": ["DATE(2026, 11, 18)", "DATE(2026, 1, 31)", "DATE(2024, 2, 29)", "today", "TODATE(ts)"],
    "yes_no": ["true", "false"],
}
FIELDS = {
    "number": ["n1", "n2", "n3", "record.n1", "customer.level", "customer.parent.level"],
    "text": ["t1", "t2", "owner.name", "helper.department.name", "customer.name"],
    "date": ["d1", "d2", "customer.since"],
    "yes_no": [
        "b1",
        "b2",
        "t1 == null",
        "n1 == null",
        "d1 != null",
        '"a" in tags',
        "t1 in tags",
        "ISBLANK(items)",
        "ISBLANK(tags)",
        't1 in ["a", "制造业", ""]',
        "n2 not in [1, 2.5, 0.1]",
        'd1 in ["2026-11-18"]',
        "b1 == b2",
        "b1 != true",
        "owner == user",
        'owner == "8"',
        'helper != "9"',
        'helper in ["7", "9"]',
        'helper not in ["8", null]',
        'customer == "21"',
        'customer in ["21", "23", "9223372036854775807"]',
        'customer.parent == "22"',
        'department != "2"',
        '"1" in user.departments',
        '"8" in watchers',
        'HASANY(watchers, "7", "9")',
        'HASALL(watchers, "7", "9")',
        'user in ["7"]',
        'id in ["1", "7", "50"]',
        'any(r.product == "21" for r in items)',
        'IF(b1, owner, "8") == helper',
        "owner != helper",
        "customer == null",
        "department in user.departments",
        "department == user.department",
        "user in watchers",
        "ts == now",
        "ts > d1",
        'ts < "2026-11-19"',
        'HASANY(tags, "a", "b")',
        "helper.manager == owner",
        "ANY(items.ok)",
        "any(r.product == customer for r in items)",
        "TODAY() == today",
    ],
}
ROW_FIELDS = {
    "number": ["r.amt", "r.qty", "r.product.level"],
    "text": ["r.role", "r.product.name"],
    "date": ["r.day"],
    "yes_no": ["r.ok", "r.role == null", "r.amt == null", "r.product == customer", 'r.product in ["22", "23"]'],
}
AGGREGATES = [
    "SUM(items.amt)",
    "SUM(items.qty)",
    "AVG(items.amt)",
    "MIN(items.qty)",
    "MAX(items.amt)",
    "COUNT(items)",
    "COUNT(items.role)",
    "SUM(items.amt * items.qty)",
    "COUNTIF(items.amt > 1)",
    "SUMIF(items.amt, items.ok)",
    "COUNT(tags)",
    "LEN(owner.email)",
]
SINCE = ["days_since(d1)", "days_between(d2, today)", "today - d2", "d1 - today", "days_between(today, d1)"]
UNITS = ['"days"', '"weeks"', '"months"', '"years"']
PATTERNS = ['"YYYY-MM-DD"', '"DD.MM.YYYY"', '"YYYY年MM月"']
ORDERS = ["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Grammar:
    """Makes one expression after the other, as `choose` decides."""

    choose: Choose

    def expression(self) -> str:
        type = self.choose(["yes_no", "yes_no", "yes_no", "number", "number", "text", "date"])
        return self.of(type, self.choose([1, 2, 3, 4]))

    def of(self, type: str, depth: int, in_row: bool = False) -> str:
        if depth <= 0 or self.choose([True, False, False]):
            return str(self.choose(self.leaves(type, in_row)))
        make = getattr(self, type)
        return str(make(lambda kind: self.of(kind, depth - 1, in_row), depth, in_row))

    def leaves(self, type: str, in_row: bool) -> list[str]:
        return FIELDS[type] + LITERALS[type] + (ROW_FIELDS[type] * 3 if in_row else [])

    def number(self, of: Callable[[str], str], depth: int, in_row: bool) -> str:
        choose = self.choose
        makers: list[Callable[[], str]] = [
            lambda: f"({of('number')} {choose(['+', '-', '*', '/', '%'])} {of('number')})",
            lambda: f"({of('number')} {choose(['+', '-', '*'])} {of('number')})",
            lambda: f"-({of('number')})",
            lambda: f"{choose(['ROUND', 'ROUNDUP', 'ROUNDDOWN'])}({of('number')}, {choose([0, 1, 2, 4])})",
            lambda: f"{choose(['ABS', 'FLOOR', 'CEILING', 'SIGN', 'SQRT'])}({of('number')})",
            lambda: f"IF({of('yes_no')}, {of('number')}, {of('number')})",
            lambda: f"IFNULL({of('number')}, {of('number')})",
            lambda: f"{choose(['MIN', 'MAX'])}({of('number')}, {of('number')}, {of('number')})",
            lambda: f"LEN({of('text')})",
            lambda: f"FIND({of('text')}, {of('text')})",
            lambda: f"VALUE({of('text')})",
            lambda: f"{choose(['YEAR', 'MONTH', 'DAY', 'WEEKDAY', 'WEEKNUM', 'QUARTER'])}({of('date')})",
            lambda: f"({of('date')} - {of('date')})",
            lambda: f"DATEDIF({of('date')}, {of('date')}, {choose(UNITS[:1] + UNITS[2:])})",
            lambda: f"MOD({of('number')}, {of('number')})",
            lambda: str(choose(SINCE + AGGREGATES + ["HOUR(ts)", "MINUTE(ts)", "POWER(n1, 2)"])),
            lambda: self.aggregate(depth, in_row),
        ]
        return choose(makers)()  # type: ignore[no-any-return]

    def aggregate(self, depth: int, in_row: bool) -> str:
        if in_row:
            return "COUNT(items)"
        function = self.choose(["SUM", "AVG", "MIN", "MAX"])
        condition = f" if {self.of('yes_no', depth - 2, True)}" if self.choose([True, False]) else ""
        return f"{function}({self.of('number', depth - 2, True)} for r in items{condition})"

    def text(self, of: Callable[[str], str], depth: int, in_row: bool) -> str:
        choose = self.choose
        makers: list[Callable[[], str]] = [
            lambda: f"({of('text')} {choose(['+', '&'])} {of('text')})",
            lambda: f"{choose(['UPPER', 'LOWER', 'TRIM'])}({of('text')})",
            lambda: f"{choose(['LEFT', 'RIGHT'])}({of('text')}, {of('number')})",
            lambda: f"MID({of('text')}, {of('number')}, {of('number')})",
            lambda: f"REPLACE({of('text')}, {of('text')}, {choose(LITERALS['text'])})",
            lambda: f"TEXT({of('number')}, {choose([0, 1, 2, 3])})",
            lambda: f"TEXT({of('date')}, {choose(PATTERNS)})",
            lambda: f"IF({of('yes_no')}, {of('text')}, {of('text')})",
            lambda: f"IFNULL({of('text')}, {of('text')})",
        ]
        return choose(makers)()  # type: ignore[no-any-return]

    def date(self, of: Callable[[str], str], depth: int, in_row: bool) -> str:
        choose = self.choose
        makers: list[Callable[[], str]] = [
            lambda: f"DATEADD({of('date')}, {of('number')}, {choose(UNITS)})",
            lambda: f"({of('date')} {choose(['+', '-'])} {of('number')})",
            lambda: f"DATE({of('number')}, {of('number')}, {of('number')})",
            lambda: f"IF({of('yes_no')}, {of('date')}, {of('date')})",
            lambda: f"IFNULL({of('date')}, {of('date')})",
            lambda: f"{choose(['MIN', 'MAX'])}({of('date')}, {of('date')})",
        ]
        return choose(makers)()  # type: ignore[no-any-return]

    def yes_no(self, of: Callable[[str], str], depth: int, in_row: bool) -> str:
        choose = self.choose
        makers: list[Callable[[], str]] = [
            lambda: f"({of('number')} {choose(ORDERS)} {of('number')})",
            lambda: f"({of('number')} {choose(ORDERS)} {choose(LITERALS['number'])})",
            lambda: f"({of('text')} {choose(ORDERS)} {of('text')})",
            lambda: f"({of('date')} {choose(ORDERS)} {of('date')})",
            lambda: f"({choose(SINCE)} {choose(ORDERS)} {choose(['0', '3', '7', '365', '1000', '2.5'])})",
            lambda: f"{choose(['CONTAINS', 'STARTSWITH', 'ENDSWITH'])}({of('text')}, {of('text')})",
            lambda: f"({of('yes_no')} {choose(['and', 'or'])} {of('yes_no')})",
            lambda: f"({of('yes_no')} {choose(['and', 'or'])} {of('yes_no')})",
            lambda: f"not ({of('yes_no')})",
            lambda: f"ISBLANK({of(choose(['number', 'text', 'date']))})",
            lambda: f"IF({of('yes_no')}, {of('yes_no')}, {of('yes_no')})",
            lambda: self.quantified(depth, in_row),
        ]
        return choose(makers)()  # type: ignore[no-any-return]

    def quantified(self, depth: int, in_row: bool) -> str:
        if in_row:
            return "r.ok"
        condition = f" if {self.of('yes_no', depth - 2, True)}" if self.choose([True, False]) else ""
        return f"{self.choose(['any', 'all'])}({self.of('yes_no', depth - 2, True)} for r in items{condition})"
