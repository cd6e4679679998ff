"""A save under way: the record as it grows, what is wrong so far, and which facts are wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.compiled import CompiledApp, CompiledField, CompiledForm, blank_of
from engines.expressions import Environment
from engines.facts import Facts
from engines.forms.numbers import fit
from engines.forms.rows import differ
from engines.forms.save import SaveRequest
from engines.values import ValueProblem
from metadata.problems import ROOT, Invalid, Problem, Problems
from metadata.text import Text

MOST_PROBLEMS = 50
VALUES = ROOT / "values"


@dataclass
class Save:
    """One save: `after` is the record being made, `given` the fields that somebody set on purpose."""

    app: CompiledApp
    form: CompiledForm
    request: SaveRequest
    before: Mapping[str, Any] | None
    facts: Facts
    after: dict[str, Any] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    given_in_rows: dict[int, set[str]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    trace: tuple[Any, ...] = ()

    def environment(self, row: Mapping[str, Any] | None = None) -> Environment:
        return Environment(self.after, self.facts, old=self.before, row=row)

    def next_row_id(self) -> int:
        """A name for a new row until the door gives it its id."""
        return -1 - len(self.given_in_rows)

    def changed(self, id: str) -> bool:
        """Whether a field holds another value than before; on a new record, whether it holds any."""
        value = self.after.get(id)
        if self.before is None:
            return not is_empty(value)
        field = self.form.fields.get(id)
        if field is not None and field.subform is not None:
            return differ(field.subform, self.before.get(id) or (), value or ())
        return bool(value != self.before.get(id))

    def changes(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of the fields that hold another value than before."""
        if self.before is None:
            after = self.after
            return frozenset([id for id in ids if not is_empty(after.get(id))])
        return frozenset([id for id in ids if self.changed(id)])

    def say(self, field: CompiledField | None, problem: ValueProblem | Problem, *inside: str | int) -> None:
        """Note a problem at a field (and a place inside it), or at the record as a whole."""
        path = VALUES / field.name if field is not None else ROOT
        for part in inside:
            path = path / part
        if isinstance(problem, ValueProblem):
            self.problems.items.append(problem.at(path))
        else:
            self.problems.items.append(problem.under(path))
        if field is not None:
            self.broken.add(field.id)

    def add(self, field: CompiledField | None, code: str, message: Text, hint: Text = "", *inside: str | int) -> None:
        self.say(field, Problem(ROOT, code, message, hint), *inside)

    def raise_problems(self) -> None:
        """Refuse the save with all its problems, in the order of the fields."""
        if self.problems:
            refusal = Invalid(*sorted(self.problems, key=self._place)[:MOST_PROBLEMS])
            refusal.trace = self.trace  # what rules thought of a save that was refused is worth keeping
            raise refusal

    def _place(self, problem: Problem) -> tuple[int, tuple[int, ...]]:
        parts = problem.path.parts
        field = self.form.field(str(parts[1])) if len(parts) > 1 else None
        rows = tuple(part for part in parts[2:] if isinstance(part, int))
        return (field.position if field is not None else 10_000, rows)


def is_empty(value: Any) -> bool:
    """Whether nothing stands there: no value, no text, no rows, no tags; a number 0 is something, `no` is nothing."""
    return value is None or value == "" or value is False or value == () or value == []


def settle(value: Any, field: CompiledField) -> Any:
    """Bring a value that an expression or a rule made into the form that the field keeps; raise ValueProblem."""
    type = field.type
    if value is None or value == "":
        return blank_of(type)
    if field.is_derived:
        return fit(value, type.decimals or 0) if type.name == "number" else value
    if type.name == "number":
        return field.kind.parse(fit(value, type.decimals or 0), field)
    if type.name == "text" or (type.name == "list" and type.of is not None and type.of.name == "text"):
        return field.kind.parse(value, field)
    return tuple(dict.fromkeys(value)) if type.name == "list" else value
