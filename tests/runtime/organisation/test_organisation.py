"""Members, departments, managers and roles: dated from now on, seen by the next request, never in a circle."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from engines.actor import system
from engines.organisation import Organisation
from metadata.problems import Conflict, Invalid, NotFound
from runtime import identity, organisation
from runtime.organisation import members
from runtime.services import Services
from runtime.transaction import Tx, read, run
from tests.runtime.conftest import MovedClock

Hire = Callable[..., int]
ME = system("test")


def do(services: Services, work: Callable[[Tx], object]) -> object:
    return run(services, ME, work)


def people(services: Services) -> Organisation:
    with read(services, ME) as tx:
        return tx.organisation


def test_a_member_stands_where_he_was_put(services: Services, hire: Hire) -> None:
    boss = hire("Boss")
    company = do(services, lambda tx: organisation.add_department(tx, "Company", head=boss))
    sales = do(services, lambda tx: organisation.add_department(tx, "Sales", parent=company))
    ada = hire("Ada", department=sales, rights=frozenset({"user_admin"}))
    do(services, lambda tx: organisation.grant_role(tx, "crm", "r_seller", ada))

    found = people(services)
    actor = identity.actor_of(found, ada)
    assert (actor.department, actor.manager, actor.departments) == (sales, boss, frozenset({sales}))
    assert actor.roles_in("crm") == {"r_seller"}
    assert actor.rights == {"user_admin"}
    assert found.below(company) == {company, sales}
    assert found.holders("crm", "r_seller") == (ada,)


def test_the_past_stays_as_it_was(services: Services, hire: Hire, clock: MovedClock) -> None:
    east = do(services, lambda tx: organisation.add_department(tx, "East"))
    south = do(services, lambda tx: organisation.add_department(tx, "South"))
    ada = hire("Ada", department=east)
    before = clock.now
    clock.move(days=30)
    do(services, lambda tx: organisation.set_department(tx, ada, south))
    do(services, lambda tx: organisation.grant_role(tx, "crm", "r_seller", ada))
    clock.move(days=30)
    do(services, lambda tx: organisation.withdraw_role(tx, "crm", "r_seller", ada))

    with services.database.read() as connection:
        then = organisation.load(connection, before).people[ada]
        between = organisation.load(connection, before + timedelta(days=45)).people[ada]
        now = organisation.load(connection, clock.now).people[ada]
    assert (then.department, then.roles) == (east, {})
    assert (between.department, between.roles) == (south, {"crm": frozenset({"r_seller"})})
    assert (now.department, now.roles) == (south, {})


def test_a_change_is_seen_by_the_next_request_and_costs_one_question_otherwise(services: Services, hire: Hire) -> None:
    ada = hire("Ada")
    assert people(services).people[ada].name == "Ada"
    asked: list[str] = []
    event.listen(services.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    people(services)
    assert len([one for one in asked if one.startswith("SELECT")]) == 1

    do(services, lambda tx: organisation.change_member(tx, ada, name="Ada L."))
    assert people(services).people[ada].name == "Ada L."


def test_two_members_never_share_an_address(services: Services, hire: Hire) -> None:
    hire("Ada")
    bob = hire("Bob")

    with pytest.raises(Conflict, match="already a member"):
        do(services, lambda tx: organisation.add_member(tx, "Ada 2", " ADA@Example.com"))
    with pytest.raises(Conflict, match="Another member"):
        do(services, lambda tx: organisation.change_member(tx, bob, email="ada@example.com"))


def test_nobody_manages_himself_by_a_detour(services: Services, hire: Hire) -> None:
    ada = hire("Ada")
    bob = hire("Bob", manager=ada)
    eve = hire("Eve", manager=bob)

    with pytest.raises(Invalid, match="manage himself"):
        do(services, lambda tx: organisation.set_manager(tx, ada, eve))


def test_no_department_stands_below_itself(services: Services) -> None:
    top = do(services, lambda tx: organisation.add_department(tx, "Top"))
    low = do(services, lambda tx: organisation.add_department(tx, "Low", parent=top))

    with pytest.raises(Invalid, match="below itself"):
        do(services, lambda tx: organisation.set_parent(tx, top, low))


def test_only_an_empty_department_can_be_closed(services: Services, hire: Hire) -> None:
    sales = do(services, lambda tx: organisation.add_department(tx, "Sales"))
    ada = hire("Ada", department=sales)
    with pytest.raises(Conflict, match="still belong"):
        do(services, lambda tx: organisation.close_department(tx, sales))

    do(services, lambda tx: organisation.set_department(tx, ada, None))
    do(services, lambda tx: organisation.close_department(tx, sales))
    assert people(services).departments == {}


def test_who_has_left_acts_no_more(services: Services, hire: Hire) -> None:
    ada = hire("Ada")
    do(services, lambda tx: members.change(tx, ada, active=False))

    with pytest.raises(identity.NotSignedIn):
        identity.actor_of(people(services), ada)
    with pytest.raises(NotFound):
        do(services, lambda tx: organisation.change_member(tx, 1, name="Nobody"))
