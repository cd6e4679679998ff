"""The other engines' part of a compiled app: access, rules, flows and reports over the forms."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from engines.access import compile_access, truth
from engines.compiled import CompiledApp, CompiledField
from engines.context import AppContext
from engines.expressions import Moment, NotPushable, Readable, where
from engines.flows.compile import compile_flows
from engines.memory import Memory
from engines.reads import computed_fields_read
from engines.reports.compile import compile_reports
from engines.rules.compile import compile_rules
from engines.totals import sources_of
from metadata.expressions import Expression, Scope, check
from metadata.problems import ROOT, Path, Problem, Problems, Refusal
from metadata.text import say
from metadata.value_types import YES_NO

DIALECTS = ("sqlite", "postgresql")


def compile_rest(app: CompiledApp, context: AppContext, problems: Problems) -> CompiledApp:
    """Compile access, rules, flows and reports of an app whose forms are compiled."""
    definition = app.definition
    app = replace(app, access=compile_access(app, context.functions, problems))
    refuse_what_no_database_computes(app, problems)
    check_views(app, context, problems)
    rules = compile_rules(definition.rules, context, problems)
    flows = compile_flows(definition.flows, context, problems)
    reports = compile_reports(definition, context, problems)
    app = replace(app, rules=rules, flows=flows, reports=reports)
    return replace(app, computed_needed=computed_fields_read(app), memory=Memory())


def check_views(app: CompiledApp, context: AppContext, problems: Problems) -> None:
    """The condition of a view is asked of the database with every look at it; find out before that it can be."""
    for index, view in enumerate(app.definition.views):
        form = app.form_ids.get(view.form)
        if view.where is None or form is None:
            continue
        place = ROOT / "views" / index / "where"
        try:
            condition = check(view.where, Scope(app.names, form), context.functions, YES_NO)
            for dialect in DIALECTS:
                moment = _some_moment(app)
                where(condition, truth(app, form, moment, dialect), moment, dialect)
        except Refusal as refusal:
            problems.extend(refusal.problems, place)
        except NotPushable as reason:
            message = {
                "en": f"This condition cannot be asked of the database: {say(reason.reason, 'en')}",
                "zh": f"该条件无法在数据库中执行：{say(reason.reason, 'zh')}",
            }
            hint = {"en": "Use comparisons of fields", "zh": "请使用字段的比较"}
            problems.add(place, "not_pushable", message, hint)


def refuse_what_no_database_computes(app: CompiledApp, problems: Problems) -> None:
    """What is computed at reading, and what is totalled, has to be sayable in SQL; find out before anybody reads."""
    some_moment = _some_moment(app)
    for path, form, rows, field in _computed_fields(app):
        try:
            for dialect in DIALECTS:
                if field.rollup is not None:
                    sources_of(app, field.rollup, some_moment, dialect)
                    continue
                relation: Readable = truth(app, form, some_moment, dialect)
                (relation.rows(rows)[0] if rows else relation).column(field.id)
        except NotPushable as reason:
            if rows is not None and field.expression is not None and _reads_record(field.expression):
                problems.items.append(_row_rests_on_record(path))
                continue
            message = {
                "en": f"This formula is computed by the database, which cannot: {say(reason.reason, 'en')}",
                "zh": f"该公式需由数据库计算，但无法实现：{say(reason.reason, 'zh')}",
            }
            hint = {
                "en": "Keep to values of the record and its rows, or let a rule set a field",
                "zh": "请只使用本记录及其明细的值，或用规则写入字段",
            }
            problems.add(path, "not_pushable", message, hint)


def _reads_record(expression: Expression) -> bool:
    return any(read[0] == "record" for read in expression.reads)


def _row_rests_on_record(path: Path) -> Problem:
    message = {
        "en": "A row cannot rest on what moves without it: a roll-up of its record, or what is computed at reading",
        "zh": "明细行的公式不能依赖会自行变化的值：所属记录的汇总或读取时计算的值",
    }
    hint = {"en": "Compute it in a field of the record", "zh": "请改在所属记录的字段中计算"}
    return Problem(path, "row_rests_on_record", message, hint)


def _some_moment(app: CompiledApp) -> Moment:
    return Moment(datetime(2000, 1, 1, tzinfo=UTC).date(), datetime(2000, 1, 1, tzinfo=UTC), app.zone)


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
