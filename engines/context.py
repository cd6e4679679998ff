"""What the compilation of every engine knows of the whole app, and of the place that is being checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from engines.computed.moving import late_fields, moving_fields
from engines.values import ValueProblem
from metadata.expressions import Expression, Names, Scope, check
from metadata.problems import Path, Problems, Refusal
from metadata.text import Text
from metadata.value_types import ValueType

if TYPE_CHECKING:
    from engines.compiled import CompiledForm
    from metadata.kinds import KindNoun, Kinds
    from metadata.registry import Registry

Made = TypeVar("Made")


@dataclass(frozen=True)
class AppContext:
    """An app whose forms are compiled, as rules, flows, reports and their actions are checked against it."""

    names: Names
    forms: "Mapping[str, CompiledForm]"
    form_ids: Mapping[str, str]
    role_ids: Mapping[str, str]
    flow_ids: Mapping[str, str]
    kinds: "Kinds"
    flow_forms: Mapping[str, str] = field(default_factory=dict)  # by id of the flow, the id of its form
    role_titles: Mapping[str, Text] = field(default_factory=dict)  # by id, for sentences that people read
    stand_ins: "Mapping[KindNoun, Callable[[str], Any]]" = field(default_factory=dict)  # for what cannot be compiled

    @cached_property
    def moving(self) -> frozenset[str]:
        """The ids of the fields that move without a save of their record."""
        return moving_fields(self.forms)

    @cached_property
    def late(self) -> frozenset[str]:
        """The ids of the fields that are only right a moment after a save."""
        return late_fields(self.forms)

    @property
    def functions(self) -> "Registry[Any]":
        return self.kinds.functions

    @property
    def makes_do(self) -> bool:
        """Whether what cannot be compiled rests, instead of keeping the app from being compiled."""
        return bool(self.stand_ins)


@dataclass(frozen=True)
class CheckContext:
    """A place in a definition that is being checked: what its expressions may read, and where problems are noted."""

    app: AppContext
    scope: Scope
    problems: Problems
    path: Path

    def within(self, scope: Scope) -> Self:
        return replace(self, scope=scope)

    def at(self, *parts: str | int) -> Self:
        path = self.path
        for part in parts:
            path = path / part
        return replace(self, path=path)

    def add(self, code: str, message: Text, *place: str | int, hint: Text = "") -> None:
        self.problems.add(self.at(*place).path, code, message, hint)

    def ask_to_mend(self, code: str, message: Text, *place: str | int, hint: Text = "") -> None:
        """Note what an author has to mend before he publishes; what is live already goes on as it did."""
        if not self.app.makes_do:
            self.add(code, message, *place, hint=hint)

    def expression(self, text: str, *place: str | int, want: ValueType | None = None) -> Expression | None:
        """Check an expression; a problem is noted under its key and None is given."""
        return self.attempt(lambda: check(text, self.scope, self.app.functions, want), place)

    def quietly(self, text: str, want: ValueType | None = None) -> Expression | None:
        """Check an expression that was checked as part of another; None where it does not stand alone."""
        try:
            return check(text, self.scope, self.app.functions, want)
        except Refusal:
            return None

    def attempt(self, work: Callable[[], Made], place: tuple[str | int, ...]) -> Made | None:
        """Do what may turn out to be wrong; then it is noted under its place, and None is given."""
        try:
            return work()
        except Refusal as refusal:
            self.problems.extend(refusal.problems, self.at(*place).path)
        except ValueProblem as problem:
            self.problems.items.append(problem.at(self.at(*place).path))
        return None
