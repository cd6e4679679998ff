"""What a save does, from the first check to the history."""

from decimal import Decimal
from typing import Any

import pytest

from engines.memory import Memory
from metadata.problems import Conflict, Invalid, NotFound, Refused


def test_a_created_record_is_there_as_it_was_sent(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme", level="A", tags=["x", "y"], credit=12.5)
    saved = office.get("sven", "customer", customer.id)
    assert (saved["name"], saved["level"], saved["tags"], saved["credit"]) == (
        "Acme",
        "A",
        ("x", "y"),
        Decimal("12.50"),
    )
    assert (saved["version"], saved["owner"]) == (1, office.people["sven"])


def test_formulas_rows_and_numbers_come_with_the_save(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme", level="B")
    items = [{"what": "a", "qty": 2, "price": 10.5}, {"what": "b", "price": 4}]
    deal = office.create("sven", "deal", title="one", customer=str(customer.id), items=items, margin=0.5)
    saved = office.get("sven", "deal", deal.id)
    assert saved["number"] == "D2026-0001"
    assert [row["f_line"] for row in saved["items"]] == [Decimal("21.00"), Decimal("4.00")]
    assert (saved["total"], saved["gain"]) == (Decimal("25.00"), Decimal("12.50"))
    assert saved["customer_level"] == "B"
    assert saved["customer_secret"] is None


def test_an_update_needs_the_version_that_was_seen(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme")
    with pytest.raises(Conflict) as missing:
        office.change("sven", "customer", customer.id, None, name="Other")
    assert missing.value.status == 428
    office.change("sven", "customer", customer.id, 1, name="Second")
    with pytest.raises(Conflict) as stale:
        office.change("sven", "customer", customer.id, 1, name="Third", level="B")
    assert (stale.value.status, stale.value.code) == (412, "version_conflict")
    assert stale.value.extra["current_version"] == 2
    assert stale.value.extra["changed_fields"] == ["name"]
    assert stale.value.extra["changed_by"] == "sven"
    assert office.get("sven", "customer", customer.id)["name"] == "Second"


def test_a_save_that_changes_nothing_makes_no_new_version(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme")
    assert office.change("sven", "customer", customer.id, 1, name="Acme").version == 1


def test_what_one_may_not_see_is_not_there(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme", level="B")
    with pytest.raises(NotFound):
        office.get("sara", "customer", customer.id)
    with pytest.raises(NotFound):
        office.change("sara", "customer", customer.id, 1, name="Mine")
    with pytest.raises(NotFound):
        office.get("nobody", "customer", customer.id)


def test_what_one_sees_but_may_not_change_is_refused(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme", level="A")
    assert office.get("sara", "customer", customer.id)["name"] == "Acme"
    with pytest.raises(Refused):
        office.change("sara", "customer", customer.id, 1, name="Mine")


def test_system_fields_cannot_be_assigned(office: Any) -> None:
    for name in ("owner", "created_by", "version", "id", "department", "updated_at"):
        with pytest.raises(Invalid) as refused:
            office.create("sven", "customer", name="Acme", **{name: "1"})
        assert refused.value.problems[0].path.parts == ("values", name)


def test_a_hidden_field_is_as_unknown_as_one_that_does_not_exist(office: Any) -> None:
    customer = office.create("sven", "customer", name="Acme")
    for name in ("secret", "no_such_field", "double_sold"):
        with pytest.raises(Invalid) as on_create:
            office.create("sven", "customer", name="Acme", **{name: "x"})
        with pytest.raises(Invalid) as on_update:
            office.change("sven", "customer", customer.id, 1, **{name: "x"})
        assert {each.code for each in (*on_create.value.problems, *on_update.value.problems)} == {"unknown_field"}


def test_a_readable_field_that_is_not_granted_for_writing_is_forbidden(office: Any) -> None:
    deal = office.create("sven", "deal", title="one", note="n")
    with pytest.raises(Invalid) as hidden:
        office.change("mia", "deal", deal.id, 1, note="mine")
    assert hidden.value.problems[0].code == "unknown_field"
    office.change("mia", "deal", deal.id, 1, title="two")
    assert office.get("sven", "deal", deal.id)["title"] == "two"


def test_a_link_to_a_record_one_may_not_see_is_a_link_to_nothing(office: Any) -> None:
    hidden = office.create("sara", "customer", name="Hers", level="B")
    problems = []
    for target in (str(hidden.id), "12345"):
        with pytest.raises(Invalid) as refused:
            office.create("sven", "deal", title="one", customer=target)
        problems.append([(str(each.path), each.code, each.message) for each in refused.value.problems])
    assert problems[0] == problems[1]


def test_a_record_cannot_be_moved_out_of_ones_scope(office: Any) -> None:
    deal = office.create("sven", "deal", title="one")

    def hand_over(tx: Any) -> None:
        from runtime import records

        records.save(tx, office.app, "deal", deal.id, {}, 1, typed={"owner": office.people["sara"]})

    with pytest.raises(Refused):
        office.run("sven", hand_over)
    assert office.truth("deal", deal.id)["owner"] == office.people["sven"]


def test_rows_are_merged_by_their_ids(office: Any) -> None:
    deal = office.create("sven", "deal", title="one", items=[{"what": "a", "price": 1}, {"what": "b", "price": 2}])
    first, second = office.get("sven", "deal", deal.id)["items"]
    rows = [{"id": str(second["id"]), "qty": 3}, {"what": "c", "price": 5}]
    office.change("sven", "deal", deal.id, 1, items=rows)
    items = office.get("sven", "deal", deal.id)["items"]
    assert [row["f_what"] for row in items] == ["b", "c"]
    assert items[0]["id"] == second["id"]
    assert office.truth("deal", deal.id)["total"] == Decimal("11.00")


def test_rows_of_other_records_cannot_be_taken_over(office: Any) -> None:
    other = office.create("sara", "deal", title="hers", items=[{"what": "a"}])
    mine = office.create("sven", "deal", title="mine", items=[{"what": "b"}])
    theirs = str(office.truth("deal", other.id)["items"][0]["id"])
    own = str(office.truth("deal", mine.id)["items"][0]["id"])
    for rows in ([{"id": theirs}], [{"id": "77"}], [{"id": own}, {"id": own}]):
        with pytest.raises(Invalid) as refused:
            office.change("sven", "deal", mine.id, 1, items=rows)
        assert refused.value.problems[0].code == "unknown_row"
    assert len(office.truth("deal", other.id)["items"]) == 1


def test_unique_values_are_refused_at_their_field(office: Any) -> None:
    office.create("sven", "customer", name="Acme", code="X")
    with pytest.raises(Invalid) as refused:
        office.create("sara", "customer", name="Other", code="X")
    assert (str(refused.value.problems[0].path), refused.value.problems[0].code) == ("/values/code", "not_unique")


def test_what_lies_in_the_trash_does_not_stand_in_the_way(office: Any) -> None:
    first = office.create("dora", "customer", name="Acme", code="X")
    office.delete("dora", "customer", first.id, 1)
    office.create("dora", "customer", name="Again", code="X")
    with pytest.raises(Invalid):
        office.restore("dora", "customer", first.id)


def test_all_problems_come_at_once(office: Any) -> None:
    with pytest.raises(Invalid) as refused:
        office.create("sven", "deal", title=5, due="tomorrow", items=[{"qty": "x"}], nonsense=1)
    assert len(refused.value.problems) >= 4


def test_the_history_tells_every_change(office: Any) -> None:
    from runtime import records

    customer = office.create("dora", "customer", name="Acme", level="A")
    office.change("dora", "customer", customer.id, 1, name="Acme Ltd")
    office.delete("dora", "customer", customer.id, 2)
    office.restore("dora", "customer", customer.id)
    with office.reading("dora") as tx:
        entries = records.history_of(tx, office.app, "customer", customer.id)
    assert [each.op for each in entries] == ["restore", "delete", "update", "create"]
    assert [each.version for each in entries] == [4, 3, 2, 1]
    assert (entries[2].before, entries[2].after) == ({"f_name": "Acme"}, {"f_name": "Acme Ltd"})
    with office.reading("sven") as tx, pytest.raises((Refused, NotFound)):
        records.history_of(tx, office.app, "customer", customer.id)


def test_the_time_in_each_stage_is_kept(office: Any) -> None:
    import sqlalchemy as sa

    from runtime.db import tables

    deal = office.create("sven", "deal", title="one")
    office.services.clock.move(hours=2)
    office.change("sven", "deal", deal.id, 1, state="offered")
    office.change("sven", "deal", deal.id, 2, state="open")
    with office.reading("system") as tx:
        spans = tx.connection.execute(sa.select(tables.stage_span).order_by(tables.stage_span.c.seq)).all()
    assert [(each.value, each.direction) for each in spans] == [
        ("open", "in"),
        ("offered", "forward"),
        ("open", "back"),
    ]
    assert [each.left_at is None for each in spans] == [False, False, True]


def test_the_history_tells_of_rows_field_by_field(office: Any) -> None:
    from runtime import records
    from runtime.web.api.record_json import entry_json

    deal = office.create("dora", "deal", title="one", items=[{"what": "a", "price": 2}, {"what": "b", "price": 3}])
    first, second = office.truth("deal", deal.id)["items"]
    kept = {"id": str(first["id"]), "what": "a", "qty": 5, "price": 2}
    office.change("dora", "deal", deal.id, 1, items=[kept, {"what": "c", "price": 4}])
    office.change("dora", "deal", deal.id, 2, title="two")

    with office.reading("dora") as tx:
        told, changed, created = records.history_of(tx, office.app, "deal", deal.id)
        answer = entry_json(office.app, office.app.form("deal"), changed, tx.organisation.people)
    assert told.rows == {}
    assert [each.op for each in created.rows["f_items"]] == ["added", "added"]
    assert "items" in answer["changed"] and "items" not in answer["before"]
    rows = {each["operation"]: each for each in answer["rows"]["items"]}
    assert rows["changed"]["before"] == {"qty": 1, "line": 2}
    assert (rows["changed"]["after"], rows["changed"]["changed"]) == ({"qty": 5, "line": 10}, ["qty", "line"])
    assert rows["changed"]["id"] == str(first["id"])
    assert rows["removed"]["before"] == {"what": "b", "qty": 1, "price": 3, "line": 3}
    assert (rows["removed"]["id"], rows["removed"]["after"]) == (str(second["id"]), {})
    assert rows["added"]["after"]["what"] == "c" and rows["added"]["before"] == {}


def test_the_history_of_rows_is_masked_with_their_subform(office: Any) -> None:
    from dataclasses import replace

    from engines.access import CompiledAccess
    from runtime import records

    deal = office.create("dora", "deal", title="one", items=[{"what": "hidden thing", "price": 2}])
    grants = office.app.access.grants
    narrow = [replace(each, fields=frozenset({"f_title", "f_state"})) for each in grants["t_deal"]]
    narrowed = replace(office.app, access=CompiledAccess({**grants, "t_deal": tuple(narrow)}), memory=Memory())

    with office.reading("dora") as tx:
        (entry,) = records.history_of(tx, narrowed, "deal", deal.id)
    assert entry.rows == {}
    assert "f_items" not in entry.changed and "f_items" not in entry.after


def test_a_stale_editor_is_told_that_the_rows_have_changed(office: Any) -> None:
    deal = office.create("dora", "deal", title="one", items=[{"what": "a", "price": 2}])
    row = office.truth("deal", deal.id)["items"][0]
    office.change("dora", "deal", deal.id, 1, items=[{"id": str(row["id"]), "what": "b", "price": 2}])

    with pytest.raises(Conflict) as refused:
        office.change("dora", "deal", deal.id, 1, title="two")
    assert refused.value.extra["changed_fields"] == ["items"]
