"""Summing up the rows of a subform."""

from engines.expressions.function_kind import FunctionKind
from metadata.expressions import building
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import YES_NO


class Sum(FunctionKind):
    """Adds up a field of the rows of a subform; blanks are skipped, no rows give 0.

    >>> SUM(items.amount)
    30
    >>> SUM(items.amount * items.quantity)
    70
    >>> SUM(r.amount for r in items if r.quantity > 2)
    20
    """

    name = "SUM"
    theme = "rows"
    title = {"en": "Sum", "zh": "求和"}
    chinese = "对子表单明细行的字段求和；忽略空值，没有明细时为 0。"
    aggregate = "sum"


class Average(FunctionKind):
    """Gives the average of a field over the rows of a subform; blanks are skipped, no rows give a blank.

    >>> AVG(items.amount)
    15
    """

    name = "AVG"
    theme = "rows"
    title = {"en": "Average", "zh": "平均值"}
    chinese = "计算子表单明细行某字段的平均值；忽略空值，没有明细时为空。"
    aliases = ("AVERAGE",)
    aggregate = "avg"


class Minimum(FunctionKind):
    """Gives the smallest of several numbers or dates, or of a field over the rows of a subform; blanks are skipped.

    >>> MIN(3, 1, 2)
    1
    >>> MIN(items.amount)
    10
    """

    name = "MIN"
    theme = "rows"
    title = {"en": "Smallest", "zh": "最小值"}
    chinese = "返回多个数字或日期中的最小值，或明细行某字段的最小值；忽略空值。"
    parameters = (Parameter("value"), Parameter("value"))
    variadic = True
    aggregate = "min"

    def build(self, args: list[Node], column: int) -> Node:
        return building.extreme("smallest", self.fitted(args, column), column)


class Maximum(FunctionKind):
    """Gives the largest of several numbers or dates, or of a field over the rows of a subform; blanks are skipped.

    >>> MAX(3, 1, 2)
    3
    >>> MAX(items.amount)
    20
    """

    name = "MAX"
    theme = "rows"
    title = {"en": "Largest", "zh": "最大值"}
    chinese = "返回多个数字或日期中的最大值，或明细行某字段的最大值；忽略空值。"
    parameters = (Parameter("value"), Parameter("value"))
    variadic = True
    aggregate = "max"

    def build(self, args: list[Node], column: int) -> Node:
        return building.extreme("largest", self.fitted(args, column), column)


class Count(FunctionKind):
    """Counts the rows of a subform, the rows where a field is filled in, or the entries of a list.

    >>> COUNT(items)
    2
    >>> COUNT(items.note)
    1
    >>> COUNT(tags)
    2
    """

    name = "COUNT"
    theme = "rows"
    title = {"en": "Count", "zh": "计数"}
    chinese = "统计子表单的行数、某字段已填写的行数，或列表的项数。"
    aggregate = "count"


class CountIf(FunctionKind):
    """Counts the rows of a subform for which a condition holds.

    >>> COUNTIF(items.amount > 10)
    1
    >>> COUNTIF(r.note == "gift" for r in items)
    1
    """

    name = "COUNTIF"
    theme = "rows"
    title = {"en": "Count if", "zh": "条件计数"}
    chinese = "统计子表单中满足条件的行数。"
    aggregate = "countif"


class SumIf(FunctionKind):
    """Adds up a field over the rows of a subform for which a condition holds.

    >>> SUMIF(items.amount, items.quantity > 2)
    20
    """

    name = "SUMIF"
    theme = "rows"
    title = {"en": "Sum if", "zh": "条件求和"}
    chinese = "对子表单中满足条件的行的字段求和。"
    aggregate = "sumif"


class AnyRow(FunctionKind):
    """Holds when the condition holds for at least one row of a subform.

    >>> ANY(r.note == "gift" for r in items)
    true
    >>> ANY(items.amount > 100)
    false
    """

    name = "ANY"
    theme = "rows"
    title = {"en": "Any", "zh": "任一满足"}
    chinese = "至少一行明细满足条件时为真。"
    aggregate = "any"
    result = YES_NO


class AllRows(FunctionKind):
    """Holds when the condition holds for every row of a subform; also when there are no rows.

    >>> ALL(r.amount > 0 for r in items)
    true
    """

    name = "ALL"
    theme = "rows"
    title = {"en": "All", "zh": "全部满足"}
    chinese = "所有明细行都满足条件时为真；没有明细时也为真。"
    aggregate = "all"
    result = YES_NO
