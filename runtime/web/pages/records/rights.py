"""What a person may do with one record now: by his roles and open tasks, as far as a running flow lets go of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from engines.access import Grant, fields_given, may, visible
from engines.compiled import CompiledApp, CompiledForm
from engines.expressions import moment_of
from runtime.facts import facts_of
from runtime.flows import task_access
from runtime.records import holding
from runtime.transaction import Tx


@dataclass(frozen=True)
class Rights:
    """The fields of a record that somebody sees, those he may change now, and the flow that holds the others."""

    readable: frozenset[str]
    editable: frozenset[str]
    opened: frozenset[str] = frozenset()  # read-only fields that an open task lets him change
    lock: task_access.Lock | None = None

    def changeable(self, form: CompiledForm) -> frozenset[str]:
        """The fields that a form draws as inputs."""
        return frozenset(
            each.id
            for each in form.fields.values()
            if each.id in self.editable and not each.is_derived and (not each.read_only or each.id in self.opened)
        )


def rights_of(tx: Tx, app: CompiledApp, form: CompiledForm, id: int) -> Rights:
    """What the door would let this person change in the record; refused where he may never change it."""
    held = holding.hold(tx, app, form, id, "update")
    editable = holding.editable_fields(form, held.grants, held.readable)
    lock = task_access.lock_shown(tx, app, form.id, id)
    if lock is None or lock.editable is None:
        return Rights(held.readable, editable, lock=lock)
    return Rights(held.readable, editable & lock.editable, lock.editable, lock)


def writable(form: CompiledForm, grants: Sequence[Grant], readable: frozenset[str]) -> frozenset[str]:
    """The fields that grants let somebody write: those they name, and of those given wholesale the readable ones."""
    named = {field for grant in grants for field in grant.fields or ()}
    return frozenset(each for each in fields_given(form, grants) if each in readable or each in named)


def may_do(tx: Tx, app: CompiledApp, form: str, id: int, verb: str) -> bool:
    """Whether this very record lies within what the person may do; the door asks again."""
    if not may(app, tx.actor, verb, form):
        return False
    relation = visible(app, tx.actor, form, moment_of(facts_of(tx, app)), tx.dialect, verb)
    statement = relation.where(relation.source.c.id == id).select({"id": relation.column("id")})
    return tx.connection.execute(statement).first() is not None
