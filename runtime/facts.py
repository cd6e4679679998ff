"""What is known before anything is looked up: the clock, the actor, the people."""

from typing import TYPE_CHECKING

from engines.actor import Actor
from engines.compiled import CompiledApp
from engines.facts import Facts

if TYPE_CHECKING:
    from runtime.transaction import Tx


def facts_of(tx: "Tx", app: CompiledApp, actor: Actor | None = None) -> Facts:
    """The facts with which a question of an actor begins; gathering adds what engines lack."""
    return Facts(tx.now, app.zone, actor or tx.actor, tx.organisation, app.name, app.role_names)
