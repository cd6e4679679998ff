"""What an expression is evaluated over: a record with the facts around it, or the constants of one request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from engines.facts import Facts, RecordKey
from engines.organisation import Organisation

NOTHING: Mapping[str, Any] = {}
USER = "user of expressions"  # beside the fields of the facts, which `replace` makes anew without it


@dataclass(frozen=True)
class Environment:
    """One record and what may be read around it.

    `row` is the subform row that the expression belongs to. `truth` follows links to records as they are
    (facts.records), else as the actor sees them (facts.masked). `extras` are the values of the scope's extra names,
    `loops` the rows of the loops of a template around the expression. `moment` stands in for the facts' constants.
    """

    record: Mapping[str, Any]
    facts: Facts
    old: Mapping[str, Any] | None = None
    row: Mapping[str, Any] | None = None
    truth: bool = True
    extras: Mapping[str, Any] = field(default_factory=dict)
    loops: Mapping[str, Any] = field(default_factory=dict)
    moment: "Moment | None" = None


@dataclass(frozen=True)
class Moment:
    """The constants of a request: the clock, the zone, and the user as `user_values` describes him."""

    today: date
    now: datetime
    zone: ZoneInfo
    user: Mapping[str, Any] = field(default_factory=dict)
    organisation: Organisation = field(default_factory=Organisation)
    extras: Mapping[str, Any] = field(default_factory=dict)


class MissingFact(Exception):
    """A linked record was not gathered before; a mistake of the caller, who asks `missing_records` first."""

    def __init__(self, key: RecordKey) -> None:
        super().__init__("a linked record was not fetched before the expression ran")
        self.key = key


def user_values(facts: Facts) -> Mapping[str, Any]:
    """What `user` means for the actor of these facts; worked out once for as long as they are the same actor's."""
    kept: Mapping[str, Any] | None = facts.__dict__.get(USER)
    if kept is None:
        kept = facts.__dict__[USER] = _user_values(facts)
    return kept


def _user_values(facts: Facts) -> dict[str, Any]:
    actor = facts.actor
    roles = {facts.role_names.get(role, role) for role in actor.roles_in(facts.app)}
    return {
        "id": actor.member,
        "name": actor.name if actor.member is not None else "",
        "email": actor.email,
        "department": actor.department,
        "departments": tuple(sorted(actor.departments)),
        "roles": tuple(sorted(roles)),
        "manager": actor.manager,
    }


def moment_of(facts: Facts, extras: Mapping[str, Any] = NOTHING) -> Moment:
    """The same constants as `evaluate` uses for these facts, for the SQL target."""
    return Moment(facts.today, facts.now, facts.zone, user_values(facts), facts.organisation, extras)
