"""Reports and dashboards over HTTP: their results, and the records behind a number."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from metadata.problems import ROOT, Invalid, Problem, nearest
from metadata.text import say
from runtime import reports
from runtime.db.engine import REPORT_SECONDS
from runtime.web.answers import JsonResponse
from runtime.web.api.record_json import record_json
from runtime.web.deps import SignedIn
from runtime.web.incoming import moment_in, number_in
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1/apps/{app}", tags=["reports"])
GROUP = "group."
OWN_KEYS = ("page", "size", "fields", "as_of")


@router.get("/reports")
def list_reports(app: str, visit: SignedIn) -> JsonResponse:
    """The reports that the caller may run."""
    with visit.read() as tx:
        live = visit.services.apps.live(tx.connection, app)
        items = [{"name": e.name, "title": say(e.title, visit.language)} for e in reports.reports_of(tx, live)]
    return JsonResponse({"items": items})


@router.get("/reports/{report}")
def run_report(app: str, report: str, visit: SignedIn) -> Response:
    """Run a report; its parameters are query parameters, and `as_of` is the moment to look back to."""
    as_of = moment_in(visit.request.query_params.get("as_of"))
    with visit.heavy(), visit.read(REPORT_SECONDS) as tx:
        live = visit.services.apps.live(tx.connection, app)
        _refuse_unknown(visit, "as_of", *_names(reports.find(tx, live, report).parameters))
        answer = reports.run(tx, live, report, _parameters(visit), as_of)
    return tell_reports(visit, JsonResponse(answer_as_json(answer, visit.language)), app, answer)


@router.get("/reports/{report}/records")
def records_behind(app: str, report: str, visit: SignedIn) -> JsonResponse:
    """The records behind a number: `group.<dimension>=<key>` narrows them down (an empty key is the blank group)."""
    query = visit.request.query_params
    group = {name.removeprefix(GROUP): value or None for name, value in query.items() if name.startswith(GROUP)}
    fields = tuple(query["fields"].split(",")) if query.get("fields") else None
    page, size = _whole(query, "page", 1, 10_000), _whole(query, "size", reports.PAGE_SIZE, 200)
    as_of = moment_in(query.get("as_of"))
    with visit.heavy(), visit.read(REPORT_SECONDS) as tx:
        live = visit.services.apps.live(tx.connection, app)
        found = reports.find(tx, live, report)
        groups = (GROUP + name for name in _names(found.dimensions))
        _refuse_unknown(visit, *OWN_KEYS, *groups, *_names(found.parameters))
        behind = reports.records_behind(tx, live, report, _parameters(visit), group, fields, page, size, as_of)
        form = live.form(found.form)
        items = [record_json(live, form, each) for each in behind.items]
    return JsonResponse({"items": items, "page": {"page": page, "size": size, "total": behind.total}})


@router.get("/dashboards")
def list_dashboards(app: str, visit: SignedIn) -> JsonResponse:
    """The dashboards that are for the caller."""
    with visit.read() as tx:
        live = visit.services.apps.live(tx.connection, app)
        items = [{"name": e.name, "title": say(e.title, visit.language)} for e in reports.dashboards_of(tx, live)]
    return JsonResponse({"items": items})


@router.get("/dashboards/{dashboard}")
def run_dashboard(app: str, dashboard: str, visit: SignedIn) -> Response:
    """Run all cards of a dashboard; its filters are query parameters."""
    with visit.heavy(), visit.read(REPORT_SECONDS) as tx:
        live = visit.services.apps.live(tx.connection, app)
        found, cards = reports.dashboard(tx, live, dashboard, _parameters(visit))
        _refuse_unknown(visit, *_names(found.filters))
    told = [_card(each, visit.language) for each in cards]
    answer = JsonResponse({"name": found.name, "title": say(found.title, visit.language), "cards": told})
    return tell_reports(visit, answer, app, *(each.answer for each in cards if each.answer is not None))


def tell_reports(visit: Visit, shown: Response, app: str, *answers: reports.Answer) -> Response:
    """Say in the audit which reports somebody has seen, with how many rows; not what stood in them."""
    rows = {answer.report.name: len(answer.result.rows) for answer in answers}
    if not rows:
        return shown
    return visit.tell(shown, "reports_run", kind="report", object=next(iter(rows)), app=app, detail={"rows": rows})


def answer_as_json(answer: reports.Answer, language: str) -> dict[str, Any]:
    """A report's answer: who it is, its result, and the drawing as data."""
    report = answer.report
    said = {"name": report.name, "title": say(report.title, language), **answer.result.as_json(language)}
    return said | {"chart": {"type": answer.chart.name, "look": answer.chart.look, "option": answer.option(language)}}


def _card(card: reports.Card, language: str) -> dict[str, Any]:
    place = {key: getattr(card.definition, key) for key in ("x", "y", "width", "height")}
    text = say(card.definition.text, language) if card.definition.text else None
    return place | {"text": text, "report": answer_as_json(card.answer, language) if card.answer else None}


def _names(things: Iterable[Any]) -> list[str]:
    return [each.name for each in things]


def _refuse_unknown(visit: Visit, *known: str) -> None:
    """A misspelt parameter or group must not answer with everything."""
    unknown = [name for name in visit.request.query_params if name not in known]
    if unknown:
        message = {"en": "There is no such key", "zh": "不存在该键"}
        raise Invalid(*[Problem(ROOT / name, "unknown_key", message, nearest(name, known)) for name in unknown])


def _parameters(visit: Visit) -> dict[str, str]:
    query = visit.request.query_params
    return {name: value for name, value in query.items() if name not in OWN_KEYS and not name.startswith(GROUP)}


def _whole(query: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    number = number_in(query.get(name, str(otherwise)))
    if number is not None and 1 <= number <= most:
        return number
    message = {"en": f"“{name}” is a number from 1 to {most}", "zh": f"“{name}”须为 1 到 {most} 的整数"}
    raise Invalid(Problem(ROOT / name, "out_of_range", message))
