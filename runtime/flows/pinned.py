"""The flow an instance is pinned to: kept as it was when the instance began, compiled against today's forms.

What is kept is the flow as written together with what its names meant then, so that a field may be renamed meanwhile.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engines.compiled import CompiledApp
from engines.context import AppContext
from engines.flows import CompiledFlow, compile_flow
from engines.flows.state import OPEN_STATUSES
from engines.missing import STAND_INS, with_stand_ins
from metadata.canonical import write
from metadata.expressions import FieldReference, Names
from metadata.flows import FlowDefinition
from metadata.language import Language, missing_kinds
from metadata.problems import ROOT, Conflict, Problem, Problems
from metadata.text import Text
from runtime.db import tables
from runtime.db.engine import write_json

if TYPE_CHECKING:
    from runtime.transaction import Tx

KIND = "pinned_flow"

part = tables.part


def flow_of(tx: "Tx", app: CompiledApp, row: Any) -> CompiledFlow:
    """The compiled flow of an instance (a row with `flow` and `part`): the live one, if that is still its part."""
    live = app.flows.get(row.flow)
    if live is not None and _written(app, row.flow)[0] == row.part:
        return live
    found: CompiledFlow = app.memory.remember(("pinned flow", row.part), lambda: _compile(tx, app, row.part))
    return found


def pin(tx: "Tx", app: CompiledApp, flow: str) -> str:
    """Keep a live flow as it is now; gives the hash under which it is kept."""
    hash, body = _written(app, flow)
    insert = (postgresql if tx.database.is_postgresql else sqlite).insert(part)
    values = {"hash": hash, "kind": KIND, "body": body}
    tx.connection.execute(insert.values(values).on_conflict_do_nothing(index_elements=["hash"]))
    return hash


def manifest_of(tx: "Tx", app: CompiledApp) -> int:
    """The manifest that is live now; 0 where the app was never published (as in tests)."""
    live: Any = tx.connection.scalar(sa.select(tables.app.c.live).where(tables.app.c.name == app.name))
    return int(live or 0)


def broken_by(app: CompiledApp, connection: sa.Connection, kinds: Any) -> list[tuple[Text, int, Problems]]:
    """Which kept flows with running instances would no longer compile in this app: title, instances, and why not."""
    instance = tables.flow_instance
    rows = connection.execute(
        sa.select(instance.c.flow, instance.c.part, sa.func.count().label("instances"))
        .where(instance.c.app == app.name, instance.c.state.in_(OPEN_STATUSES))
        .group_by(instance.c.flow, instance.c.part)
    ).all()
    pinned = sa.select(part.c.hash, part.c.body).where(part.c.hash.in_({row.part for row in rows}))
    bodies = {row.hash: row.body for row in connection.execute(pinned)}
    found = []
    for row in rows:
        problems = Problems()
        if row.part in bodies:
            _compiled(app, bodies[row.part], kinds, problems)
        if problems:
            flow = bodies[row.part]["flow"]
            found.append((flow.get("title") or flow["name"], int(row.instances), problems))
    return found


# --- as written, and back ---


def _written(app: CompiledApp, flow: str) -> tuple[str, dict[str, Any]]:
    """The flow with what its names mean, and the hash of both."""

    def make() -> tuple[str, dict[str, Any]]:
        definition = next(each for each in app.definition.flows if each.key == flow)
        body = {
            "flow": write(definition),
            "forms": dict(app.form_ids),
            "fields": {
                form: {name: each.id for name, each in names.items()} for form, names in app.names.forms.items()
            },
            "roles": dict(app.role_ids),
            "flows": {each.name: each.key for each in app.definition.flows},
        }
        return hashlib.sha256(_canonical(body)).hexdigest(), body

    found: tuple[str, dict[str, Any]] = app.memory.remember(("flow as written", flow), make)
    return found


def _canonical(body: Mapping[str, Any]) -> bytes:
    return write_json({key: _sorted(value) for key, value in sorted(body.items())}).encode()


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list | tuple) else value


def _compile(tx: "Tx", app: CompiledApp, hash: str) -> CompiledFlow:
    body = tx.connection.scalar(sa.select(part.c.body).where(part.c.hash == hash))
    problems = Problems()
    flow = _compiled(app, body, tx.services.kinds, problems) if body is not None else None
    if flow is None or problems:
        message = {
            "en": "The app has changed so that this running flow no longer fits it",
            "zh": "应用已变更，正在运行的流程与之不再匹配",
        }
        raise Conflict(Problem(ROOT, "definition_changed", message), *list(problems)[:10])
    return flow


def _compiled(app: CompiledApp, body: Mapping[str, Any], kinds: Any, problems: Problems) -> CompiledFlow | None:
    missing = (*missing_kinds(FlowDefinition, body["flow"], Language(kinds).models), *app.missing)
    if missing:
        kinds, problems = with_stand_ins(kinds, missing), Problems()  # it waits where it cannot go on
    models = Language(kinds).models
    definition = FlowDefinition.model_validate_json(write_json(body["flow"]), context={"models": models})
    context = _context(app, body, kinds)
    return compile_flow(definition, replace(context, stand_ins=STAND_INS) if missing else context, problems)


def _context(app: CompiledApp, then: Mapping[str, Any], kinds: Any) -> AppContext:
    """Today's app under the names of then: what still exists is found by its id."""
    names = {
        form: dict(today) | _renamed(today, then["fields"].get(form, {})) for form, today in app.names.forms.items()
    }
    forms = {
        id: replace(form, field_ids={**form.field_ids, **_still_there(then["fields"].get(id, {}), form.fields)})
        for id, form in app.forms.items()
    }
    return AppContext(
        names=Names(names, app.names.titles),
        forms=forms,
        form_ids={**app.form_ids, **_still_there(then["forms"], app.forms)},
        role_ids={**app.role_ids, **_still_there(then["roles"], app.role_names)},
        flow_ids={**{each.name: each.key for each in app.definition.flows}, **then["flows"]},
        kinds=kinds,
        role_titles={role.key: role.caption for role in app.definition.roles},
    )


def _renamed(today: Mapping[str, FieldReference], then: Mapping[str, str]) -> dict[str, FieldReference]:
    by_id = {each.id: each for each in today.values()}
    return {name: replace(by_id[id], name=name) for name, id in then.items() if id in by_id}


def _still_there(then: Mapping[str, str], today: Mapping[str, Any]) -> dict[str, str]:
    return {name: id for name, id in then.items() if id in today}
