"""Reading the audit trail: the newest acts first, filtered; what is about records is masked as they are (T11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from engines.access import may
from metadata.problems import Refusal
from runtime.audit import entries
from runtime.db import tables
from runtime.transaction import Tx

entry = tables.audit

PAGE_SIZE, LONGEST_PAGE = 50, 200


@dataclass(frozen=True)
class Wanted:
    """Which acts somebody wants to see; `before` is the number of the last one he has."""

    action: str | None = None
    actor: int | None = None
    app: str | None = None
    kind: str | None = None
    object: str | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    size: int = PAGE_SIZE

    @property
    def filters(self) -> dict[str, Any]:
        """What was narrowed down, to be told in the trail itself."""
        named = {name: getattr(self, name) for name in ("action", "actor", "app", "kind", "object", "result")}
        moments = {name: each.isoformat() for name in ("since", "until") if (each := getattr(self, name)) is not None}
        return {name: value for name, value in named.items() if value is not None} | moments


def look(tx: Tx, wanted: Wanted) -> tuple[list[dict[str, Any]], str | None]:
    """Give one page of acts, and what to send as `before` for older ones; that somebody looked is an act itself.

    Who asks for an object by its id is not told of those whose id is masked.
    """
    found = select(entry).where(*_conditions(wanted)).order_by(entry.c.seq.desc()).limit(wanted.size + 1)
    rows = tx.connection.execute(found).all()
    entries.note(tx, "audit_viewed", kind="audit", detail={"filters": wanted.filters})
    acts = [_shown(tx, row) for row in rows[: wanted.size]]
    older = acts[-1]["id"] if len(rows) > wanted.size else None
    return [each for each in acts if wanted.object is None or not each["masked"]], older


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    same = {
        entry.c.action: wanted.action,
        entry.c.actor: wanted.actor,
        entry.c.app: wanted.app,
        entry.c.object_kind: wanted.kind,
        entry.c.object_id: wanted.object,
        entry.c.result: wanted.result,
    }
    conditions = [column == value for column, value in same.items() if value is not None]
    if wanted.since is not None:
        conditions.append(entry.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(entry.c.at < wanted.until)
    if wanted.before is not None:
        conditions.append(entry.c.seq < wanted.before)
    return conditions


def _shown(tx: Tx, row: Row) -> dict[str, Any]:
    person = tx.organisation.people.get(row.actor)
    masked = not _may_know(tx, row.app, row.detail)
    return {
        "id": str(row.seq),
        "at": row.at,
        "actor": {"id": str(row.actor), "name": person.name if person else None} if row.actor is not None else None,
        "actor_kind": row.actor_kind,
        "credential": row.credential,
        "request": row.request,
        "app": row.app,
        "action": row.action,
        "object": {"kind": row.object_kind, "id": None if masked else row.object_id, "version": row.object_version},
        "detail": {} if masked else row.detail,
        "masked": masked,
        "result": row.result,
    }


def _may_know(tx: Tx, app: str | None, detail: Mapping[str, Any]) -> bool:
    """What an act on a record or a file tells of it is for who may read the form."""
    form = detail.get("form")
    if app is None or form is None:
        return True
    try:
        live = tx.services.apps.live(tx, app)
        return may(live, tx.actor, "read", live.form(form).id)
    except Refusal:
        return False
