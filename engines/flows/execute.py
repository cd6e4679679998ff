"""What a flow does when something happens: state and event in, new state and effects out; no clock, no database."""

from collections.abc import Mapping
from typing import Any

from engines.action_values import needs_of
from engines.facts import Facts, Needs
from engines.flows.compiled import CompiledFlow
from engines.flows.node_type import Lacking
from engines.flows.state import FlowEvent, Outcome, State
from engines.flows.transition import Transition


def execute(
    flow: CompiledFlow, state: State, event: FlowEvent, facts: Facts, record: Mapping[str, Any]
) -> Outcome | Needs:
    """Take an instance as far as it goes without anybody: to the next tasks, waits, or its end."""
    run = Transition(flow, state, facts, record)
    if needs := needs_of(flow.expressions, run.environment):
        return needs
    try:
        run.take(event)
        run.walk()
    except Lacking as lacking:
        return lacking.needs
    return run.outcome()
