"""Records that an action looks for: those that link to a record, or that meet a condition, as they truly are."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from engines.access import truth
from engines.compiled import CompiledApp
from engines.expressions import Environment, NotPushable, evaluate, missing_records, moment_of, where
from engines.facts import Facts, Needs, Search, Values
from metadata.expressions import Expression
from runtime import storage
from runtime.facts import facts_of

if TYPE_CHECKING:
    from runtime.transaction import Tx

Fetch = Callable[[Needs], Facts]

LOT = 500  # records that are read at once where a condition has no SQL form


def find(tx: "Tx", app: CompiledApp, search: Search, fetch: Fetch) -> tuple[Values, ...]:
    """The oldest records that fit, at most as many as the search allows; `fetch` gets what a condition reads."""
    moment = moment_of(facts_of(tx, app))
    relation = truth(app, search.form, moment, tx.dialect)
    if search.link is not None:
        relation.where(relation.column(search.link) == search.record)
    rest: Expression | None = None
    if search.where is not None:
        try:
            relation.where(where(search.where, relation, moment, tx.dialect))
        except NotPushable:
            rest = search.where
    id = relation.column("id")
    statement = relation.select({"id": id}).order_by(id)
    ids = tx.connection.scalars(statement if rest is not None else statement.limit(search.limit)).all()
    found = _loaded(tx, app, search.form, ids) if rest is None else _that_hold(tx, app, search.form, ids, rest, fetch)
    return tuple(islice(found, search.limit))


def _that_hold(
    tx: "Tx", app: CompiledApp, form: str, ids: Sequence[int], condition: Expression, fetch: Fetch
) -> Iterator[Values]:
    """Row by row, for a condition that has no SQL form; what its rows read is fetched for a whole lot."""
    for start in range(0, len(ids), LOT):
        records = list(_loaded(tx, app, form, ids[start : start + LOT]))
        facts = facts_of(tx, app)
        while missing := frozenset(key for each in records for key in missing_records([condition], each, facts)):
            facts = facts | fetch(Needs(records=missing))
        yield from (each for each in records if evaluate(condition, Environment(each, facts)) is True)


def _loaded(tx: "Tx", app: CompiledApp, form: str, ids: Sequence[int]) -> Iterator[Values]:
    records = storage.load(tx, app, app.forms[form], ids)
    return (records[each] for each in ids if each in records)
