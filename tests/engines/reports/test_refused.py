"""Reports and dashboards that could not be drawn, or would draw nonsense, are refused with their place."""

from typing import Any

import pytest

from tests.engines.forms.play import field, form, problems_of

FORMS = (
    form("customer", field("name")),
    form(
        "deal",
        field("title"),
        field("customer", "link", form="customer"),
        field("amount", "money"),
        field("state", "select", options=["open", "won", "lost"]),
        field("labels", "multi_select", options=["hot", "cold"]),
        field("due", "date"),
    ),
)
COUNT, SUM, LAST = {"name": "n", "count": True}, {"name": "sum", "sum": "amount"}, {"name": "last", "max": "due"}
AVERAGE = {"name": "mean", "avg": "amount"}
PARAMETERS = [
    {"name": "since", "type": "date", "where": "due >= since"},
    {"name": "of", "type": "link", "form": "customer", "where": "customer == of"},
]
STATE = {
    "name": "state_is",
    "type": "text",
    "options": "state",
    "default": {"text": "open"},
    "where": "state == state_is",
}
REPORT = {"name": "r", "form": "deal", "measures": [COUNT], "dimensions": ["state"], "parameters": [*PARAMETERS, STATE]}


def chart(type: str, **more: Any) -> dict[str, Any]:
    return {"chart": {"type": type, **more}}


REPORTS: list[tuple[dict[str, Any], str, str]] = [
    ({**chart("bar"), "measures": [LAST]}, "/measures/0", "not_a_figure"),
    ({**chart("line"), "measures": [COUNT, LAST]}, "/measures/1", "not_a_figure"),
    ({**chart("funnel"), "measures": [LAST]}, "/measures/0", "not_a_figure"),
    ({**chart("pie"), "measures": [AVERAGE]}, "/measures/0", "wrong_aggregate"),
    ({**chart("line"), "dimensions": ["title"]}, "/dimensions/0", "no_order"),
    ({**chart("line"), "dimensions": ["customer"]}, "/dimensions/0", "no_order"),
    ({**chart("line"), "dimensions": ["labels"]}, "/dimensions/0", "no_order"),
    ({**chart("bar"), "dimensions": ["state", "due"], "measures": [COUNT, SUM]}, "/measures", "wrong_measures"),
    (chart("funnel", stages=["open", "opn"]), "/chart/stages/1", "not_an_option"),
    (chart("funnel", stages=["open", "won", "open"]), "/chart/stages/2", "duplicate_option"),
    ({**chart("funnel"), "dimensions": ["customer"]}, "/dimensions/0", "not_a_choice"),
    ({**chart("funnel"), "dimensions": ["labels"]}, "/dimensions/0", "not_a_choice"),
    ({"measures": [COUNT, COUNT]}, "/measures/1", "duplicate_name"),
    ({"dimensions": ["state", {"field": "due", "name": "state"}]}, "/dimensions/1", "duplicate_name"),
    ({"measures": [COUNT, {"name": "v", "value": "n", "where": "amount > 1"}]}, "/measures/1/where", "useless_key"),
    ({"parameters": [*PARAMETERS, {**PARAMETERS[1]}]}, "/parameters/2", "duplicate_name"),
    ({"parameters": [{"name": "s", "type": "text", "options": "amount"}]}, "/parameters/0/options", "not_a_choice"),
    (
        {"parameters": [{"name": "s", "type": "text", "options": "state", "default": "opn"}]},
        "/parameters/0/default",
        "not_an_option",
    ),
    (
        {"parameters": [{"name": "s", "type": "text", "options": "state", "default": ["open"]}]},
        "/parameters/0/default",
        "not_an_option",
    ),
    ({"parameters": [{"name": "s", "type": "text", "form": "deal"}]}, "/parameters/0/form", "useless_key"),
    ({"parameters": [{"name": "s", "type": "link"}]}, "/parameters/0/form", "unknown_form"),
    ({"parameters": [{"name": "s", "type": "member", "default": "7"}]}, "/parameters/0/default", "id_in_definition"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "place", "code"), REPORTS)
def test_a_report_that_cannot_be_drawn_is_refused(said: dict[str, Any], place: str, code: str) -> None:
    assert problems_of(*FORMS, reports=[{**REPORT, **said}]) == [(f"/reports/0{place}", code)]


DASHBOARDS: list[tuple[dict[str, Any], str, str]] = [
    ({"filters": [{"name": "since", "type": "text"}]}, "/filters/0/type", "filter_type"),
    ({"filters": [{"name": "of", "type": "link", "form": "deal"}]}, "/filters/0/form", "filter_type"),
    ({"filters": [{"name": "sinse", "type": "date"}]}, "/filters/0/name", "unknown_parameter"),
    ({"filters": [{"name": "since", "type": "date"}] * 2}, "/filters/1", "duplicate_name"),
    ({"cards": [{"report": "r", "values": {"sinse": "2026-03-01"}}]}, "/cards/0/values/sinse", "unknown_parameter"),
    ({"cards": [{"report": "r", "values": {"since": "soon"}}]}, "/cards/0/values/since", "wrong_type"),
    ({"cards": [{"report": "r", "values": {"since": "=5"}}]}, "/cards/0/values/since", "type_mismatch"),
    ({"cards": [{"report": "r", "values": {"of": "1042"}}]}, "/cards/0/values/of", "id_in_definition"),
    ({"cards": [{"report": "r", "values": {"state_is": ["open"]}}]}, "/cards/0/values/state_is", "not_an_option"),
    ({"cards": [{"report": "r", **chart("number")}]}, "/cards/0/chart", "wrong_dimensions"),
    ({"cards": [{"report": "r", **chart("funnel", stages=["opn"])}]}, "/cards/0/chart/stages/0", "not_an_option"),
    ({"cards": [{"report": "r", **chart("funnel", reached=True)}]}, "/cards/0/chart/reached", "not_a_stage"),
    ({"filters": [{"name": "since", "type": "date", "where": "since > today"}]}, "/filters/0/where", "useless_key"),
    ({"cards": [{"report": "r", "x": 8}]}, "/cards/0/width", "out_of_range"),
]


@pytest.mark.parametrize(("said", "place", "code"), DASHBOARDS)
def test_a_dashboard_that_does_not_fit_its_reports_is_refused(said: dict[str, Any], place: str, code: str) -> None:
    dashboard = {"name": "main", "cards": ["r"], **said}

    assert problems_of(*FORMS, reports=[REPORT], dashboards=[dashboard]) == [(f"/dashboards/0{place}", code)]


def test_what_can_be_drawn_is_accepted() -> None:
    said = [chart("line"), chart("funnel", stages=["won", "open"]), {**chart("line"), "dimensions": ["due"]}]
    reports = [{**REPORT, "name": f"r{index}", **each} for index, each in enumerate(said)]
    card = {
        "report": "r0",
        "values": {"since": "=today - 30", "state_is": {"text": "won"}},
        "x": 0,
        "width": 12,
        **chart("bar"),
    }
    dashboard = {"name": "main", "filters": [{"name": "since", "type": "date"}], "cards": [card, "r1", "r2"]}

    assert problems_of(*FORMS, reports=reports, dashboards=[dashboard]) == []
