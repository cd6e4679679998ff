"""The rule engine: what follows from an event, decided without doing it."""

from engines.rules.compile import compile_rule, compile_rules
from engines.rules.compiled import CompiledRule, CompiledRules, Outcome
from engines.rules.execute import execute, occurrence_of, why
from engines.rules.trace import RuleTrace
from engines.rules.trigger_type import Sweep, TriggerType
from engines.rules.words import sentence_of, term_in_words, titled

__all__ = [
    "CompiledRule",
    "CompiledRules",
    "Outcome",
    "RuleTrace",
    "Sweep",
    "TriggerType",
    "compile_rule",
    "compile_rules",
    "execute",
    "occurrence_of",
    "sentence_of",
    "term_in_words",
    "titled",
    "why",
]
