"""What the browser is told of chosen records: only what the form's expressions read, and the person may see."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from builder_api.publish import import_document
from engines.actor import system
from runtime import organisation, records
from runtime.flows import instances
from runtime.services import Services
from runtime.transaction import run

SHOP = {
    "format": 1,
    "app": "shop",
    "roles": [{"id": "r_clerk", "name": "clerk"}, {"id": "r_keeper", "name": "keeper"}],
    "forms": [
        {
            "id": "t_maker",
            "name": "maker",
            "label": "{{name}}",
            "fields": [
                {"id": "f_maker", "name": "name", "type": "text"},
                {"id": "f_country", "name": "country", "type": "text"},
            ],
        },
        {
            "id": "t_article",
            "name": "article",
            "label": "{{name}}",
            "fields": [
                {"id": "f_name", "name": "name", "type": "text"},
                {"id": "f_price", "name": "price", "type": "money"},
                {"id": "f_cost", "name": "cost", "type": "money"},
                {"id": "f_made_by", "name": "made_by", "type": "link", "form": "maker"},
            ],
        },
        {
            "id": "t_sale",
            "name": "sale",
            "label": "{{told}}",
            "fields": [
                {"id": "f_article", "name": "article", "type": "link", "form": "article"},
                {"id": "f_paid", "name": "paid", "type": "money", "default": "=article.price"},
                {"id": "f_origin", "name": "origin", "type": "formula", "formula": "article.made_by.country"},
                {"id": "f_note", "name": "note", "type": "text", "visible_if": "article.cost > 5"},
                {"id": "f_helper", "name": "helper", "type": "member"},
                {"id": "f_told", "name": "told", "type": "text", "default": "=helper.name"},
            ],
        },
    ],
    "access": [
        {"role": "keeper", "form": "maker", "may": ["create", "read"]},
        {"role": "keeper", "form": "article", "may": ["create", "read"]},
        {"role": "clerk", "form": "maker", "may": ["read"]},
        {
            "role": "clerk",
            "form": "article",
            "may": ["read"],
            "fields": ["name", "price", "made_by"],
            "where": "price < 100",
        },
        {"role": "clerk", "form": "sale", "may": ["create", "read", "update"]},
    ],
}
LINKED = "/apps/shop/forms/sale/linked"


@pytest.fixture
def shop(services: Services, hire: Callable[..., int]) -> dict[str, int]:
    """A shop with a cheap and a dear article; Clara sells, Kim keeps the stock, Nora has nothing to do there."""
    import_document(services, SHOP)
    people = {name: hire(name) for name in ("Clara", "Kim", "Nora")}

    def stock(tx: Any) -> dict[str, int]:
        organisation.grant_role(tx, "shop", "r_clerk", people["Clara"])
        organisation.grant_role(tx, "shop", "r_keeper", people["Kim"])
        app = services.apps.live(tx, "shop")
        maker = records.save(tx, app, "maker", None, {"name": "Ant", "country": "Peru"}).id
        made = {"made_by": str(maker), "cost": 9}
        return {
            "maker": maker,
            "cheap": records.save(tx, app, "article", None, {"name": "Cup", "price": 12.5, **made}).id,
            "dear": records.save(tx, app, "article", None, {"name": "Vase", "price": 900, **made}).id,
            **people,
        }

    return run(services, system("test"), stock)


def test_a_chosen_record_tells_what_the_form_reads_there_and_behind_it_in_one_answer(
    shop: dict[str, int], client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    sign_in("Clara")

    told = client.get(LINKED, params={"of": [f"t_article/{shop['cheap']}", f"member/{shop['Kim']}"]}).json()

    article, maker = told[f"t_article/{shop['cheap']}"], told[f"t_maker/{shop['maker']}"]
    assert (article["f_price"], article["f_made_by"]) == ("12.50", str(shop["maker"]))
    assert article["labels"] == {"f_made_by": "Ant"}
    assert "f_name" not in article
    assert maker["f_country"] == "Peru"
    assert told[f"member/{shop['Kim']}"] == {"id": str(shop["Kim"]), "name": "Kim"}


def test_what_the_person_may_not_see_is_not_told(
    shop: dict[str, int], client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    sign_in("Clara")

    told = client.get(LINKED, params={"of": [f"t_article/{shop['cheap']}", f"t_article/{shop['dear']}"]}).json()

    assert told[f"t_article/{shop['dear']}"] is None
    assert told[f"t_article/{shop['cheap']}"]["hidden"] == ["f_cost"]
    assert "f_cost" not in told[f"t_article/{shop['cheap']}"]


@pytest.mark.parametrize("of", ["t_maker", "t_maker/x", "t_nothing/12", "/", "t_article/99999999999999999999"])
def test_what_names_nothing_tells_nothing(
    shop: dict[str, int], client: TestClient, sign_in: Callable[[str], Any], of: str
) -> None:
    sign_in("Clara")

    answer = client.get(LINKED, params={"of": of})

    assert answer.status_code == 200
    assert not any(answer.json().values())


def test_somebody_without_the_form_is_told_nothing(
    shop: dict[str, int], client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    sign_in("Nora")

    assert client.get(LINKED, params={"of": f"t_article/{shop['cheap']}"}).status_code == 404


def test_the_form_of_a_record_carries_what_its_links_lead_to(
    shop: dict[str, int], client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    sign_in("Clara")

    page = client.get("/apps/shop/forms/sale/new", params={"article": shop["cheap"]}).text

    assert "12.50" in page
    assert "Peru" in page


BIDS = {
    "format": 1,
    "app": "bids",
    "roles": [{"id": "r_seller", "name": "seller"}, {"id": "r_judge", "name": "judge"}],
    "forms": [
        {
            "id": "t_customer",
            "name": "customer",
            "label": "{{name}}",
            "fields": [
                {"id": "f_name", "name": "name", "type": "text"},
                {"id": "f_rate", "name": "rate", "type": "number"},
                {"id": "f_secret", "name": "secret", "type": "number"},
            ],
        },
        {
            "id": "t_bid",
            "name": "bid",
            "fields": [
                {"id": "f_customer", "name": "customer", "type": "link", "form": "customer"},
                {"id": "f_hours", "name": "hours", "type": "number"},
                {"id": "f_cost", "name": "cost", "type": "formula", "formula": "hours * customer.rate"},
                {"id": "f_note", "name": "note", "type": "text", "visible_if": "customer.secret > 5"},
            ],
        },
    ],
    "flows": [
        {
            "id": "w_bid",
            "name": "judging",
            "form": "bid",
            "nodes": [
                {
                    "type": "approval",
                    "name": "judge",
                    "approvers": {"role": "judge"},
                    "mode": "any",
                    "fields": {"hours": "write", "*": "read"},
                    "related": [{"link": "customer", "fields": ["name", "rate"]}],
                }
            ],
        }
    ],
    "access": [
        {"role": "seller", "form": "customer", "may": ["create", "read"]},
        {"role": "seller", "form": "bid", "may": ["create", "read", "start_flow"]},
    ],
}


def test_who_reads_a_related_record_through_a_task_gets_its_values_as_far_as_the_task_shows_them(
    services: Services, hire: Callable[..., int], client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    import_document(services, BIDS)
    seller, judge = hire("Sol"), hire("Judy")

    def submit(tx: Any) -> tuple[int, int]:
        organisation.grant_role(tx, "bids", "r_seller", seller)
        organisation.grant_role(tx, "bids", "r_judge", judge)
        app = services.apps.live(tx, "bids")
        mine, other = (
            records.save(tx, app, "customer", None, {"name": name, "rate": 7, "secret": 9}).id for name in ("Ada", "Bo")
        )
        bid = records.save(tx, app, "bid", None, {"customer": str(mine), "hours": 2}).id
        instances.start(tx, app, "w_bid", "t_bid", bid)
        return mine, other

    mine, other = run(services, system("test"), submit)
    sign_in("Judy")

    task = client.get("/api/v1/tasks").json()["items"][0]["id"]
    drawn = re.search(r"data-state>(.*?)</script>", client.get(f"/todo/{task}").text, re.DOTALL)
    asked = [f"t_customer/{mine}", f"t_customer/{other}"]
    told = client.get("/apps/bids/forms/bid/linked", params={"of": asked}).json()

    assert drawn is not None
    assert json.loads(drawn[1])["linked"] == {asked[0]: told[asked[0]]}
    assert (told[asked[0]]["f_rate"], told[asked[0]]["hidden"]) == ("7.0000", ["f_secret"])
    assert told[asked[1]] is None
