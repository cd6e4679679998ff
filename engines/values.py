"""Values as written (a literal, `=expression`, or text with {{ expressions }}), and those that cannot be taken."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metadata.problems import Path, Problem
from metadata.text import Text

if TYPE_CHECKING:
    from metadata.expressions import Expression, Template


@dataclass(frozen=True)
class CompiledValue:
    """A value as written, compiled: exactly one of the three is what counts (a literal when both others are None)."""

    literal: Any = None
    expression: "Expression | None" = None
    template: "Template | None" = None


class ValueProblem(Exception):
    """A value that a field cannot take: a stable code, what is wrong, and the way out."""

    def __init__(self, code: str, message: Text, hint: Text = "", limit: dict[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.hint, self.limit = code, message, hint, limit

    def at(self, path: Path) -> Problem:
        return Problem(path, self.code, self.message, self.hint, self.limit)
