"""Whatever access entries say, the relation and the door answer as the reference evaluator does."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from engines import compile_app
from engines.compiled import CompiledApp
from metadata.language import Language
from metadata.problems import Conflict, Invalid, NotFound, Refused
from runtime import plugins, reading, records, transaction
from tests.runtime.records.conftest import DEFINITION, Office
from tests.runtime.records.reference import Person, Reference
from tests.runtime.records.worlds import CUSTOMERS, DEALS, FIELDS, entries, fill, settled, worlds

IDS = {"customer": CUSTOMERS, "deal": DEALS}
WRITABLE = {"customer": ("name", "secret", "credit", "tags"), "deal": ("title", "note", "margin", "state")}


class Undo(Exception):
    """Nothing of this is to stay."""


def compiled_with(access: list[dict[str, Any]], number: int = 1) -> CompiledApp:
    kinds = plugins.load()
    return compile_app(Language(kinds).read({**DEFINITION, "access": access}), kinds, number)


def person_of(office: Office, name: str) -> Person:
    actor = office.actor(name)
    with office.reading("system") as tx:
        homes = {each.id: each.department or 0 for each in tx.organisation.people.values()}
    return Person(office.people[name], actor.department or 0, actor.departments, homes)


def outcome(act: Callable[[], Any]) -> str:
    """What became of an act: ok, or the status that says why not."""
    try:
        act()
    except (NotFound, Refused, Conflict) as refusal:
        return str(refusal.status)
    except Invalid as refusal:  # values that do not fit are judged only of those who may write them
        return "422" if any(each.code == "unknown_field" for each in refusal.problems) else "ok"
    return "ok"


@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(access=entries(), world=worlds())
def test_rights_are_what_the_reference_says(office: Office, access: list[dict[str, Any]], world: Any) -> None:
    world = settled(world, *office.places())
    app = compiled_with(access)
    office.run("system", lambda tx: fill(tx, app, world))
    for name in ("sven", "sara"):
        reference = Reference(tuple(access), person_of(office, name), world, FIELDS)
        for form in ("customer", "deal"):
            compare_reading(office, app, reference, name, form)
            compare_acts(office, app, reference, name, form)


def compare_reading(office: Office, app: CompiledApp, reference: Reference, name: str, form: str) -> None:
    expected = {id: seen for id in IDS[form] if id in reference.world[form] and (seen := reference.seen(form, id))}
    with office.reading(name) as tx:
        try:
            page = reading.list_records(tx, app, form)
        except NotFound:
            assert not any(each["form"] == form and "read" in each["may"] for each in reference.entries)
            return
        found = {each.id: office.named(form, each.values) for each in page.items}
        found |= {each.id: office.named(form, reading.get(tx, app, form, each.id).values) for each in page.items}
    assert set(found) == set(expected)
    assert page.total == len(expected)
    for id, seen in expected.items():
        assert {name: plain(found[id][name]) for name in seen} == {name: plain(value) for name, value in seen.items()}
        assert set(found[id]) & set(FIELDS[form]) == set(seen) & set(FIELDS[form])


def plain(value: Any) -> Any:
    """Rows are compared by their prices; a list that a row hides is as blank as any other value."""
    if isinstance(value, list):
        return [row.get("f_price", row.get("price")) for row in value]
    return value


def compare_acts(office: Office, app: CompiledApp, reference: Reference, name: str, form: str) -> None:
    actor = office.actor(name)
    for id in IDS[form]:
        for field in (WRITABLE[form][id % 4], WRITABLE[form][(id + 1) % 4]):
            written = {"tags": [], "state": "won", "credit": 1, "margin": 1}.get(field, "new")

            def change(tx: Any, id: int = id, field: str = field, written: Any = written) -> None:
                try:
                    records.save(tx, app, form, id, {field: written}, check_version=False)
                except Refused as refusal:
                    if refusal.code != "outside_scope":
                        raise
                raise Undo

            got = outcome(lambda: undone(office, actor, change))
            wanted = reference.may("update", form, id, field)
            assert got == wanted, (form, id, field)

        def delete(tx: Any, id: int = id) -> None:
            records.delete(tx, app, form, id, check_version=False)
            raise Undo

        got, wanted = outcome(lambda: undone(office, actor, delete)), reference.may("delete", form, id)
        assert got == wanted or (wanted == "ok" and got == "409"), (form, id)


def undone(office: Office, actor: Any, work: Callable[[Any], None]) -> None:
    try:
        transaction.run(office.services, actor, work)
    except Undo:
        return
