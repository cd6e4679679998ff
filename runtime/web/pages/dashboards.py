"""The pages of dashboards and reports: figures, charts, tables, and the records behind a number."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import QueryParams

from engines.compiled import CompiledApp
from engines.json_values import id_in
from engines.reports import groups
from engines.reports.compiled import CompiledDashboard, CompiledParameter, CompiledReport
from engines.reports.result import ResultColumn, ResultRow
from runtime import reports
from runtime.db.engine import REPORT_SECONDS
from runtime.reading import labels_of
from runtime.transaction import Tx
from runtime.web import formats
from runtime.web.api.reports import tell_reports
from runtime.web.pages.fields.looks import kind_of
from runtime.web.pages.fields.views import ColumnView
from runtime.web.pages.lists.listing import Listing
from runtime.web.pages.lists.pages import cells, drawing_of
from runtime.web.pages.page import Page, SignedInOnly

router = APIRouter(include_in_schema=False, prefix="/apps/{app}")
GROUP = "group."
SHOWN_COLUMNS = 6


@router.get("/dashboards/{dashboard}")
def dashboard_page(page: SignedInOnly, app: str, dashboard: str) -> Response:
    with page.visit.heavy(), page.visit.read(REPORT_SECONDS) as tx:
        live = page.services.apps.live(tx, app)
        asked = dict(page.request.query_params)
        found, cards = reports.dashboard(tx, live, dashboard, asked)
        context: dict[str, Any] = {
            "title": page.say(found.title),
            "href": f"/apps/{app}/dashboards/{found.name}",
            "filters": _filters(tx, live, found, asked, page),
            "asked": asked,
            "bands": _bands([_card(page, live, each, asked) for each in cards]),
        }
        if page.is_fragment:
            answer = page.fragment("partials/dashboard.html", **context)
        else:
            answer = page.show(tx, "pages/app/dashboard.html", islands=("chart",), **context)
    return tell_reports(page.visit, answer, app, *(each.answer for each in cards if each.answer is not None))


@router.get("/reports/{report}")
def report_page(page: SignedInOnly, app: str, report: str) -> Response:
    with page.visit.heavy(), page.visit.read(REPORT_SECONDS) as tx:
        live = page.services.apps.live(tx, app)
        asked = dict(page.request.query_params)
        answer = reports.run(tx, live, report, asked)
        card = _answer(page, live, answer, asked)
        context: dict[str, Any] = {
            "title": page.say(answer.report.title),
            "href": f"/apps/{app}/reports/{answer.report.name}",
            "filters": [_filter(tx, live, each, asked, page) for each in answer.report.parameters],
            "bands": [{"figures": False, "cards": [{**card, "width": 12, "height": 7}]}],
        }
        shown = page.show(tx, "pages/app/dashboard.html", islands=("chart",), **context)
    return tell_reports(page.visit, shown, app, answer)


@router.get("/reports/{report}/records")
def records_behind(page: SignedInOnly, app: str, report: str, number: int = 1) -> Response:
    """The drawer with the records behind a number; on its own it is a page."""
    with page.visit.read() as tx:
        live = page.services.apps.live(tx, app)
        query = page.request.query_params
        group = {name.removeprefix(GROUP): value or None for name, value in query.items() if name.startswith(GROUP)}
        asked = {name: value for name, value in query.items() if not name.startswith(GROUP)}
        context: dict[str, Any] = {"drill": _behind(page, tx, live, reports.find(tx, live, report), asked, group)}
        if page.is_fragment:
            return page.fragment("partials/drill.html", **context)
        return page.show(tx, "pages/app/drill.html", **context)


# --- cards ---


def _card(page: Page, app: CompiledApp, card: reports.Card, asked: Mapping[str, str]) -> dict[str, Any]:
    definition = card.definition
    place = {"width": definition.width, "height": definition.height, "heading": page.say(definition.title)}
    if card.answer is None:
        return {"look": "text" if definition.text else "hidden", "text": page.say(definition.text), **place}
    said = _answer(page, app, card.answer, asked)
    return {**said, **place, "heading": place["heading"] or said["heading"]}


def _answer(page: Page, app: CompiledApp, answer: reports.Answer, asked: Mapping[str, str]) -> dict[str, Any]:
    report, result = answer.report, answer.result
    drill = _drill_address(app, report, asked)
    return {
        "id": report.name,
        "look": answer.chart.look,
        "heading": page.say(report.title),
        "option": answer.option(page.language),
        "drill": drill,
        "dimension": result.dimensions[0].name if result.dimensions else "",
        "columns": [page.say(each.title) for each in result.dimensions],
        "measures": [page.say(each.title) for each in result.measures],
        "rows": [_row(page, app, result, row, drill) for row in result.rows],
        "totals": _texts(page, app, result.measures, result.totals, short=False),
        "figures": _figures(page, app, answer),
        "truncated": result.truncated,
        "empty": not any(any(row.values.values()) for row in result.rows),
    }


def _row(page: Page, app: CompiledApp, result: Any, row: ResultRow, drill: str) -> dict[str, Any]:
    group = {f"{GROUP}{column.name}": cell.key or "" for column, cell in zip(result.dimensions, row.cells, strict=True)}
    return {
        "labels": [cell.label for cell in row.cells],
        "texts": _texts(page, app, result.measures, row.values, short=False),
        "href": f"{drill}{'&' if '?' in drill else '?'}{urlencode(group)}",
        "share": _share(result, row),
    }


def _share(result: Any, row: ResultRow) -> int:
    """How long the bar beside a row is, in percent of the longest."""
    first = result.measures[0].name
    values = [each.values[first] for each in result.rows if isinstance(each.values[first], int | Decimal)]
    most = max(values, default=0)
    mine = row.values[first]
    return round(100 * float(mine) / float(most)) if most and isinstance(mine, int | Decimal) and mine > 0 else 0


def _figures(page: Page, app: CompiledApp, answer: reports.Answer) -> list[dict[str, str]]:
    """The figures of a number card; of steps each with its share of the one before."""
    result = answer.result
    if answer.chart.look == "steps":
        shares = answer.chart.shares(result, answer.chart_options)
        return [
            {
                "label": row.cells[0].label,
                "text": _texts(page, app, result.measures, row.values, short=True)[0],
                "more": " · ".join(_texts(page, app, result.measures, row.values, short=True)[1:]),
                "conversion": formats.percent(Decimal(str(share)), 3) if share is not None else "",
            }
            for row, share in zip(result.rows, shares, strict=True)
        ]
    texts = _texts(page, app, result.measures, result.totals, short=True)
    return [{"label": page.say(m.title), "text": text} for m, text in zip(result.measures, texts, strict=True)]


def _texts(
    page: Page, app: CompiledApp, measures: tuple[ResultColumn, ...], values: Mapping[str, Any], short: bool
) -> list[str]:
    return [_text(page, app, each, values.get(each.name), short) for each in measures]


def _text(page: Page, app: CompiledApp, measure: ResultColumn, value: Any, short: bool) -> str:
    if value is None:
        return "—"
    if measure.format == "percent":
        return formats.percent(Decimal(value), 3)
    if not isinstance(value, int | Decimal):
        return str(value.isoformat() if hasattr(value, "isoformat") else value)
    if measure.format == "money":
        if short:
            return f"{formats.sign(app.currency)}{formats.short_number(value, page.language)}"
        return formats.money(Decimal(value), app.currency)
    return (
        formats.short_number(value, page.language) if short else formats.number(Decimal(value), measure.decimals or 0)
    )


def _bands(cards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures that stand beside each other make one strip; the other cards stand on the grid."""
    bands: list[dict[str, Any]] = []
    for card in cards:
        if card["look"] == "hidden":
            continue
        figures = card["look"] == "number"
        if not bands or bands[-1]["figures"] != figures:
            bands.append({"figures": figures, "cards": []})
        bands[-1]["cards"].append(card)
    return bands


# --- filters ---


def _filters(
    tx: Tx, app: CompiledApp, dashboard: CompiledDashboard, asked: Mapping[str, str], page: Page
) -> list[dict[str, Any]]:
    return [_filter(tx, app, each, asked, page) for each in dashboard.filters]


def _filter(
    tx: Tx, app: CompiledApp, parameter: CompiledParameter, asked: Mapping[str, str], page: Page
) -> dict[str, Any]:
    value = asked.get(parameter.name, "")
    kind = parameter.type.name
    return {
        "name": parameter.name,
        "title": page.say(parameter.title),
        "kind": kind,
        "value": value,
        "label": _called(tx, app, parameter, value),
        "search": _search(app, parameter),
    }


def _search(app: CompiledApp, parameter: CompiledParameter) -> str:
    match parameter.type.name:
        case "member":
            return "/pick/members"
        case "department":
            return "/pick/departments"
        case "link":
            return f"/pick/{app.name}/{app.forms[parameter.type.form or ''].name}"
    return ""


def _called(tx: Tx, app: CompiledApp, parameter: CompiledParameter, value: str) -> str:
    id, kind = id_in(value), parameter.type.name
    if id is None:
        return value
    if kind == "link":
        return labels_of(tx, app, parameter.type.form or "", [id]).get(id, "")
    directory: Mapping[int, Any] = (
        tx.organisation.people if kind == "member" else tx.organisation.departments if kind == "department" else {}
    )
    return directory[id].name if id in directory else ""


# --- drill ---


def _drill_address(app: CompiledApp, report: CompiledReport, asked: Mapping[str, str]) -> str:
    known = {each.name for each in report.parameters}
    query = urlencode({name: value for name, value in asked.items() if name in known and value})
    return f"/apps/{app.name}/reports/{report.name}/records" + (f"?{query}" if query else "")


def _behind(
    page: Page,
    tx: Tx,
    app: CompiledApp,
    report: CompiledReport,
    asked: Mapping[str, str],
    group: Mapping[str, str | None],
) -> dict[str, Any]:
    form = app.form(report.form)
    listing = Listing(tx, app, form, drawing_of(page, tx, app), QueryParams())
    wanted = listing.columns[:SHOWN_COLUMNS]
    names = [each.name for each in wanted]
    found = reports.records_behind(tx, app, report.name, asked, group, names)
    return {
        "title": page.say(report.title),
        "group": " · ".join(_group_labels(report, group, page)),
        "total": found.total,
        "shown": len(found.items),
        "form": page.say(form.title),
        "columns": [
            ColumnView(each.key, each.name, listing.drawing.title(listing.field_of(each)), kind_of(each.type))
            for each in wanted
        ],
        "rows": [
            {"href": f"{listing.path}/{each.id}", "label": f"#{each.id}", "cells": cells(listing, each, wanted)}
            for each in found.items
        ],
    }


def _group_labels(report: CompiledReport, group: Mapping[str, str | None], page: Page) -> list[str]:
    chosen = [each for each in report.dimensions if each.name in group]
    shown = [groups.cell(each, groups.typed_key(each, group[each.name]), {}, page.language) for each in chosen]
    return [cell.label for cell in shown if cell.label]
