"""Drafts: one a app, changed at will, guarded by its version so that nobody overwrites what he has not seen."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.names import is_name
from metadata.problems import ROOT, Conflict, Invalid, NotFound, Path, Problem, Refusal
from runtime import audit
from runtime.apps import document_of, manifest_row
from runtime.db import tables

if TYPE_CHECKING:
    from runtime.transaction import Tx

Document = dict[str, Any]
MISSING = object()


@dataclass(frozen=True)
class Draft:
    """The document on which somebody works. Version 0 is what is live, not yet changed by anybody."""

    app: str
    version: int
    document: Any
    updated_at: datetime | None = None
    updated_by: int | None = None


class VersionRequired(Refusal):
    """A change must say which version it was made from."""

    status = 428
    code = "version_required"
    title = {"en": "Say which version you have changed", "zh": "请注明所修改的版本"}


def get(tx: "Tx", app: str) -> Draft:
    """The draft of an app; without one, what is live."""
    found = find(tx.connection, app)
    if found is not None:
        return found
    live = tx.connection.scalar(sa.select(tables.app.c.live).where(tables.app.c.name == app))
    if live is None:
        raise NotFound(Problem(ROOT, "not_found", {"en": f"There is no app “{app}”", "zh": f"不存在应用“{app}”"}))
    return Draft(app, 0, document_of(tx.connection, manifest_row(tx.connection, live)))


def find(connection: sa.Connection, app: str) -> Draft | None:
    """The draft of an app, if somebody works on one."""
    row = connection.execute(sa.select(tables.draft).where(tables.draft.c.app == app)).one_or_none()
    return Draft(row.app, row.version, row.document, row.updated_at, row.updated_by) if row else None


def put(tx: "Tx", app: str, document: Any, version: int | None) -> Draft:
    """Replace the draft, however unfinished the new one is."""
    _check_name(app)
    if not isinstance(document, dict):
        message = {"en": "A definition is a JSON object", "zh": "应用定义应为 JSON 对象"}
        raise Invalid(Problem(ROOT / "document", "wrong_type", message, {"en": "Write an object", "zh": "请填写对象"}))
    found = find(tx.connection, app)
    _check_version(found, version)
    draft = Draft(app, (found.version if found else 0) + 1, document, tx.now, tx.actor.member)
    _store(tx, draft, found)
    audit.note(tx, "draft_changed", kind="draft", object=app, version=draft.version, app=app)
    return draft


def patched(document: Any, changes: Sequence[Any]) -> Any:
    """Change places of a document: a list of {"op": "add" | "replace" | "remove", "path": pointer, "value"}."""
    document = copy.deepcopy(document)
    for index, change in enumerate(changes):
        try:
            document = _changed(document, change)
        except (KeyError, IndexError, TypeError, ValueError):
            message = {"en": "This change leads nowhere", "zh": "此修改的位置不存在"}
            hint = {
                "en": 'As in {"op": "replace", "path": "/forms/0/title", "value": "Customer"}',
                "zh": '例如 {"op": "replace", "path": "/forms/0/title", "value": "客户"}',
            }
            raise Invalid(Problem(ROOT / "changes" / index, "bad_change", message, hint)) from None
    return document


def discard(tx: "Tx", app: str) -> None:
    """Forget the draft; what is live stays as it is."""
    tx.connection.execute(sa.delete(tables.draft).where(tables.draft.c.app == app))
    audit.note(tx, "draft_discarded", kind="draft", object=app, app=app)


def _store(tx: "Tx", draft: Draft, found: Draft | None) -> None:
    values = {
        "app": draft.app,
        "version": draft.version,
        "document": draft.document,
        "updated_at": draft.updated_at,
        "updated_by": draft.updated_by,
    }
    table = tables.draft
    if found is None:
        try:
            with tx.connection.begin_nested():
                tx.connection.execute(sa.insert(table).values(values))
        except sa.exc.IntegrityError:
            raise stale(None) from None
        return
    changed = tx.connection.execute(
        sa.update(table).where(table.c.app == draft.app, table.c.version == found.version).values(values)
    )
    if changed.rowcount != 1:
        raise stale(None)


def _check_version(found: Draft | None, version: int | None) -> None:
    if found is None and version in (None, 0):
        return
    if version is None:
        message = {"en": "Say which version you have changed", "zh": "请注明所修改的版本"}
        raise VersionRequired(Problem(ROOT / "version", "version_required", message))
    if found is None or version != found.version:
        raise stale(found.version if found else 0)


def stale(current: int | None) -> Conflict:
    message = {"en": "Somebody has changed the draft in the meantime", "zh": "草稿已被他人修改"}
    hint = {"en": "Load it again, then bring in your changes", "zh": "请重新加载后再修改"}
    extra = {} if current is None else {"current_version": current}
    return Conflict(Problem(ROOT / "version", "version_conflict", message, hint), status=412, **extra)


def _check_name(app: str) -> None:
    if not is_name(app):
        message = {"en": f"“{app}” cannot be the name of an app", "zh": f"“{app}”不能作为应用名称"}
        hint = {"en": "Small letters, digits and single underscores", "zh": "请使用小写字母、数字和单个下划线"}
        raise Invalid(Problem(ROOT / "app", "bad_name", message, hint))


def _changed(document: Any, change: Any) -> Any:
    path = Path(tuple(_parts(change["path"])))
    operation, value = change["op"], change.get("value", MISSING)
    if operation not in ("add", "replace", "remove") or (operation != "remove") != (value is not MISSING):
        raise ValueError(operation)
    if not path.parts:
        return value if operation == "replace" else _nowhere()
    holder = document
    for part in path.parts[:-1]:
        holder = holder[_index(holder, part)]
    _change_in(holder, path.parts[-1], operation, value)
    return document


def _change_in(holder: Any, last: str | int, operation: str, value: Any) -> None:
    if isinstance(holder, list) and operation == "add":
        holder.insert(len(holder) if last == "-" else _index(holder, last, len(holder)), value)
        return
    key = _index(holder, last)
    if operation != "add" and isinstance(holder, dict) and key not in holder:
        raise KeyError(key)
    if operation == "remove":
        del holder[key]
    else:
        holder[key] = value


def _parts(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(pointer)
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _index(holder: Any, part: str | int, most: int | None = None) -> Any:
    if isinstance(holder, dict):
        return part
    if not isinstance(holder, list) or not str(part).isdecimal():
        raise KeyError(part)
    index = int(part)
    if index > (len(holder) - 1 if most is None else most):
        raise IndexError(part)
    return index


def _nowhere() -> Any:
    raise ValueError("the whole document can only be replaced")


def names(connection: sa.Connection) -> list[str]:
    """The apps of which there is a draft."""
    return list(connection.scalars(sa.select(tables.draft.c.app).order_by(tables.draft.c.app)))
