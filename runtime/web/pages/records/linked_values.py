"""What a form's expressions read over links, as the person may see it, so that the browser can work them out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engines.access import may, readable_names, view
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from metadata.expressions import Expression, Node
from runtime import reading
from runtime.flows.task_access import task_grants
from runtime.transaction import Tx
from runtime.web.pages.records.live_form import plain

Key = tuple[str, int]  # a form and a record; or "member", "department" and one of these
Needed = Mapping[str, frozenset[str]]

MOST_KEYS = 200
MOST_STEPS = 3


def concerns(tx: Tx, app: CompiledApp, form: CompiledForm) -> bool:
    """Whether the person has anything to do with the form."""
    also = task_grants(tx, app, tx.actor)
    return bool(view(app, tx.actor, form.id, "read", also).grants) or may(app, tx.actor, "create", form.id)


def keys_in(form: CompiledForm, values: Mapping[str, Any]) -> set[Key]:
    """The records and people that a record and its rows name, as far as expressions look into them."""
    wanted = needed(form)
    found = {key for each in form.fields.values() for key in _named(each, values.get(each.id), wanted)}
    for each in form.subforms:
        for row in values.get(each.id) or ():
            found |= keys_in(each.subform, row) if each.subform is not None else set()
    return {(target, id) for target, id in found if target in wanted}


def linked(tx: Tx, app: CompiledApp, form: CompiledForm, keys: Iterable[Key]) -> dict[str, Any]:
    """By "form/id" what the form's expressions read there, and what that leads to; None for what the person does not
    see. Under "labels" stands how links are called, under "hidden" what he may not read."""
    wanted = needed(form)
    found: dict[str, tuple[Any, list[Key]]] = {}
    ahead = {key for key in keys if key[0] in wanted}
    for _ in range(MOST_STEPS):
        ahead = set(sorted(ahead)[:MOST_KEYS])
        if not ahead:
            break
        got = _read(tx, app, wanted, ahead)
        found |= got
        ahead = {key for values in got.values() for key in values[1] if _text(key) not in found} if got else set()
    return {key: values for key, (values, _) in found.items()}


def needed(form: CompiledForm) -> Needed:
    """Which fields of which forms the expressions of a form and its subforms read over links."""
    found: dict[str, set[str]] = {}
    for expression in _expressions(form):
        for node in _nodes(expression.root):
            base = node.args[0] if node.kind == "field" else None
            if base is not None and base.kind != "root" and base.type.is_reference:
                found.setdefault(base.type.form or base.type.name, set()).add(str(node.value))
    return {target: frozenset(fields) for target, fields in found.items()}


def _expressions(form: CompiledForm) -> Iterator[Expression]:
    for each in form.fields.values():
        default = each.default.expression if each.default is not None else None
        yield from (one for one in (each.expression, each.visible_if, each.required_if, default) if one is not None)
        if each.subform is not None:
            yield from _expressions(each.subform)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for each in node.args:
        yield from _nodes(each)


def _named(field: CompiledField, value: Any, wanted: Needed) -> Iterator[Key]:
    target = field.type.form or field.type.name
    if field.type.is_reference and value is not None and target in wanted:
        yield target, value


def _read(tx: Tx, app: CompiledApp, wanted: Needed, keys: set[Key]) -> dict[str, tuple[Any, list[Key]]]:
    """What stands in some records or people, with the keys that it leads on to."""
    by_target: dict[str, list[int]] = {}
    for target, id in sorted(keys):
        by_target.setdefault(target, []).append(id)
    found: dict[str, tuple[Any, list[Key]]] = {}
    for target, ids in by_target.items():
        if target in app.forms:
            found |= _records(tx, app, app.forms[target], wanted, ids)
        else:
            found |= {_text((target, id)): (_person(tx, target, id, wanted[target]), []) for id in ids}
    return found


def _records(
    tx: Tx, app: CompiledApp, form: CompiledForm, wanted: Needed, ids: list[int]
) -> dict[str, tuple[Any, list[Key]]]:
    found: dict[str, tuple[Any, list[Key]]] = {_text((form.id, id)): (None, []) for id in ids}
    also = task_grants(tx, app, tx.actor)
    if not view(app, tx.actor, form.id, "read", also).grants:
        return found
    fields = wanted[form.id]
    names = {
        each.id: name for name, each in readable_names(app, tx.actor, also).fields(form.id).items() if each.id in fields
    }
    for each in reading.shown_records(tx, app, form.id, ids, fields=list(names.values()), also=also):
        values = {id: plain(each.values.get(id)) for id in names}
        labels = {id: each.labels[id] for id in names if isinstance(each.labels.get(id), str)}
        said = {"id": str(each.id), **values, "labels": labels, "hidden": sorted(fields - names.keys())}
        own = [form.fields[id] for id in names if id in form.fields]
        onward = [key for field in own for key in _named(field, each.values.get(field.id), wanted)]
        found[_text((form.id, each.id))] = (said, onward)
    return found


def _person(tx: Tx, kind: str, id: int, fields: frozenset[str]) -> dict[str, Any] | None:
    """A member or department as expressions read them."""
    directory: Mapping[int, Any] = tx.organisation.people if kind == "member" else tx.organisation.departments
    one = directory.get(id)
    return {name: plain(getattr(one, name, None)) for name in fields | {"id"}} if one is not None else None


def _text(key: Key) -> str:
    return f"{key[0]}/{key[1]}"
