"""What links lead to, beside the records: several levels, several values, rows; through the masks, without a trace."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from engines import compile_app
from engines.actor import system
from engines.compiled import CompiledApp
from metadata.language import Language
from metadata.problems import Invalid, LimitExceeded
from runtime import organisation, plugins, reading, records, transaction
from runtime.reading import expanding
from runtime.services import Services
from runtime.web.api.record_json import page_json, record_json
from tests.runtime.records.conftest import Office


def _link(name: str, form: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "link", "form": form, **more}


TEXT = {"name": "name", "type": "text"}
DEFINITION: Mapping[str, Any] = {
    "format": 1,
    "app": "office",
    "title": "Office",
    "roles": [{"id": f"r_{name}", "name": name} for name in ("seller", "director")],
    "forms": [
        {"name": "region", "label": "{{name}}", "fields": [TEXT]},
        {
            "name": "customer",
            "label": "{{name}}",
            "fields": [
                TEXT,
                {"name": "secret", "type": "text"},
                _link("parent", "customer"),
                _link("region", "region"),
            ],
        },
        {
            "name": "order",
            "fields": [
                TEXT,
                _link("customer", "customer"),
                _link("contacts", "customer", multiple=True),
                {"name": "lines", "type": "subform", "fields": [_link("supplier", "customer"), TEXT]},
            ],
        },
    ],
    "access": [
        {"role": "seller", "form": "order", "may": ["read"]},
        {
            "role": "seller",
            "form": "customer",
            "may": ["read"],
            "where": "owner == user",
            "fields": ["name", "parent", "region"],
        },
        *({"role": "director", "form": form, "may": ["create", "read"]} for form in ("order", "customer", "region")),
    ],
}


@pytest.fixture(scope="module")
def linked() -> CompiledApp:
    kinds = plugins.load()
    return compile_app(Language(kinds).read(DEFINITION), kinds)


class World:
    """Orders of customers that have parents in regions; some of them belong to the seller."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.ids: dict[str, int] = {}
        self._create("region", "north")
        self._customer("top", region="north")
        self._customer("hidden", parent="top")
        self._customer("mine", parent="top", region="north", who="sven")
        self._customer("mine too", parent="hidden", who="sven")

    def _customer(self, name: str, who: str = "dora", **links: str) -> None:
        values = {key: str(self.ids[value]) for key, value in links.items()}
        self._create("customer", name, who, secret=f"secret of {name}", **values)

    def _create(self, form: str, name: str, who: str = "dora", **values: Any) -> int:
        def work(tx: Any) -> int:
            saved = records.save(tx, self.office.app, form, None, {"name": name, **values})
            if who != "dora":
                owner = tx.organisation.people[self.office.people[who]].id
                table = self.office.app.form(form).table
                tx.connection.execute(sa.update(table).where(table.c.id == saved.id).values(owner=owner))
            return saved.id

        self.ids[name] = self.office.run("dora", work)
        return self.ids[name]

    def order(self, name: str, customer: str = "", contacts: list[str] = [], lines: list[str] = []) -> int:  # noqa: B006
        return self._create(
            "order",
            name,
            customer=str(self.ids[customer]) if customer else None,
            contacts=[str(self.ids[each]) for each in contacts],
            lines=[{"supplier": str(self.ids[each]), "name": f"line of {each}"} for each in lines],
        )

    def page(self, who: str, *expand: str, **query: Any) -> dict[str, Any]:
        app = self.office.app
        with self.office.reading(who) as tx:
            page = reading.list_records(tx, app, "order", reading.ListQuery(expand=expand, sort="name", **query))
            return page_json(app, app.form("order"), page)

    def first(self, who: str, *expand: str, **query: Any) -> dict[str, Any]:
        return dict(self.page(who, *expand, **query)["items"][0])

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The statements that are sent meanwhile."""
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            sent.append(statement)

        engine = self.office.services.database.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def world(services: Services, linked: CompiledApp) -> World:
    office = Office(services, linked)

    def begin(tx: Any) -> None:
        linked.metadata.create_all(tx.connection)
        for name in ("sven", "dora"):
            office.people[name] = organisation.add_member(tx, name, f"{name}@example.com")

    transaction.run(services, system("test"), begin)
    office.roles.update(sven="seller", dora="director")
    return World(office)


def test_a_path_brings_each_record_on_its_way(world: World) -> None:
    world.order("1", customer="mine")

    customer = world.first("dora", "customer.parent.region")["expanded"]["customer"]

    parent = customer["expanded"]["parent"]
    assert (customer["values"]["name"], parent["values"]["name"]) == ("mine", "top")
    assert parent["expanded"]["region"]["values"] == {"name": "north"}
    assert "expanded" not in parent["expanded"]["region"]


def test_paths_that_begin_alike_become_one_tree(world: World) -> None:
    world.order("1", customer="mine")

    customer = world.first("dora", "customer.region", "customer.parent.region", "customer")["expanded"]["customer"]

    assert set(customer["expanded"]) == {"region", "parent"}
    assert customer["expanded"]["parent"]["expanded"]["region"]["values"]["name"] == "north"


def test_a_link_is_expanded_whether_or_not_its_field_is_asked_for(world: World) -> None:
    id = world.order("1", customer="mine")

    listed = world.first("dora", "customer", fields=("name",))
    with world.office.reading("dora") as tx:
        single = reading.get(tx, world.office.app, "order", id, fields=["name"], expand=["customer"])

    assert listed["values"] == {"name": "1"}
    assert "labels" not in listed
    assert listed["expanded"]["customer"]["values"]["name"] == "mine"
    assert record_json(world.office.app, world.office.app.form("order"), single) == listed


def test_a_field_with_several_links_brings_all_of_them_in_order(world: World) -> None:
    world.order("1", contacts=["top", "mine"])

    contacts = world.first("dora", "contacts.parent")["expanded"]["contacts"]

    assert [each["values"]["name"] for each in contacts["items"]] == ["top", "mine"]
    assert [each["expanded"]["parent"] and True for each in contacts["items"]] == [None, True]
    assert contacts["has_more"] is False


def test_links_in_rows_are_expanded_row_by_row(world: World) -> None:
    world.order("1", lines=["mine", "top"])

    lines = world.first("dora", "lines.supplier.region", fields=("name",))["expanded"]["lines"]

    assert [each["values"]["name"] for each in lines["items"]] == ["line of mine", "line of top"]
    assert [each["expanded"]["supplier"]["values"]["name"] for each in lines["items"]] == ["mine", "top"]
    assert lines["items"][0]["expanded"]["supplier"]["expanded"]["region"]["values"]["name"] == "north"
    assert "version" not in lines["items"][0]


def test_more_than_a_hundred_are_cut_and_said_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expanding, "MOST_OF_ONE", 2)
    world.order("1", contacts=["top", "mine", "hidden"], lines=["mine", "mine", "top"])
    world.order("2", contacts=["top", "mine"])

    first, second = world.page("dora", "contacts", "lines.supplier")["items"]

    assert (len(first["expanded"]["contacts"]["items"]), first["expanded"]["contacts"]["has_more"]) == (2, True)
    assert (len(first["expanded"]["lines"]["items"]), first["expanded"]["lines"]["has_more"]) == (2, True)
    assert second["expanded"]["contacts"]["has_more"] is False


def test_what_is_out_of_sight_is_null_at_every_level(world: World) -> None:
    world.order("1", customer="hidden", contacts=["mine too", "hidden", "mine"], lines=["hidden", "mine"])

    first = world.first("sven", "customer.parent", "contacts.parent", "contacts.region", "lines.supplier")["expanded"]

    assert first["customer"] is None
    own, hidden, mine = first["contacts"]["items"]
    assert hidden is None
    assert own["expanded"] == {"parent": None, "region": None}
    assert mine["expanded"] == {"parent": None, "region": None}  # the parent is not his, regions he may not read
    assert [each["expanded"]["supplier"] is None for each in first["lines"]["items"]] == [True, False]
    assert "secret" not in str(first)


def test_each_level_and_form_takes_one_query_however_many_records_there_are(world: World) -> None:
    world.order("1", customer="mine", contacts=["top"])

    def questions() -> int:
        with world.counted() as sent:
            world.page("dora", "customer.parent.region", "contacts.parent", "lines.supplier")
        return len(sent)

    questions()
    with_one = questions()
    for number in range(2, 9):
        world.order(str(number), customer="mine too", contacts=["mine", "top", "hidden"], lines=["mine"] * number)
    assert questions() <= with_one + 2  # the rows of the subform lead to another level of customers


@pytest.mark.parametrize(
    ("path", "code", "place", "hint"),
    [
        ("customer.parent.parent.parent", "limit_exceeded", "/expand/1", "expand from there"),
        ("customer.name", "not_a_link", "/expand/1", "Links here are parent, region"),
        ("customer.regio", "unknown_field", "/expand/1", "region"),
        ("owner", "not_a_link", "/expand/1", "Links here are contacts, customer, lines"),
        ("no_such", "unknown_field", "/expand/1", ""),
        ("customer.", "unknown_field", "/expand/1", ""),
    ],
)
def test_a_path_that_leads_nowhere_is_said_with_its_place(
    world: World, path: str, code: str, place: str, hint: str
) -> None:
    with pytest.raises((Invalid, LimitExceeded)) as refused:
        world.page("dora", "customer", path)
    (problem,) = refused.value.problems
    assert (problem.code, str(problem.path)) == (code, place)
    assert hint in str(problem.as_json("en").get("hint", ""))


def test_a_field_behind_a_link_that_is_hidden_is_unknown_there(world: World) -> None:
    answers = []
    for path in ("customer.secret", "customer.secreet", "customer.region.name", "customer.region.nam"):
        with pytest.raises(Invalid) as refused:
            world.page("sven", path)
        answers.append(refused.value.problems[0].code)
    assert answers == ["unknown_field"] * 4


def test_too_many_paths_and_too_many_records_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitExceeded) as refused:
        world.page("dora", *["customer"] * 11)
    assert refused.value.problems[0].limit == {"name": "expand", "max": 10, "actual": 11}

    monkeypatch.setattr(expanding, "MOST_ALTOGETHER", 3)
    world.order("1", contacts=["top", "mine", "hidden"])
    with pytest.raises(LimitExceeded) as refused:
        world.page("dora", "contacts.parent")
    assert refused.value.problems[0].limit["name"] == "expanded"
