"""Holding a record for writing: what the actor may see and do there, which version he knows, what he may make of it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines import access
from engines.access import Grant, View
from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.facts import Facts, Needs
from engines.forms.execute import Decision, SaveRequest
from metadata.problems import ROOT, Conflict, Invalid, Path, Problem, Refused
from runtime import history, storage
from runtime.flows.task_access import task_grants
from runtime.gathering import answered
from runtime.history import timeline
from runtime.reading.parameters import RECORD_ID
from runtime.reading.question import Making, Question
from runtime.reading.refusals import no_record

if TYPE_CHECKING:
    from runtime.transaction import Tx


@dataclass(frozen=True)
class Held:
    """A record held for writing: as it is, and what the actor may read and do there."""

    record: dict[str, Any]
    readable: frozenset[str]
    grants: tuple[Grant, ...]


def hold(tx: "Tx", app: CompiledApp, form: CompiledForm, id: int, verb: str, deleted: bool = False) -> Held:
    """The record as it is, if the actor sees it (else it is not there) and may do this to it (else refused)."""
    also = task_grants(tx, app, tx.actor)
    seeing = access.view(app, tx.actor, form.id, "restore" if deleted else "read", also)
    doing = access.view(app, tx.actor, form.id, verb, also)
    question = Question(tx, app, form, tx.actor, also, deleted)
    statement = question.remembered(
        ("held", verb), lambda making: _statement(tx, app, form, seeing, doing, making, deleted)
    )
    row = tx.connection.execute(statement, {"record_id": id}).mappings().first() if seeing.grants else None
    if row is None:
        raise no_record()
    record = {label: value for label, value in row.items() if not label.startswith("?")}
    matched = {index for index in range(len(seeing.grants)) if row[f"?r{index}"]}
    allowed = tuple(grant for index, grant in enumerate(doing.grants) if row[f"?d{index}"])
    if not matched:
        raise no_record()
    if not allowed:
        raise not_allowed(form, verb)
    storage.complete(tx, app, form, {id: record})
    readable = frozenset(field for field, mask in seeing.masks.items() if all(group & matched for group in mask))
    return Held(record, readable, allowed)


def _statement(
    tx: "Tx", app: CompiledApp, form: CompiledForm, seeing: View, doing: View, making: Making, deleted: bool
) -> sa.Select[Any]:
    """The whole record, and for each grant whether the record meets its scope."""
    relation = access.truth(app, form.id, making.moment, tx.dialect, deleted, making.notes)
    columns = {**form.columns, storage.SEQ: storage.last_seq(app, form)}
    columns |= {f"?r{index}": relation.matches(grant) for index, grant in enumerate(seeing.grants)}
    columns |= {f"?d{index}": relation.matches(grant) for index, grant in enumerate(doing.grants)}
    return relation.where(relation.source.c.id == RECORD_ID).select(columns)


def editable_fields(form: CompiledForm, grants: tuple[Grant, ...], readable: frozenset[str]) -> frozenset[str]:
    """The fields that may be written: those a grant names, and of those it gives wholesale the readable ones."""
    named = {field for grant in grants for field in grant.fields or ()}
    return access.fields_given(form, grants) & (readable | named)


def check_scope_after(
    tx: "Tx",
    app: CompiledApp,
    form: CompiledForm,
    grants: tuple[Grant, ...],
    decision: Decision,
    facts: Facts,
    request: SaveRequest,
) -> None:
    """Nobody moves a record out of his own scope, or creates one beyond it."""
    if tx.actor.is_system or any(grant.is_everywhere and grant.fields is None for grant in grants):
        return

    given = {form.field_ids[name] for name in request.values if name in form.field_ids}

    def ask(known: Facts) -> Any:
        missing = access.scope_needs(grants, decision.after, known)
        return Needs(records=missing) if missing else access.not_given(grants, given, decision.after, known)

    beyond, _ = answered(tx, app, ask, facts)
    if beyond is None:
        message = {
            "en": "With these values the record would lie outside what you may work on",
            "zh": "按这些内容保存后，该记录将超出您的权限范围",
        }
        raise Refused(Problem(ROOT, "outside_scope", message))
    if beyond:
        message = {"en": "You may not set this field here", "zh": "您不能在此设置该字段"}
        fields = sorted(form.fields[each].name for each in beyond)
        raise Refused(*[Problem(Path(("values", name)), "field_forbidden", message) for name in fields])


def check_version(tx: "Tx", app: CompiledApp, form: CompiledForm, held: Held, version: int | None, check: bool) -> None:
    if tx.actor.is_system or not check:
        return
    if version is None:
        message = {"en": "Say which version of the record you changed", "zh": "请说明您修改的是记录的哪个版本"}
        hint = {
            "en": "Send the record's ETag as If-Match, or its version in the body",
            "zh": "请在 If-Match 中发送记录的 ETag，或在正文中提供 version",
        }
        raise Conflict(Problem(Path(("version",)), "version_required", message, hint), status=428)
    if version != held.record["version"] and not history.changed_already(tx, app, form.id, held.record["id"]):
        raise stale(timeline.changed_since(tx, app, form, held.record, version, held.readable))


def stale(details: Mapping[str, Any]) -> Conflict:
    message = {
        "en": "Somebody else has changed this record in the meantime; nothing was saved",
        "zh": "该记录已被他人修改，未保存您的更改",
    }
    hint = {"en": "Load it again and apply your change to it", "zh": "请重新加载后再修改"}
    return Conflict(Problem(Path(("version",)), "version_conflict", message, hint), status=412, **details)


def not_allowed(form: CompiledForm, verb: str) -> Refused:
    words = {
        "create": {"en": "You may not create records here", "zh": "您不能在此新建记录"},
        "update": {"en": "You may see this record but not change it", "zh": "您可以查看该记录，但不能修改"},
        "delete": {"en": "You may see this record but not delete it", "zh": "您可以查看该记录，但不能删除"},
        "restore": {"en": "You may not restore records here", "zh": "您不能在此恢复记录"},
    }
    return Refused(Problem(ROOT, "forbidden", words.get(verb, {"en": "You may not do this", "zh": "您不能执行此操作"})))


@contextmanager
def told_when_not_unique(form: CompiledForm, seen: View | None) -> Iterator[None]:
    """Two saves at once may both find a value free; the index decides, and the loser is told at the field."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        words = re.findall(r"\w+", str(error.orig))
        for field in form.fields.values():
            if field.column is not None and any(each in (field.column, _index_of(form, field)) for each in words):
                raise _not_unique(field, seen is not None and field.id not in seen.fields) from error
        raise


def _index_of(form: CompiledForm, field: CompiledField) -> str:
    return f"uq_{form.table.name}_{field.column}"


def _not_unique(field: CompiledField, hidden: bool) -> Invalid:
    """Say so at the field; where the actor may not read it, nothing but that the save is not accepted."""
    if hidden:
        message = {"en": "These values are not accepted", "zh": "内容未被接受"}
        return Invalid(Problem(ROOT, "not_accepted", message))
    message = {"en": "Another record already has this value", "zh": "该值已被其他记录使用"}
    hint = {"en": "Nothing was saved; try another value", "zh": "未保存，请更换内容后重试"}
    return Invalid(Problem(Path(("values", field.name)), "not_unique", message, hint))
