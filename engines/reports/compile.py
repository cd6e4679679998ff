"""Compile reports and dashboards: check every expression, find the fields behind the paths, guard against fan-out."""

from collections.abc import Callable, Mapping
from typing import Any

from engines.action_values import compile_value
from engines.compiled import CompiledField, CompiledForm
from engines.context import AppContext, CheckContext
from engines.reports.chart_type import ChartType
from engines.reports.compiled import (
    CompiledCard,
    CompiledDashboard,
    CompiledParameter,
    CompiledReport,
    CompiledReports,
)
from engines.reports.dimensions import compile_dimensions, path_of
from engines.reports.measures import compile_measures
from engines.reports.parameters import DOES_NOT_FIT, read_value
from engines.values import CompiledValue
from metadata.expressions import NOWHERE, Expression, Scope
from metadata.problems import ROOT, Path, Problems, Refusal, nearest
from metadata.reports import DashboardDefinition, ParameterDefinition, ReportDefinition
from metadata.text import Text
from metadata.value_types import DATE, DEPARTMENT, MEMBER, TEXT, YES_NO, ValueType, link, number

PARAMETER_TYPES = {
    "text": TEXT,
    "number": number(10),
    "date": DATE,
    "yes_no": YES_NO,
    "member": MEMBER,
    "department": DEPARTMENT,
}


def compile_reports(definition: Any, context: AppContext, problems: Problems) -> CompiledReports:
    """Compile all reports and dashboards of a definition; what is wrong is added to the problems."""
    reports = {}
    for index, each in enumerate(definition.reports):
        known = len(problems)
        checking = CheckContext(context, NOWHERE, problems, ROOT / "reports" / index)
        compiled = _Report(each, checking).compile()
        rests = len(problems) > known and context.makes_do  # it needs what is not installed
        if compiled is not None and not rests:
            reports[compiled.id] = compiled
    report_ids = {each.name: each.id for each in reports.values()}
    dashboards = [
        _dashboard(each, report_ids, context, problems, ROOT / "dashboards" / index)
        for index, each in enumerate(definition.dashboards)
    ]
    return CompiledReports(
        reports, report_ids, {each.id: each for each in dashboards}, {each.name: each.id for each in dashboards}
    )


class _Report:
    """The compilation of one report."""

    def __init__(self, definition: ReportDefinition, checking: CheckContext) -> None:
        self.definition = definition
        self.checking = checking
        self.app = checking.app

    def compile(self) -> CompiledReport | None:
        form = self.app.forms.get(self.app.form_ids.get(self.definition.form, ""))
        if form is None:
            hint = nearest(self.definition.form, self.app.form_ids)
            self.checking.add("unknown_form", _no("form", "表单", self.definition.form), "form", hint=hint)
            return None
        rows = self._rows(form)
        parameters = tuple(self._parameter(index, each) for index, each in enumerate(self.definition.parameters))
        scope = self._scope(form, rows, {each.name: each.type for each in parameters})
        parameters = tuple(self._with_where(index, each, scope) for index, each in enumerate(parameters))
        within = self.checking.within(scope)
        measures = compile_measures(self.definition.measures, within.at("measures"))
        chart, options = self._chart()
        report = CompiledReport(
            id=self.definition.key,
            name=self.definition.name,
            title=self.definition.caption,
            form=form.id,
            rows=rows.id if rows else None,
            where=_where(self.definition.where, within),
            parameters=parameters,
            dimensions=compile_dimensions(self.definition.dimensions, within.at("dimensions")),
            measures=measures,
            chart=chart,
            chart_options=options,
            roles=_roles(self.definition.roles, self.app),
            definition=self.definition,
        )
        self._check_chart(report)
        self._check_names(report)
        self._check_sort(report)
        return report

    # --- the source ---

    def _rows(self, form: CompiledForm) -> CompiledField | None:
        if self.definition.rows is None:
            return None
        found = form.field(self.definition.rows)
        if found is None or found.subform is None:
            subforms = [each.name for each in form.subforms]
            message = _no("subform", "子表单", self.definition.rows)
            self.checking.add("unknown_field", message, "rows", hint=_either(subforms))
            return None
        return found

    def _scope(self, form: CompiledForm, rows: CompiledField | None, extras: Mapping[str, ValueType]) -> Scope:
        if rows is None or rows.subform is None:
            return Scope(self.app.names, form.id, extras=extras)
        return Scope(self.app.names, rows.subform.id, record_form=form.id, extras=extras)

    # --- parameters ---

    def _parameter(self, index: int, written: ParameterDefinition) -> CompiledParameter:
        at = self.checking.at("parameters", index)
        return parameter(written, self.app, at.problems, at.path)

    def _with_where(self, index: int, compiled: CompiledParameter, scope: Scope) -> CompiledParameter:
        where = _where(compiled.definition.where, self.checking.within(scope).at("parameters", index))
        return CompiledParameter(
            compiled.name,
            compiled.title,
            compiled.type,
            compiled.default,
            where,
            compiled.required,
            compiled.definition,
        )

    # --- the chart ---

    def _chart(self) -> tuple[ChartType, Any]:
        written = self.definition.chart
        name = written.type if written is not None else ("table" if self.definition.dimensions else "number")
        return self.app.kinds.charts.get(name), written

    def _check_chart(self, report: CompiledReport) -> None:
        chart = report.chart
        if len(report.dimensions) not in chart.dimensions and len(self.definition.dimensions) == len(report.dimensions):
            allowed = f"{chart.dimensions.start} to {chart.dimensions.stop - 1}"
            message = _text(f"This chart takes {allowed} dimensions", f"该图表支持的维度数为 {allowed}")
            self.checking.add("wrong_dimensions", message, "dimensions")
        if len(report.measures) not in chart.measures and report.measures:
            allowed = f"{chart.measures.start} to {chart.measures.stop - 1}"
            message = _text(f"This chart takes {allowed} measures", f"该图表支持的指标数为 {allowed}")
            self.checking.add("wrong_measures", message, "measures")
        self._check_stage(report)

    def _check_names(self, report: CompiledReport) -> None:
        taken = {each.name for each in report.dimensions}
        for index, each in enumerate(self.definition.measures):
            if each.name in taken:
                message = _text(f"“{each.name}” is a dimension of the report already", f"“{each.name}”已是该报表的维度")
                hint = _text("Give the measure another name", "请给指标另取名称")
                self.checking.add("duplicate_name", message, "measures", index, "name", hint=hint)

    def _check_sort(self, report: CompiledReport) -> None:
        known = [*(each.name for each in report.dimensions), *(each.name for each in report.measures)]
        if len(known) < len(self.definition.dimensions) + len(self.definition.measures):
            return  # something that could be sorted by has a problem of its own
        for index, each in enumerate(self.definition.sort):
            if each.by not in known:
                hint = nearest(each.by, known) or _either(known)
                message = _no("dimension or measure", "维度或指标", each.by)
                self.checking.add("unknown_measure", message, "sort", index, hint=hint)

    def _check_stage(self, report: CompiledReport) -> None:
        if report.stage is None:
            return
        leaf = report.stage.leaf
        if report.rows is not None or leaf is None or not leaf.stage or len(path_of(report.stage.expression)) != 2:
            message = _text(
                "A funnel of stages ever reached needs a stage field of the form itself as its dimension",
                "“曾到达”漏斗的维度须为本表单中标记为阶段的字段",
            )
            self.checking.add("not_a_stage", message, "chart", "reached")
        for index, each in enumerate(report.measures):
            if each.aggregate not in ("count", "sum", "value"):
                message = _text("This funnel can count and sum only", "该漏斗仅支持计数与求和")
                self.checking.add("wrong_aggregate", message, "measures", index)


def _where(text: str | None, checking: CheckContext) -> Expression | None:
    return checking.expression(text, "where", want=YES_NO) if text is not None else None


def parameter(written: ParameterDefinition, context: AppContext, problems: Problems, path: Path) -> CompiledParameter:
    """Compile a parameter of a report or a filter of a dashboard."""
    value_type = PARAMETER_TYPES.get(written.type, TEXT)
    if written.type == "link":
        form = context.form_ids.get(written.form or "")
        if form is None:
            hint = nearest(written.form or "", context.form_ids)
            problems.add(path / "form", "unknown_form", _no("form", "表单", written.form or ""), hint)
        value_type = link(form or "")
    try:
        default = compile_value(written.default, NOWHERE, context.functions, value_type, _reader(value_type))
    except Refusal as refusal:
        problems.extend(refusal.problems, path / "default")
        default = CompiledValue()
    except ValueError:
        hint = _text(
            "Write it as the type says, or as an expression: “=today - 30”", "请按类型书写，或写表达式：“=today - 30”"
        )
        problems.add(path / "default", "wrong_type", DOES_NOT_FIT, hint)
        default = CompiledValue()
    return CompiledParameter(written.name, written.caption, value_type, default, None, written.required, written)


def _reader(value_type: ValueType) -> Callable[[Any], Any]:
    """Reads a default that is written down as it is."""
    return lambda raw: None if raw is None else read_value(value_type.name, raw)


def _dashboard(
    written: DashboardDefinition, report_ids: Mapping[str, str], context: AppContext, problems: Problems, path: Path
) -> CompiledDashboard:
    cards = []
    for index, card in enumerate(written.cards):
        if card.report is not None and card.report not in report_ids:
            hint = nearest(card.report, report_ids)
            problems.add(path / "cards" / index / "report", "unknown_report", _no("report", "报表", card.report), hint)
        cards.append(CompiledCard(report_ids.get(card.report) if card.report else None, card))
    filters = tuple(
        parameter(each, context, problems, path / "filters" / index) for index, each in enumerate(written.filters)
    )
    return CompiledDashboard(
        written.key, written.name, written.caption, tuple(cards), filters, _roles(written.roles, context), written
    )


def _roles(names: Any, context: AppContext) -> frozenset[str]:
    return frozenset(context.role_ids[name] for name in names if name in context.role_ids)


def _text(english: str, chinese: str) -> Text:
    return {"en": english, "zh": chinese}


def _no(noun: str, chinese: str, name: str) -> Text:
    return _text(f"There is no {noun} “{name}”", f"不存在{chinese}“{name}”")


def _either(names: list[str]) -> Text:
    if not names:
        return ""
    listed = ", ".join(names)
    return _text(f"There are: {listed}", f"可选：{listed}")
