"""Compile reports and dashboards: check every expression, find the fields behind the paths, guard against fan-out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines.action_values import compile_value
from engines.compiled import SYSTEM_TITLES, CompiledField, CompiledForm
from engines.context import AppContext
from engines.reports.chart_type import ChartType
from engines.reports.compiled import (
    CompiledCard,
    CompiledDashboard,
    CompiledDimension,
    CompiledMeasure,
    CompiledParameter,
    CompiledReport,
    CompiledReports,
)
from engines.values import CompiledValue
from metadata.expressions import NOWHERE, Expression, Scope, check
from metadata.problems import ROOT, Path, Problems, Refusal, nearest
from metadata.text import Text
from metadata.value_types import DATE, DEPARTMENT, MEMBER, TEXT, YES_NO, ValueType, link, number

BUCKETED = ("date", "datetime")
PARAMETER_TYPES = {"text": TEXT, "number": number(10), "date": DATE, "yes_no": YES_NO, "member": MEMBER}
PARAMETER_TYPES["department"] = DEPARTMENT


def compile_reports(definition: Any, context: AppContext, problems: Problems) -> CompiledReports:
    """Compile all reports and dashboards of a definition; what is wrong is added to the problems."""
    reports = {}
    for index, each in enumerate(definition.reports):
        known = len(problems)
        compiled = _Report(each, context, problems, ROOT / "reports" / index).compile()
        rests = len(problems) > known and context.kinds.has_stand_ins  # it needs what is not installed
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


@dataclass
class _Report:
    """The compilation of one report."""

    definition: Any
    context: AppContext
    problems: Problems
    path: Path

    def compile(self) -> CompiledReport | None:
        form = self.context.forms.get(self.context.form_ids.get(self.definition.form, ""))
        if form is None:
            hint = nearest(self.definition.form, self.context.form_ids)
            self._add("form", "unknown_form", _no("form", "表单", self.definition.form), hint)
            return None
        rows = self._rows(form)
        parameters = tuple(self._parameter(index, each) for index, each in enumerate(self.definition.parameters))
        scope = self._scope(form, rows, {each.name: each.type for each in parameters})
        parameters = tuple(self._with_where(index, each, scope) for index, each in enumerate(parameters))
        measures = self._measures(scope)
        chart, options = self._chart()
        report = CompiledReport(
            id=self.definition.key,
            name=self.definition.name,
            title=self.definition.caption,
            form=form.id,
            rows=rows.id if rows else None,
            where=self._expression(self.definition.where, scope, "where", want=YES_NO),
            parameters=parameters,
            dimensions=self._dimensions(scope),
            measures=measures,
            chart=chart,
            chart_options=options,
            roles=_roles(self.definition.roles, self.context),
            definition=self.definition,
        )
        self._check_chart(report)
        self._check_sort(report)
        return report

    # --- the source ---

    def _rows(self, form: CompiledForm) -> CompiledField | None:
        if self.definition.rows is None:
            return None
        found = form.field(self.definition.rows)
        if found is None or found.subform is None:
            subforms = [each.name for each in form.subforms]
            self._add("rows", "unknown_field", _no("subform", "子表单", self.definition.rows), _either(subforms))
            return None
        return found

    def _scope(self, form: CompiledForm, rows: CompiledField | None, extras: Mapping[str, ValueType]) -> Scope:
        if rows is None or rows.subform is None:
            return Scope(self.context.names, form.id, extras=extras)
        return Scope(self.context.names, rows.subform.id, record_form=form.id, extras=extras)

    # --- parameters ---

    def _parameter(self, index: int, written: Any) -> CompiledParameter:
        return parameter(written, self.context, self.problems, self.path / "parameters" / index)

    def _with_where(self, index: int, compiled: CompiledParameter, scope: Scope) -> CompiledParameter:
        where = self._expression(compiled.definition.where, scope, "parameters", index, "where", want=YES_NO)
        return CompiledParameter(
            compiled.name,
            compiled.title,
            compiled.type,
            compiled.default,
            where,
            compiled.required,
            compiled.definition,
        )

    # --- dimensions ---

    def _dimensions(self, scope: Scope) -> tuple[CompiledDimension, ...]:
        compiled = []
        for index, written in enumerate(self.definition.dimensions):
            expression = self._expression(written.field, scope, "dimensions", index, "field")
            if expression is not None:
                compiled.append(self._dimension(index, written, expression, scope))
        return tuple(compiled)

    def _dimension(self, index: int, written: Any, expression: Expression, scope: Scope) -> CompiledDimension:
        leaf = self._leaf(expression)
        value_type = expression.type.of if expression.type.name == "list" else expression.type
        assert value_type is not None
        if value_type.name == "rows":
            hint = {"en": "Take it as the report's `rows`", "zh": "请将其设为报表的 rows"}
            self._add("dimensions", "not_a_value", _text("A subform is no value", "子表单不是单个值"), hint, index)
        if written.every is not None and value_type.name not in BUCKETED:
            message = _text("`every` goes with dates only", "every 仅适用于日期")
            self._add("dimensions", "not_a_date", message, "", index, "every")
        if expression.type.name == "list" and len(_path(expression)) != 2:
            message = _text("A list behind a link cannot be grouped by", "不能按关联记录中的多值字段分组")
            self._add("dimensions", "list_behind_link", message, "", index, "field")
        name = written.name or written.field.replace(".", "_")
        title = written.title or (leaf.title if leaf else SYSTEM_TITLES.get(_path(expression)[-1], written.field))
        every = written.every or ("day" if value_type.name in BUCKETED else None)
        if value_type.name == "datetime":  # a moment counts on its day in the app's zone
            expression = check(f"TODATE({written.field})", scope, self.context.functions, DATE)
        return CompiledDimension(name, title, expression, value_type, every, leaf)

    def _leaf(self, expression: Expression) -> CompiledField | None:
        """The field that the path ends at; None for a system field or one of the directory."""
        last = _path(expression)[-1]
        for form in self.context.forms.values():
            if last in form.fields:
                return form.fields[last]
        return None

    # --- measures ---

    def _measures(self, scope: Scope) -> tuple[CompiledMeasure, ...]:
        compiled: list[CompiledMeasure] = []
        for index, written in enumerate(self.definition.measures):
            made = self._measure(index, written, scope, compiled)
            if made is not None:
                compiled.append(made)
        return tuple(compiled)

    def _measure(self, index: int, written: Any, scope: Scope, before: list[CompiledMeasure]) -> CompiledMeasure | None:
        aggregate = written.aggregate
        if aggregate is None:
            message = _text(
                "A measure is one of count, sum, avg, min, max, distinct, value", "指标须恰好写一种统计方式"
            )
            self._add("measures", "bad_measure", message, "", index)
            return None
        if aggregate == "value":
            return self._computed(index, written, before)
        expression = None
        if aggregate != "count":
            expression = self._expression(getattr(written, aggregate), scope, "measures", index, aggregate)
            if expression is None or not self._fits(aggregate, expression, index):
                return None
        where = self._expression(written.where, scope, "measures", index, "where", want=YES_NO)
        value_type = _measure_type(aggregate, expression)
        per_record = aggregate in ("sum", "avg") and scope.in_row and not _reads_row(expression)
        return CompiledMeasure(
            written.name,
            written.caption,
            aggregate,
            expression,
            where,
            value_type,
            self._format(written, expression, value_type),
            per_record,
            _decimals(written, aggregate, value_type),
        )

    def _computed(self, index: int, written: Any, before: list[CompiledMeasure]) -> CompiledMeasure | None:
        extras = {each.name: each.type for each in before}
        scope = Scope(NOWHERE.names, NOWHERE.form, frozenset({"today"}), extras=extras)
        expression = self._expression(written.value, scope, "measures", index, "value", want=number(10))
        if expression is None:
            return None
        decimals = written.decimals if written.decimals is not None else (4 if written.percent else 2)
        shown = "percent" if written.percent else "number"
        return CompiledMeasure(
            written.name, written.caption, "value", expression, None, number(decimals), shown, False, decimals
        )

    def _fits(self, aggregate: str, expression: Expression, index: int) -> bool:
        name = expression.type.name
        fits = {"sum": ("number",), "avg": ("number",), "min": ("number", "date", "datetime")}
        fits["max"] = fits["min"]
        allowed = fits.get(aggregate)
        if name in ("rows", "list", "blank") or (allowed is not None and name not in allowed):
            message = _text(f"`{aggregate}` cannot take this value", f"{aggregate} 不能用于此类值")
            self._add("measures", "wrong_type", message, "", index, aggregate)
            return False
        return True

    def _format(self, written: Any, expression: Expression | None, value_type: ValueType) -> str:
        if value_type.name != "number":
            return value_type.name
        if written.percent:
            return "percent"
        leaf = self._leaf(expression) if expression is not None and len(expression.reads) == 1 else None
        if leaf is None or written.aggregate in ("count", "distinct"):
            return "number"
        return leaf.kind.look_of(leaf.options).mark or "number"

    # --- the chart ---

    def _chart(self) -> tuple[ChartType, Any]:
        written = self.definition.chart
        name = written.type if written is not None else ("table" if self.definition.dimensions else "number")
        return self.context.kinds.charts.get(name), written

    def _check_chart(self, report: CompiledReport) -> None:
        chart = report.chart
        if len(report.dimensions) not in chart.dimensions and len(self.definition.dimensions) == len(report.dimensions):
            allowed = f"{chart.dimensions.start} to {chart.dimensions.stop - 1}"
            message = _text(f"This chart takes {allowed} dimensions", f"该图表支持的维度数为 {allowed}")
            self._add("dimensions", "wrong_dimensions", message)
        if len(report.measures) not in chart.measures and report.measures:
            allowed = f"{chart.measures.start} to {chart.measures.stop - 1}"
            message = _text(f"This chart takes {allowed} measures", f"该图表支持的指标数为 {allowed}")
            self._add("measures", "wrong_measures", message)
        self._check_stage(report)

    def _check_sort(self, report: CompiledReport) -> None:
        known = [*(each.name for each in report.dimensions), *(each.name for each in report.measures)]
        if len(known) < len(self.definition.dimensions) + len(self.definition.measures):
            return  # something that could be sorted by has a problem of its own
        for index, each in enumerate(self.definition.sort):
            if each.by not in known:
                hint = nearest(each.by, known) or _either(known)
                self._add("sort", "unknown_measure", _no("dimension or measure", "维度或指标", each.by), hint, index)

    def _check_stage(self, report: CompiledReport) -> None:
        if report.stage is None:
            return
        leaf = report.stage.leaf
        if report.rows is not None or leaf is None or not leaf.stage or len(_path(report.stage.expression)) != 2:
            message = _text(
                "A funnel of stages ever reached needs a stage field of the form itself as its dimension",
                "“曾到达”漏斗的维度须为本表单中标记为阶段的字段",
            )
            self._add("chart", "not_a_stage", message, "", "reached")
        for index, each in enumerate(report.measures):
            if each.aggregate not in ("count", "sum", "value"):
                message = _text("This funnel can count and sum only", "该漏斗仅支持计数与求和")
                self._add("measures", "wrong_aggregate", message, "", index)

    # --- shared ---

    def _expression(
        self, text: str | None, scope: Scope, *place: str | int, want: ValueType | None = None
    ) -> Expression | None:
        if text is None:
            return None
        try:
            return check(text, scope, self.context.functions, want)
        except Refusal as refusal:
            path = self.path
            for part in place:
                path = path / part
            self.problems.extend(refusal.problems, path)
            return None

    def _add(self, key: str, code: str, message: Text, hint: Text = "", *place: str | int) -> None:
        path = self.path / key
        for part in place:
            path = path / part
        self.problems.add(path, code, message, hint)


def parameter(written: Any, context: AppContext, problems: Problems, path: Path) -> CompiledParameter:
    """Compile a parameter of a report or a filter of a dashboard."""
    value_type = PARAMETER_TYPES.get(written.type, TEXT)
    if written.type == "link":
        form = context.form_ids.get(written.form or "")
        if form is None:
            hint = nearest(written.form or "", context.form_ids)
            problems.add(path / "form", "unknown_form", _no("form", "表单", written.form or ""), hint)
        value_type = link(form or "")
    try:
        default = compile_value(written.default, NOWHERE, context.functions, None)
    except Refusal as refusal:
        problems.extend(refusal.problems, path / "default")
        default = CompiledValue()
    return CompiledParameter(written.name, written.caption, value_type, default, None, written.required, written)


def _dashboard(
    written: Any, report_ids: Mapping[str, str], context: AppContext, problems: Problems, path: Path
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


def _measure_type(aggregate: str, expression: Expression | None) -> ValueType:
    if aggregate in ("count", "distinct") or expression is None:
        return number(0)
    return expression.type


def _decimals(written: Any, aggregate: str, value_type: ValueType) -> int:
    if written.decimals is not None:
        return int(written.decimals)
    if aggregate in ("count", "distinct"):
        return 0
    own = value_type.decimals if value_type.decimals is not None else 4
    return max(own, 2) if aggregate == "avg" else own


def _reads_row(expression: Expression | None) -> bool:
    return expression is None or any(path[0] == "row" for path in expression.reads)


def _path(expression: Expression) -> tuple[str, ...]:
    """The longest path that the expression reads; a plain field reads just one."""
    return max(expression.reads, key=len, default=("record", ""))


def _text(english: str, chinese: str) -> Text:
    return {"en": english, "zh": chinese}


def _no(noun: str, chinese: str, name: str) -> Text:
    return _text(f"There is no {noun} “{name}”", f"不存在{chinese}“{name}”")


def _either(names: list[str]) -> Text:
    if not names:
        return ""
    listed = ", ".join(names)
    return _text(f"There are: {listed}", f"可选：{listed}")
