"""The audit trail of acts that are no data changes: written in the transaction of the act, sealed later."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engines.actor import Actor
from runtime.db.ids import new_id

if TYPE_CHECKING:
    from runtime.transaction import Tx


def note(
    tx: "Tx",
    action: str,
    *,
    kind: str | None = None,
    object: int | str | None = None,
    version: int | str | None = None,
    app: str | None = None,
    detail: Mapping[str, Any] | None = None,
    result: str = "ok",
    actor: Actor | None = None,
) -> None:
    """Say in this transaction who did what to what."""
    who = actor or tx.actor
    tx.audits.append(
        {
            "seq": new_id(),
            "at": tx.now,
            "actor": who.member,
            "actor_kind": who.kind,
            "credential": who.credential or None,
            "request": tx.cause.request,
            "cause": tx.cause.id,
            "app": app,
            "action": action,
            "object_kind": kind,
            "object_id": None if object is None else str(object),
            "object_version": None if version is None else str(version),
            "detail": dict(detail or {}),
            "result": result,
        }
    )
