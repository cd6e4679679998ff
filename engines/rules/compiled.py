"""Compiled rules: checked once, indexed by form, and then only read."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engines.action_type import CompiledAction
from engines.compiled import EarlyAnswer
from engines.effects import Effect
from engines.events import RecordChanged
from engines.facts import Facts, Needs
from engines.rules.condition import CompiledCondition
from engines.rules.trace import RuleTrace
from engines.rules.trigger_type import TriggerType
from metadata.text import Text

if TYPE_CHECKING:
    from metadata.rules import RuleDefinition

Runs = Mapping[tuple[str, int], int]


@dataclass(frozen=True)
class CompiledRule:
    """A rule that can run. `early` rules run before their record is written, all others after it.

    A rule that is `paused` while the app runs is not asked about saves; what it does in jobs waits there.
    """

    id: str
    name: str
    title: Text
    definition: "RuleDefinition"
    place: int
    form: str | None
    trigger: TriggerType
    when: Any
    condition: CompiledCondition | None
    then: tuple[CompiledAction, ...]
    otherwise: tuple[CompiledAction, ...]
    early: bool = False
    in_job: bool = False
    as_user: bool = False
    group: str | None = None
    rows: str | None = None  # the subform field whose rows the rule is about
    paused: bool = False

    @property
    def enabled(self) -> bool:
        return self.definition.enabled

    @property
    def looks_at_saves(self) -> bool:
        """Whether it is asked about every save of its form."""
        return self.enabled and self.trigger.source == "record" and (self.in_job or not self.paused)


@dataclass(frozen=True)
class Outcome:
    """What rules ask for after an event, who looked, and which rules ran (rule id and record)."""

    effects: tuple[Effect, ...] = ()
    trace: tuple[RuleTrace, ...] = ()
    ran: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class CompiledRules:
    """All rules of an app by id, in the order of the definition."""

    rules: Mapping[str, CompiledRule] = field(default_factory=dict)

    def __iter__(self) -> Iterator[CompiledRule]:
        return iter(self.rules.values())

    @cached_property
    def record_rules(self) -> Mapping[tuple[str, bool], tuple[CompiledRule, ...]]:
        """The rules that look at saves, by form and by whether they are early."""
        return _grouped(each for each in self if each.looks_at_saves)

    @cached_property
    def swept(self) -> tuple[CompiledRule, ...]:
        """The rules that a sweep finds records for."""
        return tuple(each for each in self if each.enabled and each.trigger.source == "sweep")

    @cached_property
    def scheduled(self) -> tuple[CompiledRule, ...]:
        """The rules that the clock starts."""
        return tuple(each for each in self if each.enabled and each.trigger.source == "schedule")

    def pausing(self, paused: Collection[str]) -> "CompiledRules":
        """The same rules, some of which stand still."""
        return CompiledRules({id: replace(rule, paused=id in paused) for id, rule in self.rules.items()})

    def looks_early(self, form: str) -> bool:
        """Whether any rule is to be asked before a save of this form is written."""
        return (form, True) in self.record_rules

    def follows(self, form: str) -> bool:
        """Whether anything may follow from a save of this form."""
        return bool(self.record_rules.get((form, False)) or self.swept_of(form))

    def swept_of(self, form: str) -> tuple[CompiledRule, ...]:
        return tuple(each for each in self.swept if each.form == form)

    def early(self, event: RecordChanged, facts: Facts) -> EarlyAnswer | Needs:
        """Ask the early rules about a save before it is written: the form engine knows rules only by this."""
        from engines.rules.execute import early

        return early(self, event, facts)


def _grouped(rules: Iterable[CompiledRule]) -> dict[tuple[str, bool], tuple[CompiledRule, ...]]:
    found: dict[tuple[str, bool], tuple[CompiledRule, ...]] = {}
    for rule in rules:
        key = (rule.form or "", rule.early)
        found[key] = (*found.get(key, ()), rule)
    return found
