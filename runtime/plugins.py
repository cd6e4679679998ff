"""The kinds of this installation: the built-in ones, then those that installed packages bring."""

from functools import cache
from importlib.metadata import entry_points, packages_distributions

from engines import actions
from engines.action_type import ActionType
from engines.expressions.standard import standard_functions
from engines.flows import nodes
from engines.flows.node_type import NodeType
from engines.forms import fields
from engines.forms.field_type import FieldType
from engines.reports import charts
from engines.reports.chart_type import ChartType
from engines.rules import triggers
from engines.rules.trigger_type import TriggerType
from metadata.app import AppDefinition
from metadata.kinds import TAGS, Kinds
from metadata.language import COMMON
from metadata.registry import Kind, Registry
from metadata.said import all_said
from metadata.walk import things

ENTRY_POINTS = "fourfold.kinds"
"""The entry point group of packages with kinds of their own: a function that is given the Kinds and registers."""


@cache
def load() -> Kinds:
    """Load every kind once; from then on nothing more comes in."""
    kinds = built_in()
    for entry_point in entry_points(group=ENTRY_POINTS):
        entry_point.load()(kinds)
    return complete(kinds)


def complete(kinds: Kinds) -> Kinds:
    """Freeze the kinds; a function that a package brings has to be built of others (`build`).

    One that gives values itself would have to be known to the evaluator, to SQLite and to the browser, which know the
    built-in ones only. Raises TypeError with its name.
    """
    for function in kinds.functions:
        if function.has_value and (package := package_of(function)) is not None:
            raise TypeError(f"{function.name} of {package}: a function of a package is built of others, see `build`")
    return kinds.freeze()


def package_of(kind: Kind) -> str | None:
    """Which installed package brings a kind; None for those of Fourfold itself."""
    top = type(kind).__module__.partition(".")[0]
    return None if top == "engines" else next(iter(packages_distributions().get(top, ())), top)


def packages_of(definition: AppDefinition, kinds: Kinds) -> dict[str, str]:
    """Which package brings each kind that an app uses, by noun and name; kept for the day when one is missing."""
    found = {}
    for thing in things(definition):
        for noun, model in COMMON.items():
            if isinstance(thing.model, model):
                name = getattr(thing.model, TAGS[noun])
                if (package := package_of(kinds.of(noun).get(name))) is not None:
                    found[f"{noun} {name}"] = package
    return found | _packages_of_functions(definition, kinds)


def _packages_of_functions(definition: AppDefinition, kinds: Kinds) -> dict[str, str]:
    brought = {each.name: package for each in kinds.functions if (package := package_of(each)) is not None}
    if not brought:
        return {}
    called = {name.upper() for said in all_said(definition) for name in said.calls}
    return {f"function {name}": package for name, package in brought.items() if name in called}


def built_in() -> Kinds:
    """The kinds that Fourfold brings, one file each, in registries that still take more."""
    kinds = Kinds(
        fields=Registry("field type", FieldType),
        nodes=Registry("node type", NodeType),
        triggers=Registry("trigger", TriggerType),
        actions=Registry("action", ActionType),
        charts=Registry("chart type", ChartType),
        connectors=Registry("connector", Kind),
        functions=standard_functions(),
    )
    for registry, package in (
        (kinds.fields, fields),
        (kinds.nodes, nodes),
        (kinds.triggers, triggers),
        (kinds.actions, actions),
        (kinds.charts, charts),
    ):
        registry.load(package)
    return kinds
