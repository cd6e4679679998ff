"""A total that a job is about to work out is told of wherever it is shown, and to nobody else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from engines.actor import system
from runtime import organisation, transaction
from tests.runtime.totals.conftest import Shop, field, form, shop, total

ACCOUNT = form(
    "account",
    field("name"),
    total("spent", "payment", "account", sum="amount", eventual=True, declassify=True),
    total("largest", "payment", "account", max="amount", eventual=True, declassify=True),
    field("left", "formula", formula="100 - spent", decimals=2, declassify=True),
)
PAYMENT = form("payment", field("account", "link", form="account"), field("amount", "money"))
READS = "/api/v1/apps/shop/forms/account/records"


@pytest.fixture
def account(stage: Shop, hire: Callable[..., int]) -> int:
    """An account with a payment that is not in its total yet; Kim keeps the shop, Gus may see a little of it."""
    guests = [
        {"role": "guest", "form": "account", "may": ["read"], "where": "name == 'Ours'", "fields": ["name", "left"]},
        {"role": "guest", "form": "account", "may": ["read"], "where": "name == 'Open'",
         "fields": ["name", "spent", "largest"]},
    ]  # fmt: skip
    stage.publish(shop(ACCOUNT, PAYMENT, access=guests))
    for name, role in (("Kim", "keeper"), ("Gus", "guest")):
        member = hire(name, language="zh" if name == "Kim" else "en")
        work = lambda tx, member=member, role=role: organisation.grant_role(tx, "shop", f"r_{role}", member)  # noqa: E731
        transaction.run(stage.services, system("test"), work)
    account = stage.save("account", name="Ours")
    stage.settle()
    stage.save("payment", account=account, amount=30)
    return account


@pytest.fixture
def reads(client: TestClient, sign_in: Callable[[str], Any], account: int) -> Iterator[Callable[[str, str], Any]]:
    def read(who: str, path: str) -> Any:
        sign_in(who)
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return answer

    return read  # type: ignore[return-value]


def test_the_api_names_what_is_updating(reads: Any, stage: Shop, account: int) -> None:
    one = reads("Kim", f"{READS}/{account}").json()
    (listed,) = reads("Kim", f"{READS}?fields=name,spent").json()["items"]

    assert (one["values"]["spent"], one["updating"]) == (0, ["largest", "left", "spent"])
    assert listed["updating"] == ["spent"]
    assert "updating" not in reads("Kim", f"{READS}?fields=name").json()["items"][0]
    stage.settle()
    one = reads("Kim", f"{READS}/{account}").json()
    assert (one["values"]["spent"], "updating" in one) == (30, False)


def test_pages_say_so_in_both_languages(reads: Any, account: int) -> None:
    assert reads("Kim", f"/apps/shop/forms/account/{account}").text.count("更新中") >= 3
    assert "更新中" in reads("Kim", "/apps/shop/forms/account").text
    assert reads("Gus", f"/apps/shop/forms/account/{account}").text.count("Updating") == 1


def test_nobody_learns_of_a_total_that_he_may_not_read(reads: Any, stage: Shop, account: int) -> None:
    assert reads("Gus", f"{READS}/{account}").json()["updating"] == ["left"]

    other = stage.save("account", name="Open")
    stage.save("payment", account=other, amount=5)
    assert reads("Gus", f"{READS}/{other}").json()["updating"] == ["spent"]


def test_a_task_does_not_tell_of_a_total_that_its_node_hides(
    stage: Shop, hire: Callable[..., int], client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    shown = {"*": "read", "spent": "hidden"}
    node = {"type": "approval", "name": "see", "approvers": {"role": "guest"}, "fields": shown}
    flow = {"name": "look", "form": "account", "nodes": [node]}
    stage.publish(shop(ACCOUNT, PAYMENT, flows=[flow]))
    for name, role in (("Kim", "keeper"), ("Gus", "guest")):
        member = hire(name)
        stage.run(lambda tx, member=member, role=role: organisation.grant_role(tx, "shop", f"r_{role}", member))
    account = stage.save("account", name="Ours")
    stage.save("payment", account=account, amount=30)
    sign_in("Kim")
    started = client.post("/api/v1/apps/shop/flows/look/instances", json={"record": str(account)})
    assert started.status_code == 201, started.text

    sign_in("Gus")
    (task,) = client.get("/api/v1/tasks").json()["items"]
    record = client.get(f"/api/v1/tasks/{task['id']}").json()["record"]

    assert ("spent" in record["values"], "largest" in record["values"]) == (False, True)
    assert record["updating"] == ["largest", "left"]
