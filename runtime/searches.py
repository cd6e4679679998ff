"""Records that an action looks for: those that link to a record, or that meet a condition, as they truly are."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engines.access import truth
from engines.compiled import CompiledApp
from engines.expressions import Environment, NotPushable, evaluate, missing_records, moment_of, where
from engines.facts import Needs, Search, Values
from runtime import storage
from runtime.question import facts_of

if TYPE_CHECKING:
    from runtime.transaction import Tx


def find_all(tx: "Tx", app: CompiledApp, searches: Iterable[Search]) -> dict[Search, tuple[Values, ...]]:
    """Answer every search."""
    return {search: find(tx, app, search) for search in searches}


def find(tx: "Tx", app: CompiledApp, search: Search) -> tuple[Values, ...]:
    """The oldest records that fit, at most as many as the search allows."""
    moment = moment_of(facts_of(tx, app))
    relation = truth(app, search.form, moment, tx.dialect)
    if search.link is not None:
        relation.where(relation.column(search.link) == search.record)
    rest = None
    if search.where is not None:
        try:
            relation.where(where(search.where, relation, moment, tx.dialect))
        except NotPushable:
            rest = search.where
    id = relation.column("id")
    statement = relation.select({"id": id}).order_by(id)
    ids = tx.connection.scalars(statement if rest is not None else statement.limit(search.limit)).all()
    records = storage.load(tx, app, app.forms[search.form], ids)
    found = [records[each] for each in ids if each in records]
    if rest is not None:
        found = [record for record in found if _holds(tx, app, rest, record)]
    return tuple(found[: search.limit])


def _holds(tx: "Tx", app: CompiledApp, condition: object, record: Values) -> bool:
    """Row by row, for a condition that has no SQL form."""
    from runtime.gathering import fetch

    facts = facts_of(tx, app)
    missing = missing_records([condition], record, facts)  # type: ignore[list-item]
    if missing:
        facts = facts | fetch(tx, app, Needs(records=missing), facts.actor)
    return evaluate(condition, Environment(record, facts)) is True  # type: ignore[arg-type]
