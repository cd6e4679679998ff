"""Reports and dashboards over HTTP: results, drawings, drill, filters, and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from builder_api import publish
from engines.actor import system
from runtime import organisation, transaction
from runtime.db import tables
from runtime.services import Services
from tests.runtime.reports.conftest import DEFINITION

REPORTS = [
    {
        "name": "by_stage",
        "form": "order",
        "parameters": [{"name": "cheaper", "type": "number", "where": "freight < cheaper"}],
        "dimensions": ["stage"],
        "measures": [{"name": "orders", "count": True}, {"name": "money", "sum": "freight"}],
        "chart": {"type": "bar"},
    },
    {"name": "customers", "form": "customer", "measures": [{"name": "number", "count": True}]},
]
DASHBOARD = {
    "name": "overview",
    "filters": [{"name": "cheaper", "type": "number"}],
    "cards": [{"report": "by_stage", "width": 8}, {"report": "customers", "width": 4}, {"text": "Good morning"}],
}


@pytest.fixture
def shop(services: Services, client: TestClient, hire: Callable[..., int], sign_in: Callable[[str], Any]) -> TestClient:
    """Boss and Clerk, and three orders: 10 asked, 20 won, 100 won."""
    document = json.loads(json.dumps({**DEFINITION, "reports": REPORTS, "dashboards": [DASHBOARD]}))
    publish.import_document(services, document)
    for name in ("Boss", "Clerk"):
        member = hire(name)
        transaction.run(
            services,
            system("test"),
            lambda tx, n=name, m=member: organisation.grant_role(tx, "shop", f"r_{n.lower()}", m),
        )
    sign_in("Boss")
    for title, freight, stage in (("a", 10, "asked"), ("b", 20, "won"), ("c", 100, "won")):
        values = {"title": title, "freight": freight, "stage": stage}
        assert client.post("/api/v1/apps/shop/forms/order/records", json={"values": values}).status_code == 201
    return client


def test_a_report_answers_with_rows_totals_and_its_drawing(shop: TestClient) -> None:
    found = shop.get("/api/v1/apps/shop/reports/by_stage").json()

    assert [(row["stage"]["key"], row["orders"], row["money"]) for row in found["rows"]] == [
        ("asked", 1, 10),
        ("won", 2, 120),
    ]
    assert found["totals"] == {"orders": 3, "money": 130}
    assert found["chart"]["type"] == "bar"
    assert found["chart"]["option"]["series"][0]["data"][1] == {"value": 2.0, "key": "won"}


def test_the_records_behind_a_number_are_listed(shop: TestClient) -> None:
    found = shop.get("/api/v1/apps/shop/reports/by_stage/records?group.stage=won&fields=title").json()

    assert sorted(item["values"]["title"] for item in found["items"]) == ["b", "c"]
    assert found["page"]["total"] == 2


def test_the_filter_of_a_dashboard_reaches_the_reports_that_know_it(shop: TestClient) -> None:
    found = shop.get("/api/v1/apps/shop/dashboards/overview?cheaper=50").json()

    first, second, third = found["cards"]
    assert first["report"]["totals"] == {"orders": 2, "money": 30}
    assert second["report"]["rows"] == [{"number": 0}]
    assert third["text"] == "Good morning"


def test_a_clerk_counts_his_orders_and_learns_of_no_customers(shop: TestClient, sign_in: Callable[[str], Any]) -> None:
    sign_in("Clerk")

    assert shop.get("/api/v1/apps/shop/reports/by_stage").json()["totals"] == {"orders": 2, "money": 30}
    assert shop.get("/api/v1/apps/shop/reports/customers").status_code == 404
    cards = shop.get("/api/v1/apps/shop/dashboards/overview").json()["cards"]
    assert cards[1]["report"] is None
    names = [each["name"] for each in shop.get("/api/v1/apps/shop/reports").json()["items"]]
    assert names == ["by_stage"]


def test_what_cannot_be_asked_is_refused_with_a_problem(shop: TestClient) -> None:
    wanted = {
        "/reports/nothing": 404,
        "/dashboards/nothing": 404,
        "/reports/by_stage?cheaper=much": 422,
        "/reports/by_stage?cheeper=50": 422,
        "/reports/by_stage/records?size=0": 422,
        "/reports/by_stage/records?size=100000": 422,
        "/reports/by_stage/records?page=x": 422,
        "/reports/by_stage/records?fields=nothing": 422,
        "/reports/by_stage/records?group.stag=won": 422,
        "/dashboards/overview?cheeper=50": 422,
    }
    answers = {address: shop.get(f"/api/v1/apps/shop{address}") for address in wanted}

    assert {address: answer.status_code for address, answer in answers.items()} == wanted
    assert {answer.headers["content-type"] for answer in answers.values()} == {"application/problem+json"}
    misspelt = answers["/reports/by_stage/records?group.stag=won"].json()["errors"]
    assert (misspelt[0]["path"], misspelt[0]["hint"]) == ("/group.stag", "Did you mean “group.stage”?")


def test_who_runs_a_report_is_told_with_the_number_of_rows(shop: TestClient, services: Services) -> None:
    shop.get("/api/v1/apps/shop/reports/by_stage")
    shop.get("/api/v1/apps/shop/dashboards/overview")

    with services.database.read() as connection:
        told = connection.execute(select(tables.audit.c.detail).where(tables.audit.c.action == "reports_run")).scalars()
        assert list(told) == [{"rows": {"by_stage": 2}}, {"rows": {"by_stage": 2, "customers": 1}}]
