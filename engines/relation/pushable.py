"""What the database is asked for with every look is tried when an app is compiled, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from engines.access import truth
from engines.compiled import CompiledApp, CompiledField
from engines.expressions import Moment, NotPushable, Readable, where
from engines.relation.totals import sources_of
from metadata.expressions import Expression, Scope, check
from metadata.problems import ROOT, InvalidDefinition, Path, Problem, Problems, Refusal
from metadata.registry import Registry
from metadata.text import say
from metadata.value_types import YES_NO

DIALECTS = ("sqlite", "postgresql")


def refuse_unaskable(app: CompiledApp, form: str, condition: Expression) -> None:
    """Refuse a condition over the records of a form that one of the databases cannot be asked for."""
    moment = _some_moment(app)
    try:
        for dialect in DIALECTS:
            where(condition, truth(app, form, moment, dialect), moment, dialect)
    except NotPushable as reason:
        raise InvalidDefinition(_not_askable(reason)) from None


def check_views(app: CompiledApp, functions: Registry[Any], problems: Problems) -> None:
    """The condition of a view is asked of the database with every look at it."""
    for index, view in enumerate(app.definition.views):
        form = app.form_ids.get(view.form)
        if view.where is not None and form is not None:
            try:
                refuse_unaskable(app, form, check(view.where, Scope(app.names, form), functions, YES_NO))
            except Refusal as refusal:
                problems.extend(refusal.problems, ROOT / "views" / index / "where")


def check_computed_fields(app: CompiledApp, problems: Problems) -> None:
    """What is computed at reading, and what is totalled, has to be sayable in SQL."""
    for path, form, rows, field in _computed_fields(app):
        if rows is not None and field.expression is not None and _reads_record(field.expression):
            problems.items.append(_row_rests_on_record(path))
            continue
        try:
            for dialect in DIALECTS:
                _compute(app, form, rows, field, dialect)
        except NotPushable as reason:
            problems.items.append(_not_computable(reason, path))


def _compute(app: CompiledApp, form: str, rows: str | None, field: CompiledField, dialect: str) -> None:
    moment = _some_moment(app)
    if field.rollup is not None:
        sources_of(app, field.rollup, moment, dialect)
        return
    relation: Readable = truth(app, form, moment, dialect)
    (relation.rows(rows)[0] if rows else relation).column(field.id)


def _some_moment(app: CompiledApp) -> Moment:
    now = datetime(2000, 1, 1, tzinfo=UTC)
    user = {"id": 0, "department": 0, "departments": (0,), "roles": ("",), "name": "", "email": "", "manager": 0}
    return Moment(now.date(), now, app.zone, user)


def _not_askable(reason: NotPushable) -> Problem:
    message = {
        "en": f"This condition cannot be asked of the database: {say(reason.reason, 'en')}",
        "zh": f"该条件无法在数据库中执行：{say(reason.reason, 'zh')}",
    }
    hint = {"en": "Use comparisons of fields and `user`", "zh": "请使用字段与 user 的比较"}
    return Problem(ROOT, "not_pushable", message, hint)


def _not_computable(reason: NotPushable, path: Path) -> Problem:
    message = {
        "en": f"This formula is computed by the database, which cannot: {say(reason.reason, 'en')}",
        "zh": f"该公式需由数据库计算，但无法实现：{say(reason.reason, 'zh')}",
    }
    hint = {
        "en": "Keep to values of the record and its rows, or let a rule set a field",
        "zh": "请只使用本记录及其明细的值，或用规则写入字段",
    }
    return Problem(path, "not_pushable", message, hint)


def _reads_record(expression: Expression) -> bool:
    return any(read[0] == "record" for read in expression.reads)


def _row_rests_on_record(path: Path) -> Problem:
    message = {
        "en": "A row cannot rest on what moves without it: a roll-up of its record, or what is computed at reading",
        "zh": "明细行的公式不能依赖会自行变化的值：所属记录的汇总或读取时计算的值",
    }
    hint = {"en": "Compute it in a field of the record", "zh": "请改在所属记录的字段中计算"}
    return Problem(path, "row_rests_on_record", message, hint)


def _computed_fields(app: CompiledApp) -> Iterator[tuple[Path, str, str | None, CompiledField]]:
    """Every field computed at reading: where it is written, the form, and the subform it stands in."""
    for index, definition in enumerate(app.definition.forms):
        for field in app.forms[definition.key].fields.values():
            path = ROOT / "forms" / index / "fields" / field.position
            if field.storage in ("computed", "rollup"):
                yield path, definition.key, None, field
            for column in field.subform.fields.values() if field.subform is not None else ():
                if column.storage == "computed":
                    yield path / "fields" / column.position, definition.key, field.id, column
