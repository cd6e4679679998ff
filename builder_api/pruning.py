"""At most a hundred versions of an app are kept (L55), and no part that nothing names any more."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from runtime.db import tables
from runtime.flows.pinned import KIND

if TYPE_CHECKING:
    from runtime.transaction import Tx

MOST_VERSIONS = 100


def prune(tx: "Tx", app: str, newest: int, most: int = MOST_VERSIONS) -> None:
    """Forget the versions before the last hundred; never the live one, nor the pristine one of an imported package.

    History needs none of them: it keeps values by field id. A flow that runs has its own copy of what it began with.
    """
    manifest = tables.manifest
    kept = sa.select(manifest.c.package).where(manifest.c.app == app, manifest.c.package.is_not(None))
    live = sa.select(tables.app.c.live).where(tables.app.c.name == app, tables.app.c.live.is_not(None))
    old = sa.and_(
        manifest.c.app == app,
        manifest.c.number <= newest - most,
        manifest.c.id.not_in(kept),
        manifest.c.id.not_in(live),
    )
    rows = tx.connection.execute(sa.select(manifest.c.id, manifest.c.parts).where(old)).all()
    if rows:
        tx.connection.execute(sa.delete(manifest).where(manifest.c.id.in_([row.id for row in rows])))
        _forget_parts(tx, {hash for row in rows for hashes in row.parts.values() for hash in hashes})


def _forget_parts(tx: "Tx", candidates: set[str]) -> None:
    """Apps share what they say alike, so a part goes only when no version of any app names it."""
    for parts in tx.connection.scalars(sa.select(tables.manifest.c.parts)):
        candidates -= {hash for hashes in parts.values() for hash in hashes}
    if candidates:
        part = tables.part
        tx.connection.execute(sa.delete(part).where(part.c.hash.in_(candidates), part.c.kind != KIND))
