"""Demo data: a file of people and records beside an app, told as a script so that its history is real."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from engines.actor import system
from metadata.text import say
from runtime import organisation, transaction
from runtime.cast import Cast, Clock
from runtime.identity import passwords
from runtime.services import Services

if TYPE_CHECKING:
    from runtime.transaction import Tx

Person = Mapping[str, Any]


class SignIn(NamedTuple):
    """How somebody of the demo comes in, and what he may do there."""

    name: str
    email: str
    password: str
    may: str


def load(services: Services, app: str, script: Mapping[str, Any]) -> list[SignIn]:
    """Bring in departments, people and records; gives how each person signs in.

    Records are saved by the people themselves, on days before today (`at`, in days), so that stages, history and
    numbers have grown as they would have. Mails that rules send meanwhile are dropped.
    """
    now = services.clock()
    steps = script.get("records", ())
    clock = Clock(now + timedelta(days=min([-1.0, *(each["at"] for each in steps)]) - 1))
    past = Services(services.settings, services.database, clock)
    cast = Cast(past, app, clock, present=now)
    signed_up = _people(cast, script)
    for step in steps:
        clock.now = max(clock.now, min(now, now + timedelta(days=step["at"])))
        _tell(cast, step)
    clock.now = now
    return signed_up


def _people(cast: Cast, script: Mapping[str, Any]) -> list[SignIn]:
    signed_up = []
    with transaction.begin(cast.services, system("demo")) as tx:
        departments: dict[str, int] = {}
        for each in script.get("departments", ()):
            departments[each["name"]] = organisation.add_department(
                tx, each["title"], departments.get(each.get("parent"))
            )
        for person in script.get("people", ()):
            password = secrets.token_urlsafe(9)
            cast.people[person["name"]] = _add(tx, cast, person, departments, password)
            signed_up.append(SignIn(person["title"], person["email"], password, _roles(tx, cast, person)))
        for each in script.get("departments", ()):
            if head := each.get("head"):
                organisation.set_head(tx, departments[each["name"]], cast.people[head])
    return signed_up


def _roles(tx: "Tx", cast: Cast, person: Person) -> str:
    roles = {each.name: each.caption for each in cast.services.apps.live(tx, cast.app).definition.roles}
    return ", ".join(say(roles[each], "en") for each in person.get("roles", ()))


def _add(tx: "Tx", cast: Cast, person: Person, departments: Mapping[str, int], password: str) -> int:
    live = cast.services.apps.live(tx, cast.app)
    member = organisation.add_member(
        tx,
        person["title"],
        person["email"],
        language=person.get("language"),
        time_zone=str(live.zone),
        department=departments.get(person.get("department", "")),
        manager=cast.people.get(person.get("manager", "")),
        rights=frozenset(person.get("rights", ())),
        password_hash=passwords.hash_password(password),
    )
    for role in person.get("roles", ()):
        organisation.grant_role(tx, cast.app, live.role_ids[role], member)
    return member


def _tell(cast: Cast, step: Mapping[str, Any]) -> None:
    who, alias = step["by"], step.get("as")
    if step.get("submit"):
        cast.submit(who, step["as"])
    elif approved := step.get("approve"):
        for task in _first(cast.open_tasks(who, step.get("node"), approved)):
            cast.decide(who, "approve", task, step.get("values", {}))
    else:
        cast.save(who, step.get("form"), step["values"], alias, known="form" not in step)


def _first(tasks: Sequence[Any]) -> Sequence[Any]:
    return tasks[:1]
