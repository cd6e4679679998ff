"""What a deletion takes along, leaves behind, or is stopped by; and what comes back."""

from typing import Any

import pytest

from metadata.problems import Conflict, NotFound, Refused


@pytest.fixture
def acme(office: Any) -> int:
    return int(office.create("dora", "customer", name="Acme").id)


def test_a_record_that_others_need_is_not_deleted(office: Any, acme: int) -> None:
    office.create("dora", "deal", customer=str(acme))
    with pytest.raises(Conflict) as refused:
        office.delete("dora", "customer", acme, 1)
    assert (refused.value.status, refused.value.code) == (409, "in_use")
    assert office.truth("customer", acme)["name"] == "Acme"


def test_links_that_may_be_empty_are_emptied(office: Any, acme: int) -> None:
    visit = office.create("dora", "visit", customer=str(acme))
    office.delete("dora", "customer", acme, 1)
    assert office.truth("visit", visit.id)["customer"] is None
    assert office.truth("visit", visit.id)["version"] == 2


def test_what_belongs_to_a_record_goes_and_comes_back_with_it(office: Any) -> None:
    deal = office.create("dora", "deal", title="one")
    visit = office.create("dora", "visit", topic="a", deal=str(deal.id))
    gone_before = office.create("dora", "visit", topic="b", deal=str(deal.id))
    office.delete("dora", "visit", gone_before.id, 1)
    office.services.clock.move(minutes=1)
    office.delete("dora", "deal", deal.id, 1)
    with pytest.raises(NotFound):
        office.get("dora", "visit", visit.id)
    office.restore("dora", "deal", deal.id)
    assert office.get("dora", "visit", visit.id)["topic"] == "a"
    assert office.get("dora", "deal", deal.id)["title"] == "one"
    with pytest.raises(NotFound):
        office.get("dora", "visit", gone_before.id)


def test_a_deleted_record_is_gone_for_everybody(office: Any) -> None:
    deal = office.create("sven", "deal", title="one")
    office.delete("sven", "deal", deal.id, 1)
    for name in ("sven", "mia", "dora"):
        with pytest.raises(NotFound):
            office.get(name, "deal", deal.id)
        assert deal.id not in [each.id for each in office.list(name, "deal").items]
    assert [each.id for each in office.list("dora", "deal", deleted=True).items] == [deal.id]


def test_only_who_may_delete_deletes(office: Any) -> None:
    deal = office.create("sven", "deal", title="one")
    with pytest.raises(Refused):
        office.delete("mia", "deal", deal.id, 1)
    with pytest.raises(NotFound):
        office.delete("sara", "deal", deal.id, 1)
    with pytest.raises(Conflict):
        office.delete("sven", "deal", deal.id, 7)


def test_who_may_not_restore_sees_no_trash(office: Any) -> None:
    deal = office.create("sven", "deal", title="one")
    office.delete("sven", "deal", deal.id, 1)
    with pytest.raises(NotFound):
        office.restore("sven", "deal", deal.id)
    with pytest.raises(NotFound):
        office.list("sven", "deal", deleted=True)
