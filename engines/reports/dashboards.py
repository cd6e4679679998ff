"""Dashboards compiled: their cards fit the reports they show, and their filters the parameters they reach."""

from collections.abc import Mapping
from typing import Any

from engines.context import AppContext, CheckContext
from engines.reports.choosing import check_twice, compile_choice, compile_parameter, no_option
from engines.reports.compiled import CompiledCard, CompiledDashboard, CompiledParameter, CompiledReport
from engines.reports.drawable import undrawable
from engines.values import CompiledValue
from metadata.expressions.words import said
from metadata.problems import Problem, nearest
from metadata.reports import CardDefinition, DashboardDefinition
from metadata.text import Text

Reports = Mapping[str, CompiledReport]
COLUMNS = 12


def compile_dashboard(written: DashboardDefinition, reports: Reports, checking: CheckContext) -> CompiledDashboard:
    """Compile a dashboard over the reports of its app, which are given by name."""
    cards = tuple(_card(each, reports, checking.at("cards", index)) for index, each in enumerate(written.cards))
    at = checking.at("filters")
    filters = tuple(compile_parameter(each, at.at(index)) for index, each in enumerate(written.filters))
    check_twice([each.name for each in written.filters], at)
    named = [card.report for card in written.cards if card.report is not None]
    shown = [reports[name] for name in named if name in reports]
    if len(shown) == len(named):
        for index, each in enumerate(filters):
            if each.definition.where is not None:
                at.add("useless_key", _NO_WHERE, index, "where", hint=_WHERE_IN_REPORT)
            _check_reach(each, shown, at.at(index))
    roles = role_ids(written.roles, checking.app)
    return CompiledDashboard(written.key, written.name, written.caption, cards, filters, roles, written)


def role_ids(names: Any, context: AppContext) -> frozenset[str]:
    """The ids of roles by their names, as far as they are known."""
    return frozenset(context.role_ids[name] for name in names if name in context.role_ids)


def _card(written: CardDefinition, reports: Reports, checking: CheckContext) -> CompiledCard:
    if written.x is not None and written.x + written.width > COLUMNS:
        checking.add("out_of_range", _TOO_WIDE, "width", hint=_NARROWER)
    report = reports.get(written.report) if written.report is not None else None
    if report is None:
        if written.report is not None:
            message = {"en": f"There is no report “{written.report}”", "zh": f"不存在报表“{written.report}”"}
            checking.add("unknown_report", message, "report", hint=nearest(written.report, reports))
        return CompiledCard(None, written)
    if written.chart is not None:
        chart = checking.app.kinds.charts.get(written.chart.type)
        for problem in undrawable(chart, written.chart, report):
            _say_of_card(problem, checking)
        if getattr(written.chart, "reached", False) and report.stage is None:
            checking.add("not_a_stage", _NOT_REACHED, "chart", "reached", hint=_REACHED_IN_REPORT)
    return CompiledCard(report.id, written, _values(written, report, checking))


def _say_of_card(problem: Problem, checking: CheckContext) -> None:
    """What a card's own chart cannot draw is said at that chart, for the report itself is in order."""
    parts = problem.path.parts if problem.path.parts[:1] == ("chart",) else ("chart",)
    checking.add(problem.code, problem.message, *parts, hint=problem.hint)


def _values(written: CardDefinition, report: CompiledReport, checking: CheckContext) -> Mapping[str, CompiledValue]:
    """What the card chooses, by parameter."""
    known = {each.name: each for each in report.parameters}
    values = {}
    for name, raw in written.values.items():
        if name not in known:
            message = {
                "en": f"The report “{report.name}” has no parameter “{name}”",
                "zh": f"报表“{report.name}”没有参数“{name}”",
            }
            checking.add("unknown_parameter", message, "values", name, hint=nearest(name, known) or _PARAMETERS)
        else:
            at, options = checking.at("values", name), known[name].definition.options
            values[name] = compile_choice(raw, known[name].type, at)
            offered = checking.app.forms[report.form].field(options) if options is not None else None
            if (wrong := no_option(values[name], offered)) is not None:
                at.problems.extend([wrong], at.path)
    return values


def _check_reach(filter: CompiledParameter, reports: list[CompiledReport], checking: CheckContext) -> None:
    """A filter that reaches no report, or brings one a value of another kind, does nothing or fails."""
    reached = [(each, own) for each in reports for own in each.parameters if own.name == filter.name]
    if not reached:
        names = {own.name for each in reports for own in each.parameters}
        message = {
            "en": f"No report on this dashboard has a parameter “{filter.name}”, so the filter does nothing",
            "zh": f"仪表盘上没有报表含参数“{filter.name}”，该筛选不起作用",
        }
        checking.add("unknown_parameter", message, "name", hint=nearest(filter.name, names) or _PARAMETERS)
    for report, own in reached:
        if (own.type.name, own.type.form) != (filter.type.name, filter.type.form):
            checking.add(*_misfit(filter, report, own), hint=_SAME_TYPE)
            return


def _misfit(filter: CompiledParameter, report: CompiledReport, own: CompiledParameter) -> tuple[str, Text, str]:
    """The code, the words and the key of a filter that brings a report what it does not take."""
    if own.type.name == filter.type.name:
        message = {
            "en": f"The report “{report.name}” takes a record of another form here",
            "zh": f"报表“{report.name}”的该参数关联的是其他表单",
        }
        return "filter_type", message, "form"
    takes, gives = ({"en": said(each.type, "en"), "zh": said(each.type, "zh")} for each in (own, filter))
    message = {
        "en": f"The report “{report.name}” takes a {takes['en']} here, not a {gives['en']}",
        "zh": f"报表“{report.name}”的该参数为{takes['zh']}，而不是{gives['zh']}",
    }
    return "filter_type", message, "type"


_TOO_WIDE: Text = {"en": "The card does not fit on a grid of twelve columns", "zh": "卡片超出十二列网格"}
_NARROWER: Text = {"en": "Make x and width together at most 12", "zh": "x 与 width 之和不能超过 12"}
_NOT_REACHED: Text = {
    "en": "Only the report itself can count the stages ever reached",
    "zh": "“曾到达”只能由报表自身统计",
}
_REACHED_IN_REPORT: Text = {
    "en": "Write “reached” at the chart of the report",
    "zh": "请在报表的图表上写 reached",
}
_PARAMETERS: Text = {
    "en": "Give the report a parameter of that name, or leave this out",
    "zh": "请为报表添加同名参数，或删去此项",
}
_SAME_TYPE: Text = {
    "en": "Give filter and parameter the same type",
    "zh": "请将筛选与参数设为相同类型",
}
_NO_WHERE: Text = {
    "en": "A filter only brings its value; what it narrows, the reports say",
    "zh": "筛选只传递取值，筛选内容由报表决定",
}
_WHERE_IN_REPORT: Text = {
    "en": "Write the `where` at the parameters of the reports",
    "zh": "请把 where 写在报表的参数上",
}
