"""The next automatic numbers: a counter for each field and period, locked until the save is over."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

from engines.compiled import CompiledApp, CompiledForm
from engines.forms.numbering import period_of
from runtime.db import tables

if TYPE_CHECKING:
    from runtime.transaction import Tx


def next_numbers(tx: "Tx", app: CompiledApp, form: CompiledForm, fields: Iterable[str]) -> dict[str, str]:
    """Count one on for each of these fields; the counters go back if the save does."""
    today = tx.now.astimezone(app.zone).date()
    return {id: str(_next(tx, app.name, id, period_of(form.fields[id], today))) for id in sorted(fields)}


def _next(tx: "Tx", app: str, field: str, period: str) -> int:
    counter = tables.counter
    insert = postgresql.insert if tx.database.is_postgresql else sqlite.insert
    first = insert(counter).values(app=app, field=field, period=period, value=1)
    counted = first.on_conflict_do_update(
        index_elements=[counter.c.app, counter.c.field, counter.c.period], set_={"value": counter.c.value + 1}
    )
    return int(tx.connection.execute(counted.returning(counter.c.value)).scalar_one())
