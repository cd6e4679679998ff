"""Run expressions in the browser target, through node."""

import json
import shutil
import subprocess
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from engines.expressions import to_browser
from metadata.expressions import Expression
from metadata.value_types import ValueType
from tests.engines.expressions.orders import DEPARTMENTS, PEOPLE, Record, customers, moment

RUNNER = Path(__file__).with_name("formula_runner.mjs")
NODE = shutil.which("node")


def in_browser(expressions: list[Expression], records: list[Record]) -> list[list[Any]]:
    """What formula.js answers for each expression and record, as JSON."""
    assert NODE is not None
    cases = {
        "records": [_json(record) for record in records],
        "constants": _constants(),
        "links": _links(),
        "trees": [to_browser(expression) for expression in expressions],
    }
    done = subprocess.run([NODE, str(RUNNER)], input=json.dumps(cases), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[:2000]
    answers: list[list[Any]] = json.loads(done.stdout)
    return answers


def from_browser(value: Any, type: ValueType) -> Any:
    """An answer as the server would have it."""
    if value is None:
        return None
    readers: dict[str, Any] = {"number": Decimal, "date": date.fromisoformat, "datetime": datetime.fromisoformat}
    reader = readers.get(type.name, int if type.is_reference else lambda same: same)
    return reader(value)


def _constants() -> dict[str, Any]:
    now = moment()
    return {"today": now.today.isoformat(), "now": _json(now.now), "zone": now.zone.key, "user": _json(dict(now.user))}


def _links() -> dict[str, Any]:
    links = {f"t_customer/{id}": _json(values) for id, values in customers().items()}
    people = {f"member/{p.id}": p for p in PEOPLE.values()}
    departments = {f"department/{d.id}": d for d in DEPARTMENTS.values()}
    for key, p in people.items():
        links[key] = _json({"name": p.name, "email": p.email, "department": p.department, "manager": p.manager})
    for key, d in departments.items():
        links[key] = _json({"name": d.name, "head": d.head, "parent": d.parent})
    return links


def _json(value: Any) -> Any:
    """A value as the API writes it: numbers bare, ids as text."""
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, Decimal):
        return float(value) if len(value.as_tuple().digits) <= 15 else str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
