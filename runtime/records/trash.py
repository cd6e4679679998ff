"""The trash is emptied after a month (L55): records, their rows and lists and their files go; their history stays."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from engines.actor import system
from engines.compiled import CompiledApp, CompiledForm
from runtime import audit, storage, transaction
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.transaction import Cause

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx

KEPT = timedelta(days=30)
AT_ONCE = 500
MOST = 20  # chunks of one form in one go; the rest waits for the next


def empty(services: "Services", now: datetime) -> int:
    """Forget what has lain in the trash for a month, form by form, in small transactions; gives how many records."""
    with services.database.read() as connection:
        apps = [services.apps.live(connection, name) for name in services.apps.names(connection)]
    return sum(_empty_form(services, app, form, now) for app in apps for form in app.forms.values() if not form.parent)


def _empty_form(services: "Services", app: CompiledApp, form: CompiledForm, now: datetime) -> int:
    gone = 0
    for _ in range(MOST):
        with services.database.read() as connection:
            ids = list(connection.scalars(_old(form, now).limit(AT_ONCE)))
        if not ids:
            break
        work = partial(_forget, name=app.name, form=form.id, ids=ids, now=now)
        gone += transaction.run(services, system("trash"), work, Cause(new_id(), "trash", app=app.name))
    return gone


def _forget(tx: "Tx", name: str, form: str, ids: Sequence[int], now: datetime) -> int:
    """Forget those that are still there and still deleted."""
    app = tx.services.apps.live(tx, name)
    found = app.forms.get(form)
    if found is None:
        return 0
    storage.lock(tx, found.table, ids)
    old = list(tx.connection.scalars(_old(found, now).where(found.table.c.id.in_(ids))))
    if not old:
        return 0
    storage.forget(tx, found, old)
    file = tables.file
    mine = sa.and_(file.c.app == name, file.c.form == form, file.c.record.in_(old))
    tx.connection.execute(sa.update(file).where(mine).values(record=None))  # swept like an upload that nobody wanted
    audit.note(tx, "trash_emptied", kind="form", object=form, app=name, detail={"records": len(old)})
    return len(old)


def _old(form: CompiledForm, now: datetime) -> sa.Select[int]:
    return sa.select(form.table.c.id).where(form.table.c.deleted_at < now - KEPT).order_by(form.table.c.id)
