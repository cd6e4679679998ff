"""Run reports and dashboards as whoever looks, and find the records behind a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines import reports as report_engine
from engines.access import may
from engines.compiled import CompiledApp
from engines.relation.masked import Relation
from engines.reports.chart_type import ChartType
from engines.reports.compiled import CompiledDashboard, CompiledReport
from engines.reports.result import Result
from metadata.problems import ROOT, NotFound, Problem
from runtime.db import tables
from runtime.facts import facts_of
from runtime.reading import Shown, shown_records
from runtime.reading.question import Question
from runtime.reading.showing import labels_for

if TYPE_CHECKING:
    from runtime.transaction import Tx

PAGE_SIZE = 50


@dataclass(frozen=True)
class Answer:
    """A report as it came out for one viewer, with the chart that shows it and the parameters that were taken."""

    report: CompiledReport
    result: Result
    chart: ChartType
    chart_options: Any
    parameters: Mapping[str, Any]

    def option(self, language: str) -> dict[str, Any]:
        """The drawing, as data for the page."""
        return self.chart.option(self.result, self.chart_options, language)


@dataclass(frozen=True)
class Card:
    """A place on a dashboard; `answer` is None for words and for reports that the viewer may not see."""

    definition: Any
    answer: Answer | None


@dataclass(frozen=True)
class Behind:
    """The records behind a number, one page of them."""

    items: tuple[Shown, ...]
    total: int
    page: int
    size: int


def reports_of(tx: "Tx", app: CompiledApp) -> list[CompiledReport]:
    """The reports that the actor may run."""
    return [each for each in app.reports.reports.values() if _is_open(tx, app, each)]


def dashboards_of(tx: "Tx", app: CompiledApp) -> list[CompiledDashboard]:
    """The dashboards that are for the actor and show him something."""
    return [each for each in app.reports.dashboards.values() if _is_for(tx, app, each.roles) and _shows(tx, app, each)]


def find(tx: "Tx", app: CompiledApp, name: str) -> CompiledReport:
    """The report by name; NotFound where it is not for the actor."""
    report: CompiledReport | None = app.reports.report(name)
    if report is None or not _is_open(tx, app, report):
        raise _no_report(name)
    return report


def run(tx: "Tx", app: CompiledApp, name: str, raw: Mapping[str, Any], as_of: datetime | None = None) -> Answer:
    """Run a report for the actor with the parameters he chose, over the records of now or of a moment."""
    return _run(tx, app, find(tx, app, name), raw, None, as_of=as_of)


def dashboard(tx: "Tx", app: CompiledApp, name: str, raw: Mapping[str, Any]) -> tuple[CompiledDashboard, list[Card]]:
    """Run every card of a dashboard; its filters reach the parameters of the same name."""
    found: CompiledDashboard | None = app.reports.dashboard(name)
    if found is None or not _is_for(tx, app, found.roles) or not _shows(tx, app, found):
        raise _no_report(name)
    facts = facts_of(tx, app, tx.actor)
    filters = report_engine.given(found.filters, raw, facts)
    return found, [_card(tx, app, each, filters) for each in found.cards]


def records_behind(
    tx: "Tx",
    app: CompiledApp,
    name: str,
    raw: Mapping[str, Any],
    group: Mapping[str, str | None],
    fields: Sequence[str] | None = None,
    page: int = 1,
    size: int = PAGE_SIZE,
    as_of: datetime | None = None,
) -> Behind:
    """The records of a group (dimension name -> key) that the actor may see, the newest first."""
    report = find(tx, app, name)
    question = Question.of(tx, app, report.form, as_of=as_of)
    facts = question.facts
    parameters = report_engine.given(report.parameters, raw, facts)
    relation = _relation(question)
    conditions = report_engine.drill(report, parameters, group, relation, facts, tx.dialect)
    matching = relation.select({"id": relation.column("id")}).where(*conditions)
    newest = matching.order_by(relation.column("id").desc()).limit(size).offset((page - 1) * size)
    ids = list(tx.connection.execute(newest).scalars())
    total = tx.connection.execute(sa.select(sa.func.count()).select_from(matching.subquery())).scalar_one()
    return Behind(tuple(shown_records(tx, app, report.form, ids, fields=fields, as_of=as_of)), total, page, size)


def _run(
    tx: "Tx",
    app: CompiledApp,
    report: CompiledReport,
    raw: Mapping[str, Any],
    card: Any,
    typed: bool = False,
    as_of: datetime | None = None,
) -> Answer:
    question = Question.of(tx, app, report.form, as_of=as_of)
    facts = question.facts
    parameters = dict(raw) if typed else report_engine.given(report.parameters, raw, facts)
    history = _history(app, report, as_of)
    query = report_engine.execute(report, parameters, lambda: _relation(question), facts, tx.dialect, history)
    fetched = [_rows(tx, statement) for statement in query.statements]
    totals = [_rows(tx, statement) for statement in query.totals]
    labels = _labels(question, query, fetched)
    result = report_engine.conclude(query, fetched, totals, labels, tx.actor.language)
    written = getattr(card, "chart", None)
    chart = tx.services.kinds.charts.get(written.type) if written is not None else report.chart
    return Answer(report, result, chart, written or report.chart_options, parameters)


def _card(tx: "Tx", app: CompiledApp, card: Any, filters: Mapping[str, Any]) -> Card:
    report = app.reports.reports.get(card.report) if card.report is not None else None
    if report is None or not _is_open(tx, app, report):
        return Card(card.definition, None)
    facts = facts_of(tx, app, tx.actor)
    own = report_engine.given(report.parameters, {}, facts) | report_engine.chosen_by(card.values, facts)
    reached = {each.name: filters[each.name] for each in report.parameters if filters.get(each.name) is not None}
    return Card(card.definition, _run(tx, app, report, own | reached, card.definition, typed=True))


def _relation(question: Question) -> Relation:
    return question.relation(question.at_once())


def _history(app: CompiledApp, report: CompiledReport, as_of: datetime | None) -> Any:
    """The stage history of the report's form, up to a moment; nothing where no stage is followed."""
    if report.stage is None:
        return None
    spans = tables.stage_span
    of_form = sa.and_(spans.c.app == app.name, spans.c.form == report.form)
    if as_of is not None:
        of_form = sa.and_(of_form, spans.c.entered_at <= as_of)
    return sa.select(spans.c.record, spans.c.field, spans.c.value).where(of_form).subquery()


def _rows(tx: "Tx", statement: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in tx.connection.execute(statement).mappings()]


def _labels(question: Question, query: Any, fetched: Any) -> dict[tuple[str, str], str]:
    labels: dict[tuple[str, str], str] = {}
    kinds = {each.name: each.type for each in query.report.dimensions}
    for name, ids in report_engine.keys_to_label(query, fetched).items():
        called = _called(question, kinds[name], ids)
        labels |= {(name, str(id)): called.get(id, f"#{id}") for id in ids}
    return labels


def _called(question: Question, type: Any, ids: set[int]) -> Mapping[int, str]:
    if type.name == "link":
        target = question.elsewhere(type.form)
        return labels_for(target, ids) if ids and target.is_open else {}
    people = question.tx.organisation
    directory = people.people if type.name == "member" else people.departments
    return {id: directory[id].name for id in ids if id in directory}


def _is_open(tx: "Tx", app: CompiledApp, report: CompiledReport) -> bool:
    return may(app, tx.actor, "read", report.form) and _is_for(tx, app, report.roles)


def _is_for(tx: "Tx", app: CompiledApp, roles: frozenset[str]) -> bool:
    return not roles or tx.actor.is_system or bool(roles & tx.actor.roles_in(app.name))


def _shows(tx: "Tx", app: CompiledApp, dashboard: CompiledDashboard) -> bool:
    reports = [app.reports.reports[each.report] for each in dashboard.cards if each.report is not None]
    return any(_is_open(tx, app, each) for each in reports)


def _no_report(name: str) -> NotFound:
    message = {"en": f"There is no report “{name}”", "zh": f"不存在报表“{name}”"}
    return NotFound(Problem(ROOT, "not_found", message))
