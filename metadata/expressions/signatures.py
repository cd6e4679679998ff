"""What the language knows of a function: its names, its parameters, what it gives. Its meaning lives in the engines."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from metadata.expressions import building, fitting
from metadata.expressions.errors import ExpressionError
from metadata.expressions.tree import Node
from metadata.problems import nearest
from metadata.registry import Kind, Registry
from metadata.text import Text
from metadata.value_types import ValueType

if TYPE_CHECKING:
    from collections.abc import Sequence


class Required:
    """Marks a parameter without a default."""


@dataclass(frozen=True)
class Parameter:
    """One parameter. Without a type any value will do; a `constant` must stand in the text itself."""

    name: str
    type: ValueType | None = None
    default: Any = Required
    constant: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None

    @property
    def is_required(self) -> bool:
        return self.default is Required


class Function(Kind):
    """The base of every function: enough to check a call of it."""

    name: ClassVar[str]
    title: ClassVar[Text]
    icon: ClassVar[str] = "calculator"
    aliases: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    variadic: ClassVar[bool] = False
    result: ClassVar[ValueType]
    aggregate: ClassVar[str] = ""
    magnitude: ClassVar[int | None] = None

    def result_of(self, args: "Sequence[Node]") -> ValueType:
        """The type of the result for these arguments."""
        return self.result

    def magnitude_of(self, args: "Sequence[Node]") -> int:
        """How many digits before the point the result may have."""
        if self.magnitude is not None:
            return self.magnitude
        return max((arg.magnitude for arg in args), default=0) + (self.result.name == "number")

    def build(self, args: list[Node], column: int) -> Node:
        """The node of a call; functions that are made of simpler steps build those instead."""
        given = self.fitted(args, column)
        type = self.result_of(given)
        return building.limited(Node("call", type, tuple(given), self.name, self.magnitude_of(given), column))

    def fitted(self, args: list[Node], column: int) -> list[Node]:
        """The arguments held against the parameters, defaults put in."""
        wanted = list(self.parameters)
        if self.variadic and wanted:
            wanted += [wanted[-1]] * (len(args) - len(wanted))
        least = sum(parameter.is_required for parameter in self.parameters)
        if not least <= len(args) <= len(wanted):
            raise _wrong_count(self, least, len(wanted), len(args), column)
        return [
            _fit(self, parameter, args[place] if place < len(args) else building.literal(parameter.default, column))
            for place, parameter in enumerate(wanted)
        ]


def find(functions: Registry[Any], name: str) -> Function | None:
    """The function of that name or alias, in any case."""
    wanted = name.upper()
    if wanted in functions:
        found: Function = functions.get(wanted)
        return found
    return next((function for function in functions if wanted in function.aliases), None)


def unknown_function(functions: Registry[Any], name: str, column: int) -> ExpressionError:
    known = [*functions.names(), *(alias for function in functions for alias in function.aliases)]
    message: Text = {"en": f"There is no function “{name[:60]}”", "zh": f"没有函数“{name[:60]}”"}
    return ExpressionError("unknown_function", message, column, nearest(name.upper(), known))


def _fit(function: Function, parameter: Parameter, node: Node) -> Node:
    if parameter.type is not None:
        node = fitting.need(node, parameter.type)
    elif node.type.name == "rows" or node.kind == "list":
        raise fitting.mismatch(node, {"en": "One value is expected here", "zh": "此处应为单个值"})
    if parameter.constant and not (node.is_constant and _is_allowed(parameter, node.value)):
        raise ExpressionError("constant_expected", _constant_message(function, parameter), node.column)
    return node


def _is_allowed(parameter: Parameter, value: Any) -> bool:
    if value is None:
        return False
    if parameter.choices:
        return value in parameter.choices
    if parameter.least is not None and parameter.most is not None:
        return bool(value == int(value) and parameter.least <= value <= parameter.most)
    return True


def _constant_message(function: Function, parameter: Parameter) -> Text:
    name = f"{function.name}(): {parameter.name}"
    if parameter.choices:
        choices = ", ".join(f'"{choice}"' for choice in parameter.choices)
        return {"en": f"{name} is one of {choices}", "zh": f"{name} 只能是 {choices} 之一"}
    if parameter.least is not None:
        span = f"{parameter.least}–{parameter.most}"
        return {"en": f"{name} is a whole number, {span}, written out", "zh": f"{name} 必须是直接写出的整数（{span}）"}
    return {"en": f"{name} must be written out, not computed", "zh": f"{name} 必须直接写出，不能计算"}


def _wrong_count(function: Function, least: int, most: int, found: int, column: int) -> ExpressionError:
    count = f"{least}" if least == most else f"{least}–{most}"
    if function.variadic:
        count = f"{least}+"
    form = ", ".join(parameter.name for parameter in function.parameters) + (", …" if function.variadic else "")
    return ExpressionError(
        "argument_count",
        {
            "en": f"{function.name}() takes {count} values, found {found}",
            "zh": f"{function.name}() 需要 {count} 个参数，实际 {found} 个",
        },
        column,
        {"en": f"Write {function.name}({form})", "zh": f"请写 {function.name}({form})"},
    )
