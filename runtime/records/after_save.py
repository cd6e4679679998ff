"""What follows from a record having been saved: late rules, to a fixed point, in the same transaction."""

from dataclasses import replace
from typing import TYPE_CHECKING

from engines import rules
from engines.compiled import CompiledApp
from engines.events import RecordChanged
from runtime.facts import facts_of
from runtime.gathering import answered, completed
from runtime.rules import traces

if TYPE_CHECKING:
    from runtime.transaction import Tx

RUNS = "rule runs"


def follow(tx: "Tx", app: CompiledApp, event: RecordChanged) -> None:
    """Ask the late rules, and do what they ask for; each of their saves is asked about in turn.

    A rule runs again on a record only when something crosses anew; how often each ran is counted for the whole
    transaction.
    """
    if app.rules is None or not app.rules.follows(event.form):
        return
    event = _complete(tx, app, event)
    runs: dict[tuple[str, int], int] = tx.notes.setdefault(RUNS, {})
    outcome, _ = answered(tx, app, lambda facts: rules.execute(app.rules, event, facts, runs), facts_of(tx, app))
    for ran in outcome.ran:
        runs[ran] = runs.get(ran, 0) + 1
    traces.note(tx, app, outcome.trace)
    from runtime import effects  # performs saves itself

    effects.perform(tx, app, outcome.effects)


def _complete(tx: "Tx", app: CompiledApp, event: RecordChanged) -> RecordChanged:
    """The change with what the record computed before and computes now, for rules that look at it."""
    images = [each for each in (event.before, event.after) if each is not None]
    known = dict(zip(map(id, images), completed(tx, app, event.form, images), strict=True))
    return replace(event, before=known.get(id(event.before)), after=known.get(id(event.after)))
