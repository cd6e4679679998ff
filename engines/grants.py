"""What roles are granted: one grant for each access entry, united for whoever holds several of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from engines.actor import Actor
from engines.compiled import CompiledApp, CompiledForm
from engines.expressions import Environment, evaluate, missing_records
from engines.facts import Facts, RecordKey, Values
from engines.system_fields import SYSTEM_FIELDS
from metadata.access import Verb
from metadata.expressions import Expression

VERBS: tuple[Verb, ...] = get_args(Verb)


@dataclass(frozen=True)
class Grant:
    """One access entry: a role may do these things with the records of a form that meet the scope, in these fields.

    No `scope` means every record, no `fields` every field, later ones too. `records` narrows a grant to single
    records; that is how an open task lets its holder read what he has to decide.
    """

    form: str
    verbs: frozenset[str]
    role: str = ""
    scope: Expression | None = None
    fields: frozenset[str] | None = None
    records: frozenset[int] | None = None

    @property
    def is_everywhere(self) -> bool:
        return self.scope is None and self.records is None

    def gives(self, field: str) -> bool:
        return self.fields is None or field in self.fields or field in SYSTEM_FIELDS


@dataclass(frozen=True)
class CompiledAccess:
    """All access entries of an app by form id. No entry, no right."""

    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)


def grants_of(app: CompiledApp, actor: Actor, verb: str, form: str) -> tuple[Grant, ...]:
    """The grants that an actor holds under a verb, united as far as they unite."""
    if actor.is_system:
        return (Grant(form, frozenset(VERBS)),)
    if actor.scopes is not None and verb not in actor.scopes:
        return ()
    roles = actor.roles_in(app.name)
    held = [each for each in app.access.grants.get(form, ()) if each.role in roles and verb in each.verbs]
    return united(held)


def united(grants: Sequence[Grant]) -> tuple[Grant, ...]:
    """Merge grants of one scope, and drop those that a grant for every record covers."""
    merged: dict[tuple[str | None, frozenset[int] | None], Grant] = {}
    for each in grants:
        key = (each.scope.text if each.scope else None, each.records)
        before = merged.get(key)
        merged[key] = each if before is None else replace(before, fields=_joined(before.fields, each.fields))
    everywhere = merged.get((None, None))
    if everywhere is None:
        return tuple(merged.values())
    return (everywhere, *(each for each in merged.values() if each is not everywhere and _adds(each, everywhere)))


def fields_given(form: CompiledForm, grants: Iterable[Grant]) -> frozenset[str]:
    """The fields that at least one of the grants gives."""
    granted = tuple(grants)
    if any(grant.fields is None for grant in granted):
        return frozenset(form.fields)
    return frozenset(each for each in form.fields if any(grant.gives(each) for grant in granted))


def not_given(grants: Iterable[Grant], fields: Iterable[str], record: Values, facts: Facts) -> frozenset[str] | None:
    """Those of the fields that no matching grant gives; None where no grant matches. Looks no further than it must."""
    left, matched = frozenset(fields), False
    for grant in grants:
        if matched and not left:
            break
        if matches(grant, record, facts):
            matched, left = True, frozenset(each for each in left if not grant.gives(each))
    return left if matched else None


def scope_needs(grants: Iterable[Grant], record: Values, facts: Facts) -> frozenset[RecordKey]:
    """The linked records that the scopes look at and that are not known yet; scopes look at the truth."""
    scopes = [each.scope for each in grants if each.scope is not None]
    return frozenset(missing_records(scopes, record, facts))


def matches(grant: Grant, record: Values, facts: Facts) -> bool:
    """Whether a record that is at hand meets the scope of a grant."""
    if grant.records is not None and record.get("id") not in grant.records:
        return False
    return grant.scope is None or bool(evaluate(grant.scope, Environment(record, facts)))


def _joined(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


def _adds(grant: Grant, everywhere: Grant) -> bool:
    if everywhere.fields is None:
        return False
    return grant.fields is None or not grant.fields <= everywhere.fields
