"""Rules: when something happens, if a condition holds, then do this, else that."""

from typing import Annotated, Literal

from metadata.conditions import Condition
from metadata.kinds import OfKind
from metadata.names import FormName, Name
from metadata.nouns import Named
from metadata.registry import Options


class TriggerDefinition(Options):
    """When a rule looks: its kind (`trigger`), and the form it is about; a kind may demand the form and add its own."""

    trigger: str
    form: FormName | None = None


class ActionDefinition(Options):
    """One thing to do: its kind (`action`) and the kind's own keys. Rules and flows share the vocabulary."""

    action: str


AnyTrigger = Annotated[TriggerDefinition, OfKind("trigger")]
AnyAction = Annotated[ActionDefinition, OfKind("action")]


class RuleDefinition(Named):
    """A rule. Rules of a form run in the order in which they stand in the definition.

    Of the rules that share a `group`, only the first whose condition holds runs.
    """

    enabled: bool = True
    group: Name | None = None
    when: AnyTrigger
    if_: Condition | None = None
    then: tuple[AnyAction, ...] = ()
    else_: tuple[AnyAction, ...] = ()
    async_: bool = False
    as_: Literal["system", "user"] = "system"
