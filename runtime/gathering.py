"""Fetches the facts that engines lack: one query for each kind of need and form, at most four rounds."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from engines.access import SYSTEM, view
from engines.actor import Actor
from engines.compiled import CompiledApp
from engines.facts import Facts, Needs, RecordKey
from engines.forms.completing import complete
from metadata.problems import ROOT, LimitExceeded, Problem
from runtime.facts import facts_of
from runtime.reading import masked_records, readable_ids, searches

if TYPE_CHECKING:
    from runtime.transaction import Tx

Answer = TypeVar("Answer")

MOST_ROUNDS = 4


def answered(
    tx: "Tx",
    app: CompiledApp,
    ask: Callable[[Facts], Answer | Needs],
    facts: Facts,
    record: int = 0,
    numbers: Callable[[frozenset[str]], dict[str, Any]] | None = None,
) -> tuple[Answer, Facts]:
    """Ask an engine, fetch what it lacks, and ask again; give its answer with all that is known by then."""
    for _ in range(MOST_ROUNDS + 1):
        answer = ask(facts)
        if not isinstance(answer, Needs):
            return answer, facts
        facts = facts | fetch(tx, app, answer, facts.actor, record)
        if answer.numbers and numbers is not None:
            facts = facts | Facts(numbers=numbers(answer.numbers))
    message = {"en": "This needs too many look-ups, one behind the other", "zh": "需要逐级查找的数据过多"}
    raise LimitExceeded(Problem(ROOT, "too_many_lookups", message, limit={"name": "rounds", "max": MOST_ROUNDS}))


def completed(tx: "Tx", app: CompiledApp, form: str, records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Stored records of a form with what they compute at reading, for rules and scopes that look at it."""
    return completed_with(tx, app, form, records)[0]


def completed_with(
    tx: "Tx", app: CompiledApp, form: str, records: Iterable[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], Facts]:
    """The same, with what had to be known for it, so that nobody looks it up again."""
    stored = list(records)

    def ask(facts: Facts) -> list[Any] | Needs:
        found = [complete(app, form, each, facts) for each in stored]
        lacking = [each for each in found if isinstance(each, Needs)]
        return reduce(or_, lacking) if lacking else found

    return answered(tx, app, ask, facts_of(tx, app))


def fetch(tx: "Tx", app: CompiledApp, needs: Needs, actor: Actor, record: int = 0) -> Facts:
    """Look up what an engine asked for; `record` is the one being saved, which does not stand in its own way."""
    return Facts(
        records=_records(tx, app, needs.records, SYSTEM),
        masked=_records(tx, app, needs.masked, actor),
        readable=_readable(tx, app, needs.readable, actor),
        taken=_taken(tx, app, needs.taken, record),
        found={each: searches.find(tx, app, each, partial(fetch, tx, app, actor=actor)) for each in needs.found},
    )


def _records(tx: "Tx", app: CompiledApp, keys: Iterable[RecordKey], actor: Actor) -> dict[RecordKey, Any]:
    found: dict[RecordKey, Any] = {}
    for form, ids in _by_form(keys).items():
        seen = masked_records(tx, app, form, ids, actor=actor) if _may_read(app, actor, form) else {}
        found |= {(form, id): seen.get(id) for id in ids}
    return found


def _readable(tx: "Tx", app: CompiledApp, keys: Iterable[RecordKey], actor: Actor) -> dict[RecordKey, bool]:
    found: dict[RecordKey, bool] = {}
    for form, ids in _by_form(keys).items():
        seen = readable_ids(tx, app, form, ids, actor=actor) if _may_read(app, actor, form) else frozenset[int]()
        found |= {(form, id): id in seen for id in ids}
    return found


def _taken(
    tx: "Tx", app: CompiledApp, keys: Iterable[tuple[str, str, Any]], record: int
) -> dict[tuple[str, str, Any], bool]:
    wanted: dict[tuple[str, str], set[Any]] = {}
    for form, field, value in keys:
        wanted.setdefault((form, field), set()).add(value)
    found: dict[tuple[str, str, Any], bool] = {}
    for (form, field), values in wanted.items():
        table = app.forms[form].table
        column = table.c[app.forms[form].fields[field].column or ""]
        others = sa.and_(column.in_(list(values)), table.c.deleted_at.is_(None), table.c.id != record)
        held = {row[0] for row in tx.connection.execute(sa.select(column).where(others))}
        found |= {(form, field, value): value in held for value in values}
    return found


def _by_form(keys: Iterable[RecordKey]) -> dict[str, set[int]]:
    grouped: dict[str, set[int]] = {}
    for form, id in keys:
        grouped.setdefault(form, set()).add(id)
    return grouped


def _may_read(app: CompiledApp, actor: Actor, form: str) -> bool:
    return form in app.forms and bool(view(app, actor, form).grants)
