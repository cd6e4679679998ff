"""Stand-ins for kinds that a stored definition names and this installation has not: nothing of theirs is lost.

A field's values are shown as they are stored, and nobody writes them; a rule rests; a flow stops as an incident where
it comes to such a node; a report is a table. What needs a function that is missing is treated alike: a field is raw,
whatever else needs it rests. Once the package is back, everything goes on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from engines.action_type import ActionType, KindMissing, Occasion
from engines.compiled import CompiledField, Storage, StoredAs
from engines.effects import Effect
from engines.flows.missing import MissingNode
from engines.forms.context import FormContext
from engines.forms.conversion import type_of_shape
from engines.forms.field_type import FieldType
from engines.forms.makeshift import NOTHING
from engines.forms.tables import ROWS
from engines.reports.chart_type import ChartType
from engines.rules.trigger_type import TriggerType
from engines.values import ValueProblem
from metadata.app import AppDefinition
from metadata.expressions.signatures import find
from metadata.kinds import KindNoun, Kinds, MissingKind
from metadata.missing import Kept
from metadata.registry import Registry
from metadata.said import all_said
from metadata.value_types import ValueType


class _StandIn:
    """What all stand-ins share; they are made for one name each."""

    stands_in: ClassVar[bool] = True
    icon: ClassVar[str] = "alert-triangle"
    Options: ClassVar[type[BaseModel]] = Kept

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = KindMissing(name).reason


class MissingField(_StandIn, FieldType):
    """Values of a kind that is not here: read by the type in which they are stored."""

    widget = "computed"

    def __init__(self, name: str, storages: Mapping[str, StoredAs]) -> None:
        super().__init__(name)
        self.shapes = {id: stored.shape for id, stored in storages.items() if stored.shape != ROWS}

    def storage_of(self, definition: Any) -> Storage:
        shape = self.shapes.get(definition.key)
        if shape is None:
            return "computed"
        return "list" if shape.startswith("list:") else "stored"

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        shape = self.shapes.get(definition.key)
        return type_of_shape(shape) if shape is not None else context.formula_type(definition, None)

    def formula(self, definition: Any, context: FormContext) -> str | None:
        return None if definition.key in self.shapes else NOTHING

    def parse(self, raw: Any, field: CompiledField) -> Any:
        raise ValueProblem("kind_missing", KindMissing(self.name).reason)


class MissingAction(_StandIn, ActionType):
    """A deed that nobody can do now: a rule with it rests, a flow does not get past it."""

    def execute(self, compiled: Any, occasion: Occasion) -> Sequence[Effect]:
        raise KindMissing(self.name)


class MissingTrigger(_StandIn, TriggerType):
    """A moment that nobody can tell now; its rule rests."""


class MissingChart(_StandIn, ChartType):
    """A drawing that nobody can make now; the figures stand in a table."""

    look = "table"
    dimensions = range(20)
    measures = range(1, 50)


def missing_functions(definition: AppDefinition, functions: Registry[Any]) -> Iterator[MissingKind]:
    """The functions that a definition calls and nobody has registered, once for each place."""
    for said in all_said(definition):
        for name in said.calls:
            if find(functions, name) is None:
                yield MissingKind("function", name.upper(), said.path)


def with_stand_ins(
    kinds: Kinds, missing: Iterable[MissingKind], storages: Mapping[str, StoredAs] | None = None
) -> Kinds:
    """The kinds there are, and a stand-in for each that is missing."""
    made: dict[tuple[KindNoun, str], Any] = {}
    for each in missing:
        if each.noun == "field":
            made[(each.noun, each.name)] = MissingField(each.name, storages or {})
        elif each.noun != "function":  # what calls one rests
            made[(each.noun, each.name)] = STAND_INS[each.noun](each.name)
    return kinds.with_more(made)


STAND_INS: Mapping[KindNoun, Any] = {
    "node": MissingNode,
    "trigger": MissingTrigger,
    "action": MissingAction,
    "chart": MissingChart,
}
