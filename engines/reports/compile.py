"""Compile reports and dashboards: check every expression, find the fields behind the paths, guard against fan-out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engines.compiled import CompiledField, CompiledForm
from engines.context import AppContext, CheckContext
from engines.reports.chart_type import ChartType
from engines.reports.choosing import check_twice, compile_parameter, no_option
from engines.reports.compiled import (
    CompiledParameter,
    CompiledReport,
    CompiledReports,
)
from engines.reports.dashboards import compile_dashboard, role_ids
from engines.reports.dimensions import compile_dimensions, path_of
from engines.reports.drawable import undrawable
from engines.reports.measures import compile_measures
from metadata.expressions import NOWHERE, Expression, Scope
from metadata.problems import ROOT, Problems, nearest
from metadata.reports import ParameterDefinition, ReportDefinition
from metadata.text import Text
from metadata.value_types import YES_NO, ValueType


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
    by_name = {each.name: each for each in reports.values()}
    dashboards = [
        compile_dashboard(each, by_name, CheckContext(context, NOWHERE, problems, ROOT / "dashboards" / index))
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
            roles=role_ids(self.definition.roles, self.app),
            definition=self.definition,
        )
        report = self._with_chart_checked(report)
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
        return compile_parameter(written, self.checking.at("parameters", index))

    def _with_where(self, index: int, compiled: CompiledParameter, scope: Scope) -> CompiledParameter:
        where = _where(compiled.definition.where, self.checking.within(scope).at("parameters", index))
        return replace(compiled, where=where)

    # --- the chart ---

    def _chart(self) -> tuple[ChartType, Any]:
        written = self.definition.chart
        name = written.type if written is not None else ("table" if self.definition.dimensions else "number")
        return self.app.kinds.charts.get(name), written

    def _with_chart_checked(self, report: CompiledReport) -> CompiledReport:
        found = list(undrawable(report.chart, report.chart_options, report))
        if found and self.app.makes_do:
            return replace(report, chart=self.app.stand_ins["chart"](report.chart.name))  # its figures, in a table
        self.checking.problems.extend(found, self.checking.path)
        self._check_stage(report)
        return report

    def _check_names(self, report: CompiledReport) -> None:
        taken = {each.name for each in report.dimensions}
        for index, each in enumerate(self.definition.measures):
            if each.name in taken:
                message = _text(f"“{each.name}” is a dimension of the report already", f"“{each.name}”已是该报表的维度")
                hint = _text("Give the measure another name", "请给指标另取名称")
                self.checking.add("duplicate_name", message, "measures", index, "name", hint=hint)
        dimensions = [each.name or each.field.replace(".", "_") for each in self.definition.dimensions]
        check_twice(dimensions, self.checking.at("dimensions"))
        check_twice([each.name for each in self.definition.measures], self.checking.at("measures"))
        check_twice([each.name for each in self.definition.parameters], self.checking.at("parameters"))
        self._check_choices(report)

    def _check_choices(self, report: CompiledReport) -> None:
        """A parameter that offers the options of a field needs a field that has some; its default is one of them."""
        for index, each in enumerate(self.definition.parameters):
            field = self.app.forms[report.form].field(each.options) if each.options else None
            if field is not None and not field.choices:
                message = _text(f"“{each.options}” has no options", f"“{each.options}”没有选项")
                hint = _text("Name a field of options, or leave `options` out", "请填写选择字段，或删去 options")
                self.checking.ask_to_mend("not_a_choice", message, "parameters", index, "options", hint=hint)
            elif (wrong := no_option(report.parameters[index].default, field)) is not None:
                self.checking.ask_to_mend(wrong.code, wrong.message, "parameters", index, "default", hint=wrong.hint)

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


def _text(english: str, chinese: str) -> Text:
    return {"en": english, "zh": chinese}


def _no(noun: str, chinese: str, name: str) -> Text:
    return _text(f"There is no {noun} “{name}”", f"不存在{chinese}“{name}”")


def _either(names: list[str]) -> Text:
    if not names:
        return ""
    listed = ", ".join(names)
    return _text(f"There are: {listed}", f"可选：{listed}")
