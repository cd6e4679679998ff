"""Where a value may be given: a literal, `=expression`, or text with {{ expressions }}."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metadata.expressions import Expression, Template


@dataclass(frozen=True)
class CompiledValue:
    """A value as written, compiled: exactly one of the three is what counts (a literal when both others are None)."""

    literal: Any = None
    expression: "Expression | None" = None
    template: "Template | None" = None
