"""A default is for what nobody answered: a blank that was sent on purpose stays blank, by the API and by pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from builder_api.publish import import_document
from engines.actor import system
from runtime import organisation, records
from runtime.services import Services
from runtime.transaction import run

PRICE = {"name": "price", "type": "money", "default": "=product.price"}
PRODUCT = {"name": "product", "type": "link", "form": "product"}
STALL = {
    "format": 1,
    "app": "stall",
    "roles": [{"id": "r_seller", "name": "seller"}],
    "forms": [
        {
            "id": "t_product",
            "name": "product",
            "label": "{{name}}",
            "fields": [{"name": "name", "type": "text"}, {"name": "price", "type": "money"}],
        },
        {
            "id": "t_offer",
            "name": "offer",
            "fields": [PRODUCT, PRICE, {"name": "lines", "type": "subform", "fields": [PRODUCT, PRICE]}],
        },
    ],
    "access": [
        {"role": "seller", "form": "product", "may": ["read"]},
        {"role": "seller", "form": "offer", "may": ["create", "read", "update"]},
    ],
}
API, PAGE = "/api/v1/apps/stall/forms/offer/records", "/apps/stall/forms/offer/new"


@pytest.fixture
def cup(services: Services, hire: Callable[..., int], sign_in: Callable[[str], Any]) -> str:
    """The id of a cup for 12.50; Sal is at the stall."""
    import_document(services, STALL)
    seller = hire("Sal")

    def stock(tx: Any) -> int:
        organisation.grant_role(tx, "stall", "r_seller", seller)
        return int(
            records.save(tx, services.apps.live(tx, "stall"), "product", None, {"name": "Cup", "price": 12.5}).id
        )

    made = run(services, system("test"), stock)
    sign_in("Sal")
    return str(made)


def test_the_api_takes_null_for_a_blank_and_fills_what_is_absent(cup: str, client: TestClient) -> None:
    lines = [{"product": cup}, {"product": cup, "price": None}, {"product": cup, "price": 3}]
    sent = [{"product": cup, "lines": lines}, {"product": cup, "price": None}]

    made = [client.post(API, json={"values": values}).json()["values"] for values in sent]

    assert [each["price"] for each in made] == [12.5, None]
    assert [each["price"] for each in made[0]["lines"]] == [12.5, None, 3]


def test_a_page_fills_a_box_that_nobody_touched_and_leaves_one_that_was_emptied(cup: str, client: TestClient) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get(PAGE).text)
    assert csrf is not None
    form = {"csrf": csrf[1], "product": cup, "price": ""}
    form |= {"lines": "", "lines.new1.id": "", "lines.new1.product": cup, "lines.new1.price": ""}
    form |= {"lines.new2.id": "", "lines.new2.product": cup, "lines.new2.price": ""}

    untouched = _saved(client, form)
    emptied = _saved(client, {**form, "left-empty": ["price", "lines.new2.price"]})

    assert (untouched["price"], [each["price"] for each in untouched["lines"]]) == (12.5, [12.5, 12.5])
    assert (emptied["price"], [each["price"] for each in emptied["lines"]]) == (None, [12.5, None])


@pytest.mark.parametrize("name", ["nothing", "lines", "lines.", "lines.new1", "lines.new9.price", "a.b.c.d"])
def test_a_box_that_is_none_is_no_trouble(cup: str, client: TestClient, name: str) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get(PAGE).text)
    assert csrf is not None

    assert _saved(client, {"csrf": csrf[1], "product": cup, "price": "", "left-empty": name})["price"] == 12.5


def _saved(client: TestClient, form: dict[str, Any]) -> dict[str, Any]:
    page = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert page.status_code == 200, page.text
    record = page.headers["HX-Redirect"].rsplit("/", 1)[1]
    values: dict[str, Any] = client.get(f"{API}/{record}").json()["values"]
    return values
