"""What records were: every change as a full after-image, and the time spent in each stage."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp, CompiledForm
from engines.system_fields import SYSTEM_TYPES
from metadata.value_types import DATETIME, ValueType
from runtime.db import tables
from runtime.db.ids import new_id

if TYPE_CHECKING:
    from runtime.transaction import Tx

LONG_TEXT = 1_000
CHANGES = "record_changes"
TYPES: Mapping[str, ValueType] = {**SYSTEM_TYPES, "deleted_at": DATETIME}  # of what documents hold beside fields


@dataclass(frozen=True)
class Change:
    """What one transaction made of one record so far: where it began, where it stands, which fields moved."""

    app: CompiledApp
    form: CompiledForm
    op: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    changed: frozenset[str]
    seq: int
    rows: Mapping[tuple[str, int], Mapping[str, Any] | None] = field(default_factory=dict)

    @property
    def version(self) -> int:
        return int(self.after["version"])


def changes(tx: "Tx") -> dict[tuple[str, str, int], Change]:
    """The records that this transaction has changed, by app, form and id."""
    found: dict[tuple[str, str, int], Change] = tx.notes.setdefault(CHANGES, {})
    return found


def changed_already(tx: "Tx", app: CompiledApp, form: str, record: int) -> bool:
    """Whether this transaction has given the record its new version already; it gets one only."""
    known = changes(tx).get((app.name, form, record))
    return known is not None and known.op != "derived"


def note_change(tx: "Tx", change: Change) -> None:
    """Note what happened to a record; several changes in one transaction become one entry."""
    key = (change.app.name, change.form.id, change.after["id"])
    known = changes(tx).get(key)
    if known is not None:
        op = known.op if change.op in ("derived", "update") and known.op != "derived" else change.op
        change = replace(
            change,
            op=op,
            before=known.before,
            changed=known.changed | change.changed,
            seq=known.seq,
            rows={**known.rows, **change.rows},
        )
    changes(tx)[key] = change
    tx.before_flush(write_changes)


def write_changes(tx: "Tx") -> None:
    """Turn the changes into history entries and stage spans, for the one flush."""
    noted = list(changes(tx).values())
    changes(tx).clear()
    for change in noted:
        tx.history.append(_entry(tx, change, change.form.id, change.after["id"], change.after, change.seq + 1))
        for (form, row), after in change.rows.items():
            tx.history.append(_row_entry(tx, change, form, row, after))
        _stages(tx, change)


def _entry(
    tx: "Tx", change: Change, form: str, record: int, after: Mapping[str, Any] | None, seq: int
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "app": change.app.name,
        "form": form,
        "record": record,
        "seq": seq,
        "version": change.version,
        "at": tx.now,
        "cause": tx.cause_id,
        "op": change.op,
        "forms_hash": shape_of(change.app),
        "doc": None if after is None else document(tx, change.app.forms[form], after),
        "changed": sorted(change.changed),
    }


def _row_entry(tx: "Tx", change: Change, form: str, row: int, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """An entry of a subform row; a row changes at most once with each version of its record."""
    values = None if after is None else {**after, "record": change.after["id"]}
    entry = _entry(tx, change, form, row, values, change.version)
    return {**entry, "op": "delete" if after is None else "update", "changed": [], "parent": change.after["id"]}


def shape_of(app: CompiledApp) -> str:
    """Which shape of forms an entry was written under."""
    shape: str = app.memory.remember(
        ("shape",),
        lambda: hashlib.sha256(
            repr(
                [(id, sorted((f.id, f.type.name) for f in each.fields.values())) for id, each in app.forms.items()]
            ).encode()
        ).hexdigest()[:16],
    )
    return shape


# --- values as JSON ---


def document(tx: "Tx", form: CompiledForm, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON by field id, without its subform rows: they have entries of their own."""
    kept: dict[str, Any] = {}
    for name, value in record.items():
        if value is None or name.startswith("_"):
            continue
        field = form.fields.get(name)
        if field is None or field.storage not in ("rows", "computed"):
            kept[name] = value if type(value) is int else _plain(tx, value)
    return kept


def _plain(tx: "Tx", value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONG_TEXT else {"text": _blob(tx, value)}
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(tx, each) for each in value]
    return value


def _blob(tx: "Tx", text: str) -> str:
    """Keep a long text once, under its hash."""
    hash = hashlib.sha256(text.encode()).hexdigest()
    row, table = {"hash": hash, "text": text}, tables.blob
    if tx.database.is_postgresql:
        from sqlalchemy.dialects.postgresql import insert as insert_or_leave
    else:
        from sqlalchemy.dialects.sqlite import insert as insert_or_leave  # type: ignore[assignment]
    tx.connection.execute(insert_or_leave(table).on_conflict_do_nothing(), [row])
    return hash


def values_of(tx: "Tx", form: CompiledForm, documents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records from their JSON, with the values that fields keep; what no field knows any more is left out."""
    kept = list(documents)
    hashes = {each["text"] for doc in kept for each in doc.values() if isinstance(each, dict) and "text" in each}
    texts = _texts(tx, hashes)
    return [{name: _value(form, name, each, texts) for name, each in doc.items() if _known(form, name)} for doc in kept]


def _texts(tx: "Tx", hashes: set[str]) -> dict[str, str]:
    if not hashes:
        return {}
    chosen = sa.select(tables.blob.c.hash, tables.blob.c.text).where(tables.blob.c.hash.in_(sorted(hashes)))
    return {row.hash: row.text for row in tx.connection.execute(chosen)}


def _known(form: CompiledForm, name: str) -> bool:
    return name in form.fields or name in TYPES


def _value(form: CompiledForm, name: str, plain: Any, texts: Mapping[str, str]) -> Any:
    type = form.fields[name].type if name in form.fields else TYPES[name]
    if isinstance(plain, dict):
        return texts.get(plain.get("text", ""), "")
    if type.name == "list":
        return tuple(plain)
    try:
        return _typed(type, plain, system=name in TYPES)
    except (ValueError, ArithmeticError, TypeError):
        return None  # the field had another type then


def _typed(type: ValueType, plain: Any, system: bool) -> Any:
    match type.name:
        case "number":
            return int(plain) if system else Decimal(str(plain))
        case "date":
            return date.fromisoformat(plain)
        case "datetime":
            return datetime.fromisoformat(plain)
    return plain


# --- stages ---


def _stages(tx: "Tx", change: Change) -> None:
    """Close the span of the stage a record leaves and open that of the one it enters."""
    before, after = change.before or {}, change.after
    is_gone = change.op == "delete"
    for stage in change.form.stages:
        was, now = before.get(stage), None if is_gone else after.get(stage)
        if change.op == "restore":
            was = None
        if was == now:
            continue
        seq = _close_span(tx, change, stage) if change.before is not None else 0
        if now is not None:
            tx.stage_spans.append(_span(tx, change, stage, seq + 1, now, was))


def _close_span(tx: "Tx", change: Change, stage: str) -> int:
    spans = tables.stage_span
    mine = sa.and_(
        spans.c.app == change.app.name,
        spans.c.form == change.form.id,
        spans.c.record == change.after["id"],
        spans.c.field == stage,
    )
    tx.connection.execute(sa.update(spans).where(mine, spans.c.left_at.is_(None)).values(left_at=tx.now))
    return tx.connection.execute(sa.select(sa.func.max(spans.c.seq)).where(mine)).scalar() or 0


def _span(tx: "Tx", change: Change, stage: str, seq: int, now: str, was: str | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "app": change.app.name,
        "form": change.form.id,
        "field": stage,
        "record": change.after["id"],
        "seq": seq,
        "value": now,
        "from_value": was,
        "direction": _direction(change.form, stage, was, now),
        "actor": tx.actor.member,
        "entered_at": tx.now,
        "left_at": None,
    }


def _direction(form: CompiledForm, stage: str, was: str | None, now: str) -> str:
    """Whether a record came in, went on, or went back; the order is that of the options."""
    order = [option.value for option in getattr(form.fields[stage].options, "options", ())]
    if was is None or was not in order or now not in order:
        return "in"
    return "forward" if order.index(now) > order.index(was) else "back"
