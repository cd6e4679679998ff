"""Conditions and choices."""

from engines.expressions.function_kind import FunctionKind
from metadata.expressions import ExpressionError, building
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import YES_NO

CONDITION = Parameter("condition", YES_NO)


class If(FunctionKind):
    """Gives one value when the condition holds, and another when it does not.

    >>> IF(3 > 2, "yes", "no")
    "yes"
    """

    name = "IF"
    theme = "logic"
    title = {"en": "If", "zh": "如果"}
    chinese = "条件成立时返回一个值，否则返回另一个值。"
    parameters = (CONDITION, Parameter("value"), Parameter("otherwise"))

    def build(self, args: list[Node], column: int) -> Node:
        condition, value, otherwise = self.fitted(args, column)
        return building.choose(condition, value, otherwise, column)


class Ifs(FunctionKind):
    """Gives the value that belongs to the first condition that holds; blank, or a last value alone, when none does.

    >>> IFS(1 > 2, "a", 2 > 1, "b")
    "b"
    >>> IFS(1 > 2, "a", "otherwise")
    "otherwise"
    """

    name = "IFS"
    theme = "logic"
    title = {"en": "First that holds", "zh": "多条件判断"}
    chinese = "返回第一个成立的条件所对应的值；都不成立时返回最后单独给出的值或空值。"
    parameters = (CONDITION, Parameter("value"), Parameter("otherwise", default=None))
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        if len(args) < 2:
            self.fitted(args, column)
        result = args[-1] if len(args) % 2 else building.literal(None, column)
        pairs = args[: len(args) // 2 * 2]
        for place in range(len(pairs) - 2, -1, -2):
            result = building.choose(pairs[place], pairs[place + 1], result, column)
        return result


class Switch(FunctionKind):
    """Compares a value with several others and gives what belongs to the first equal one; else a last value, or blank.

    >>> SWITCH("b", "a", 1, "b", 2)
    2
    >>> SWITCH("c", "a", 1, "b", 2, 0)
    0
    """

    name = "SWITCH"
    theme = "logic"
    title = {"en": "Switch", "zh": "匹配取值"}
    chinese = "将一个值与多个值依次比较，返回首个相等项对应的结果；都不相等时返回最后的值或空值。"
    parameters = (Parameter("value"), Parameter("case"), Parameter("result"), Parameter("otherwise", default=None))
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        if len(args) < 3:
            self.fitted(args, column)
        value, rest = args[0], args[1:]
        result = rest[-1] if len(rest) % 2 else building.literal(None, column)
        pairs = rest[: len(rest) // 2 * 2]
        for place in range(len(pairs) - 2, -1, -2):
            same = building.compare("==", value, pairs[place], column)
            result = building.choose(same, pairs[place + 1], result, column)
        return result


class And(FunctionKind):
    """Holds when all conditions hold; the same as writing “and” between them.

    >>> AND(2 > 1, 3 > 2)
    true
    """

    name = "AND"
    theme = "logic"
    title = {"en": "And", "zh": "并且"}
    chinese = "所有条件都成立时为真，等同于在条件之间写 and。"
    parameters = (CONDITION,)
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        return building.all_of(self.fitted(args, column), column)


class Or(FunctionKind):
    """Holds when at least one condition holds; the same as writing “or” between them.

    >>> OR(1 > 2, 3 > 2)
    true
    """

    name = "OR"
    theme = "logic"
    title = {"en": "Or", "zh": "或者"}
    chinese = "任一条件成立时为真，等同于在条件之间写 or。"
    parameters = (CONDITION,)
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        return building.any_of(self.fitted(args, column), column)


class Not(FunctionKind):
    """Holds when the condition does not.

    >>> NOT(1 > 2)
    true
    """

    name = "NOT"
    theme = "logic"
    title = {"en": "Not", "zh": "取反"}
    chinese = "条件不成立时为真。"
    parameters = (CONDITION,)

    def build(self, args: list[Node], column: int) -> Node:
        return building.negation(self.fitted(args, column)[0], column)


class Xor(FunctionKind):
    """Holds when exactly one of two conditions holds.

    >>> XOR(2 > 1, 3 > 2)
    false
    """

    name = "XOR"
    theme = "logic"
    title = {"en": "One of two", "zh": "异或"}
    chinese = "两个条件中恰有一个成立时为真。"
    parameters = (Parameter("condition", YES_NO), Parameter("other", YES_NO))

    def build(self, args: list[Node], column: int) -> Node:
        left, right = self.fitted(args, column)
        return building.compare("!=", left, right, column)


class IsBlank(FunctionKind):
    """Tells whether a value is blank: no text, no number, no date, nobody, an empty list or no rows.

    >>> ISBLANK("")
    true
    >>> ISBLANK(0)
    false
    """

    name = "ISBLANK"
    theme = "logic"
    title = {"en": "Is blank", "zh": "是否为空"}
    chinese = "判断值是否为空：没有文本、数字、日期、成员，或列表、明细为空。"
    aliases = ("ISEMPTY",)
    parameters = (Parameter("value"),)

    def build(self, args: list[Node], column: int) -> Node:
        if len(args) != 1:
            self.fitted(args, column)
        if args[0].kind in ("list", "column"):
            raise ExpressionError(
                "type_mismatch",
                {"en": "One value is expected here", "zh": "此处应为单个值"},
                args[0].column,
                {"en": "Use any() or COUNT()", "zh": "请使用 any() 或 COUNT()"},
            )
        return building.blank(args[0], column)


class IfNull(FunctionKind):
    """Gives the value, or another one when it is blank.

    >>> IFNULL(null, 0)
    0
    >>> IFNULL("", "none")
    "none"
    """

    name = "IFNULL"
    theme = "logic"
    title = {"en": "If blank", "zh": "空值替换"}
    chinese = "值不为空时返回该值，为空时返回替代值。"
    aliases = ("COALESCE", "BLANKVALUE")
    parameters = (Parameter("value"), Parameter("instead"))
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        *first, result = self.fitted(args, column)
        for value in reversed(first):
            result = building.either(value, result, column)
        return result
