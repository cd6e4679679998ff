"""Records as they were at a moment: the same answers that were given then, and nothing that is hidden today."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engines.access import CompiledAccess, Grant
from engines.memory import Memory
from metadata.expressions import Scope, check
from metadata.problems import Invalid, NotFound, Refused
from metadata.value_types import YES_NO
from runtime import plugins, reading, records
from runtime.db import tables
from runtime.web.api.record_json import page_json, record_json

UNFOLLOWED = {"sold", "largest", "average", "double_sold"}  # totals that nothing looks at keep no history of their own
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("deal", {"sort": "title"}),
    ("deal", {"sort": "-margin,title", "filter": "margin > 0.1", "count": "exact"}),
    ("deal", {"sort": "due", "filter": "due < today or due == null"}),
    ("deal", {"filter": "customer.level == 'A'", "fields": ("title", "customer.name", "customer.owner", "late_by")}),
    ("deal", {"filter": "any(i.price > 3 for i in items)", "sort": "title"}),
    ("deal", {"filter": "sum(items.price) > 4 and state == 'open'", "sort": "-total"}),
    ("deal", {"search": "two", "expand": ("customer", "items")}),
    ("deal", {"filter": "partner.name == 'mia'", "sort": "title", "size": 1}),
    ("deal", {"filter": "len(note) > 1000", "fields": ("title", "note")}),
    ("customer", {"sort": "name", "fields": ("name", "level", "tags", "secret", "credit", "code", "deals")}),
    ("customer", {"filter": "'vip' in tags", "fields": ("name", "tags")}),
    ("customer", {"filter": "count(tags) == 0 and created_at < now", "fields": ("name", "created_at", "updated_by")}),
    ("visit", {"sort": "topic", "expand": ("deal.customer",), "fields": ("topic", "deal.customer.name")}),
]


def asked(office: Any, who: str, as_of: datetime | None = None) -> list[Any]:
    """Every question's answer, as the API writes it."""
    told = []
    with office.reading(who) as tx:
        for form, query in QUESTIONS:
            compiled = office.app.form(form)
            page = reading.list_records(tx, office.app, form, reading.ListQuery(**query, as_of=as_of))
            told.append(followed(page_json(office.app, compiled, page)))
            if "fields" not in query:
                singles = [reading.get(tx, office.app, form, each.id, as_of=as_of) for each in page.items]
                told.append(followed([record_json(office.app, compiled, each) for each in singles]))
    return told


def followed(told: Any) -> Any:
    """An answer without the totals that keep no history."""
    if isinstance(told, list):
        return [followed(each) for each in told]
    if isinstance(told, dict):
        return {key: followed(each) for key, each in told.items() if key not in UNFOLLOWED}
    return told


def live_a_while(office: Any) -> list[tuple[datetime, list[Any]]]:
    """A week of changes, with what Dora was told after each day."""
    told = []
    clock = office.services.clock

    def day() -> None:
        clock.move(days=1)
        told.append((clock(), asked(office, "dora")))
        clock.move(hours=1)

    acme = office.create("dora", "customer", name="Acme", level="A", tags=["vip", "old"], secret="s" * 30)
    bolt = office.create("dora", "customer", name="Bolt", level="B", credit=12.5, code="B1")
    one = office.create(
        "dora", "deal", title="one", customer=str(acme.id), margin=0.25, due="2026-11-22", note="long " * 400,
        partner=str(office.people["mia"]), items=[{"what": "a", "price": 2}, {"what": "b", "price": 4.5}],
    )  # fmt: skip
    two = office.create("dora", "deal", title="two", customer=str(bolt.id), items=[{"what": "c", "price": 1}])
    visit = office.create("dora", "visit", topic="hello", deal=str(one.id), customer=str(acme.id))
    day()
    rows = office.truth("deal", one.id)["items"]
    kept = {"id": str(rows[1]["id"]), "what": "b", "price": 9, "qty": 2}
    office.change("dora", "deal", one.id, 1, items=[kept, {"what": "d", "price": 3}], margin=0.05, note="short")
    office.change("dora", "customer", acme.id, 1, level="C", tags=["old", "new"], name="Acme Ltd")
    day()
    office.change("dora", "deal", two.id, 1, customer=str(acme.id), state="won", due="2026-12-24")
    office.change("dora", "visit", visit.id, 1, deal=str(two.id), topic="again")
    day()
    office.change("dora", "customer", bolt.id, 1, tags=["vip"], credit=None, code=None)
    office.change("dora", "deal", one.id, 2, title="two of them", items=[], partner=None)
    day()
    return told


def test_the_past_is_told_as_it_was_told_then(office: Any) -> None:
    for moment, told in live_a_while(office):
        assert asked(office, "dora", moment) == told


def test_records_come_into_being_and_go_and_come_back(office: Any) -> None:
    clock = office.services.clock
    before = clock() - timedelta(seconds=1)
    deal = office.create("dora", "deal", title="one")
    there = clock()
    clock.move(hours=1)
    office.delete("dora", "deal", deal.id, 1)
    gone = clock()

    def titles(moment: datetime) -> list[str]:
        return [each.values["f_title"] for each in office.list("dora", "deal", as_of=moment).items]

    assert titles(there) == []  # what lies in the trash today is shown nowhere
    clock.move(hours=1)
    office.restore("dora", "deal", deal.id)
    assert (titles(before), titles(there), titles(gone), titles(clock())) == ([], ["one"], [], ["one"])
    with office.reading("dora") as tx, pytest.raises(NotFound):
        reading.get(tx, office.app, "deal", deal.id, as_of=gone)


def test_who_may_not_see_the_history_sees_no_past(office: Any) -> None:
    office.create("sven", "deal", title="one")
    with pytest.raises(Refused):
        office.list("sven", "deal", as_of=office.services.clock())
    with pytest.raises(NotFound):
        office.list("sven", "visit", as_of=office.services.clock())


def test_a_moment_ahead_is_refused(office: Any) -> None:
    office.create("dora", "deal", title="one")
    with pytest.raises(Invalid) as refused:
        office.list("dora", "deal", as_of=office.services.clock() + timedelta(hours=1))
    assert refused.value.problems[0].code == "bad_moment"


def test_pages_and_cursors_lead_through_the_past(office: Any) -> None:
    for number in range(7):
        office.create("dora", "deal", title=f"deal {number}", margin=number % 3)
    then = office.services.clock()
    office.services.clock.move(hours=1)
    for each in office.list("dora", "deal").items:
        office.change("dora", "deal", each.id, 1, title="changed", margin=9)

    seen, cursor = [], ""
    while True:
        page = office.list("dora", "deal", sort="-margin", size=3, cursor=cursor, as_of=then)
        seen += [(each.values["f_margin"], each.values["f_title"]) for each in page.items]
        if not page.has_more:
            break
        cursor = page.cursor
    assert [each[0] for each in seen] == [2, 2, 1, 1, 0, 0, 0]
    assert len({each[1] for each in seen}) == 7


KEPT: dict[str, tuple[Any, ...]] = {
    "f_margin": ("abc", "1.234", "1e5", "9" * 30, 5, True, ["1"], {"text": "x"}, "-", "", ".5"),
    "f_due": ("2026-02-30", "2025-02-29", "0000-01-01", "12:00", "now", 2458000.5, 1, "２０２６-01-01"),
    "f_customer": ("12", -1, 1.5, 2**63, True, [1], {"text": "x"}),
    "f_title": (5, True, ["x"], {"text": "no such hash"}, {"other": 1}),
    "f_partner": ("mia", 10**18),
}


@pytest.mark.parametrize("field", KEPT)
def test_what_was_kept_under_another_type_is_blank_and_never_an_error(office: Any, field: str) -> None:
    kept_by = {
        office.create("dora", "deal", title="one", margin=0.5, due="2026-01-01").id: kept for kept in KEPT[field]
    }
    with office.services.database.write() as connection:
        for deal, kept in kept_by.items():
            mine = tables.record_version.c.record == deal
            doc = connection.execute(sa.select(tables.record_version.c.doc).where(mine)).scalar_one()
            connection.execute(sa.update(tables.record_version).where(mine).values(doc={**doc, field: kept}))
    name = office.app.form("deal").fields[field].name

    seen = office.list("dora", "deal", as_of=office.services.clock(), sort=name, size=50).items
    assert {each.id: each.values[field] for each in seen} == {
        deal: 10**18 if kept == 10**18 else None for deal, kept in kept_by.items()
    }


def test_exact_numbers_of_another_scale_are_kept(office: Any) -> None:
    deal = office.create("dora", "deal", title="one", margin=0.5)
    with office.services.database.write() as connection:
        mine = tables.record_version.c.record == deal.id
        doc = connection.execute(sa.select(tables.record_version.c.doc).where(mine)).scalar_one()
        connection.execute(sa.update(tables.record_version).where(mine).values(doc={**doc, "f_margin": "-12.34000"}))
    (seen,) = office.list("dora", "deal", as_of=office.services.clock(), filter="margin == -12.34").items
    assert str(seen.values["f_margin"]) == "-12.34"


def with_access(office: Any, entries: str) -> Any:
    """The app where Sven's role reads deals, and their history, by these entries."""
    grants = dict(office.app.access.grants)
    own = check("owner == user", Scope(office.app.names, "t_deal"), plugins.load().functions, YES_NO)
    for_all = Grant("t_deal", frozenset({"read", "see_history"}), "r_seller", None, frozenset({"f_title"}))
    for_own = Grant("t_deal", frozenset({"read", "see_history"}), "r_seller", own, None)
    grants["t_deal"] = {"own": (for_own,), "both": (for_all, for_own)}[entries]
    grants["t_customer"] = tuple(each for each in grants["t_customer"] if each.role != "r_seller")
    grants["t_customer"] += (Grant("t_customer", frozenset({"read"}), "r_seller"),)
    return replace(office.app, access=CompiledAccess(grants), memory=Memory())


def handed_over(office: Any) -> tuple[datetime, datetime, int]:
    """A deal that was Sven's, and is Sara's now: when it was his, when it was hers, its id."""
    customer = office.create("dora", "customer", name="Acme", level="A")
    deal = office.create("sven", "deal", title="one", margin=0.5, customer=str(customer.id))
    his = office.services.clock()
    office.services.clock.move(hours=1)
    sara = office.people["sara"]
    office.run("system", lambda tx: records.assign(tx, office.app, "deal", deal.id, sara, check_version=False))
    hers = office.services.clock()
    office.services.clock.move(hours=1)
    return his, hers, deal.id


def seen_by(office: Any, app: Any, who: str, moment: datetime, **query: Any) -> list[dict[str, Any]]:
    with office.reading(who) as tx:
        page = reading.list_records(tx, app, "deal", reading.ListQuery(as_of=moment, **query))
    return [office.named("deal", each.values) for each in page.items]


def test_a_record_is_seen_where_it_could_be_seen_then_and_can_be_today(office: Any) -> None:
    app = with_access(office, entries="own")
    his, hers, id = handed_over(office)

    assert seen_by(office, app, "sven", his) == []  # it is not his any more
    assert seen_by(office, app, "sara", his) == []  # it was not hers yet
    assert len(seen_by(office, app, "sara", hers)) == 1
    with office.reading("sven") as tx, pytest.raises(NotFound):
        reading.get(tx, app, "deal", id, as_of=his)


def test_a_field_shows_where_one_entry_shows_it_then_and_today(office: Any) -> None:
    app = with_access(office, entries="both")
    his, hers, _ = handed_over(office)

    (then,) = seen_by(office, app, "sven", his)
    assert (then["title"], then["margin"]) == ("one", None)
    assert seen_by(office, app, "sven", his, filter="margin > 0.1") == []
    (later,) = seen_by(office, app, "sara", hers)
    assert str(later["margin"]) == "0.50"


def test_links_lead_to_the_past_of_records_whose_history_may_be_seen(office: Any) -> None:
    app = with_access(office, entries="both")
    _, hers, _ = handed_over(office)

    asked = {"fields": ("customer", "customer.name", "customer_level"), "filter": "customer.name == null"}
    (seen,) = seen_by(office, app, "sara", hers, **asked)
    assert (seen["f_customer.f_name"], seen["customer_level"]) == (None, None)
    with office.reading("sara") as tx:
        shown = reading.list_records(tx, app, "deal", reading.ListQuery(as_of=hers, expand=("customer",))).items[0]
    assert (shown.expanded["f_customer"], shown.labels["f_customer"]) == (None, None)
