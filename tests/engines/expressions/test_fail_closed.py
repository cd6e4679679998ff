"""A scope that compares with a blank opens nothing, row by row and in SQL alike."""

import pytest

from metadata.expressions import Expression, check, fail_closed
from tests.engines.expressions.comparing import Databases, found_by, row_by_row
from tests.engines.expressions.orders import FUNCTIONS, SCOPE, Record


def closed(text: str) -> Expression:
    return fail_closed(check(text, SCOPE, FUNCTIONS))


def _apart(record: Record) -> bool:
    pair = (record["owner"], record["f_helper"])
    return None not in pair and pair[0] != pair[1]


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("helper == owner", lambda r: r["f_helper"] is not None and r["f_helper"] == r["owner"]),
        ("helper != owner", _apart),
        ("t1 == t2", lambda r: bool(r["f_t1"]) and r["f_t1"] == r["f_t2"]),
        ("department == helper.department.parent", lambda r: r["department"] == 2 and r["f_helper"] == 7),
        ("owner == manager_of(manager_of(user))", lambda _: False),
        ("owner != manager_of(manager_of(user))", lambda _: False),
        ("owner == user", lambda r: r["owner"] == 7),
        ("owner == null", lambda r: r["owner"] is None),
        (
            "owner != null and not (owner == helper)",
            _apart,
        ),
        ("b1 == b2", lambda r: bool(r["f_b1"]) == bool(r["f_b2"])),
        ("n1 > n2 or owner == user", None),
    ],
)
def test_only_the_word_null_finds_blanks(
    text: str, opens: object, both_databases: Databases, pool: list[Record]
) -> None:
    values = row_by_row(closed(text), pool)
    assert values is not None
    holding = {id for id, value in values.items() if value}

    if callable(opens):
        assert holding == {record["id"] for record in pool if opens(record)}
    for database, tables in both_databases.values():
        assert found_by(closed(text), database, tables) == holding
