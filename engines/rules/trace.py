"""What a rule thought of an event: whether it looked, the value of each term, and what it asked for."""

from dataclasses import dataclass
from typing import Any, Literal

from engines.rules.condition import Term
from metadata.text import Text

RuleOutcome = Literal["fired", "else", "queued", "refused", "failed", "skipped", "not_concerned", "condition_false"]

TOLD: frozenset[str] = frozenset({"fired", "else", "queued", "refused", "failed", "skipped"})
"""Outcomes that are stored; the rest is answered on demand."""


@dataclass(frozen=True)
class RuleTrace:
    """One rule's look at one event. `actions` names the kinds of what was asked for, in order."""

    rule: str
    name: str
    outcome: RuleOutcome
    terms: tuple[Term, ...] = ()
    actions: tuple[str, ...] = ()
    reason: Text = ""
    event: str = ""
    form: str | None = None
    record: int | None = None

    @property
    def is_told(self) -> bool:
        return self.outcome in TOLD

    @property
    def failing(self) -> tuple[Term, ...]:
        """The terms that did not hold."""
        return tuple(term for term in self.terms if term.value is not True)

    def as_json(self) -> dict[str, Any]:
        """The details as they are stored; values stay internal ones until they are shown."""
        return {
            "terms": [
                {"text": term.text, "value": term.value, "reads": [[list(path), value] for path, value in term.reads]}
                for term in self.terms
            ],
            "actions": list(self.actions),
            "reason": self.reason,
            "name": self.name,
        }
