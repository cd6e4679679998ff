"""What follows from a record having been saved: late rules, to a fixed point, in the same transaction."""

from typing import TYPE_CHECKING

from engines import rules
from engines.compiled import CompiledApp
from engines.events import RecordChanged
from runtime.facts import facts_of
from runtime.gathering import answered
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
    runs: dict[tuple[str, int], int] = tx.notes.setdefault(RUNS, {})
    outcome, _ = answered(tx, app, lambda facts: rules.execute(app.rules, event, facts, runs), facts_of(tx, app))
    for ran in outcome.ran:
        runs[ran] = runs.get(ran, 0) + 1
    traces.note(tx, app, outcome.trace)
    from runtime import effects  # performs saves itself

    effects.perform(tx, app, outcome.effects)
