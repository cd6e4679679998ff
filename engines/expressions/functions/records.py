"""Lists, what a record was before, and people."""

from dataclasses import replace
from typing import Any

from engines.expressions.function_kind import FunctionKind
from engines.organisation import Organisation
from metadata.expressions import ExpressionError, building, fitting
from metadata.expressions.signatures import Parameter
from metadata.expressions.tree import Node
from metadata.value_types import BLANK, DEPARTMENT, MEMBER, YES_NO


class HasAny(FunctionKind):
    """Tells whether a list holds at least one of the values.

    >>> HASANY(tags, "urgent", "gift")
    true
    """

    name = "HASANY"
    theme = "lists"
    title = {"en": "Has any of", "zh": "包含任一"}
    chinese = "判断列表是否包含所给值中的至少一个。"
    parameters = (Parameter("list"), Parameter("value"))
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        return building.any_of(_membership(self, args, column), column)


class HasAll(FunctionKind):
    """Tells whether a list holds all of the values.

    >>> HASALL(tags, "urgent", "gift")
    false
    """

    name = "HASALL"
    theme = "lists"
    title = {"en": "Has all of", "zh": "包含全部"}
    chinese = "判断列表是否包含所给的全部值。"
    parameters = (Parameter("list"), Parameter("value"))
    variadic = True

    def build(self, args: list[Node], column: int) -> Node:
        return building.all_of(_membership(self, args, column), column)


class Changed(FunctionKind):
    """Tells whether a field differs from what was saved before; in a new record, whether it is filled in.

    >>> CHANGED(amount)
    true
    """

    name = "CHANGED"
    theme = "record"
    title = {"en": "Changed", "zh": "是否变化"}
    chinese = "判断字段与上次保存的值是否不同；新记录则判断是否已填写。"
    aliases = ("ISCHANGED",)
    parameters = (Parameter("field"),)

    def build(self, args: list[Node], column: int) -> Node:
        now, before = _before(self, args, column)
        return building.negation(Node("compare", YES_NO, (before, now), "==", column=column), column)


class PriorValue(FunctionKind):
    """Gives the value that a field had before the change; the same as old.field.

    >>> PRIORVALUE(amount)
    100
    """

    name = "PRIORVALUE"
    theme = "record"
    title = {"en": "Value before", "zh": "变更前的值"}
    chinese = "返回字段变更前的值，等同于 old.字段。"
    parameters = (Parameter("field"),)

    def build(self, args: list[Node], column: int) -> Node:
        return _before(self, args, column)[1]


class IsNew(FunctionKind):
    """Tells whether the record is being saved for the first time.

    >>> ISNEW()
    false
    """

    name = "ISNEW"
    theme = "record"
    title = {"en": "Is new", "zh": "是否新建"}
    chinese = "判断记录是否为首次保存。"

    def build(self, args: list[Node], column: int) -> Node:
        self.fitted(args, column)
        old = Node("root", BLANK, value="old", column=column)
        return Node("blank", YES_NO, (Node("identity", BLANK, (old,), column=column),), column=column)


class ManagerOf(FunctionKind):
    """Gives the manager of a member; without one, the head of the department.

    >>> MANAGER_OF(user)
    "Bo"
    """

    name = "MANAGER_OF"
    theme = "people"
    title = {"en": "Manager of", "zh": "上级"}
    chinese = "返回成员的上级；没有上级时返回部门负责人。"
    parameters = (Parameter("member", MEMBER),)
    result = MEMBER
    wants = ("organisation",)
    in_browser = False

    def value(self, member: int, organisation: Organisation) -> Any:
        return organisation.manager_of(member)


class HeadOf(FunctionKind):
    """Gives the head of a department.

    >>> HEAD_OF(user.department)
    "Bo"
    """

    name = "HEAD_OF"
    theme = "people"
    title = {"en": "Head of", "zh": "部门负责人"}
    chinese = "返回部门的负责人。"
    parameters = (Parameter("department", DEPARTMENT),)
    result = MEMBER
    wants = ("organisation",)
    in_browser = False

    def value(self, department: int, organisation: Organisation) -> Any:
        return organisation.head_of(department)


def _membership(function: FunctionKind, args: list[Node], column: int) -> list[Node]:
    if len(args) < 2:
        function.fitted(args, column)
    if args[0].type.name != "list" or args[0].kind == "column":
        raise fitting.mismatch(args[0], {"en": "A list field is expected here", "zh": "此处应为列表字段"})
    return [building.contained(value, args[0], column) for value in args[1:]]


def _before(function: FunctionKind, args: list[Node], column: int) -> tuple[Node, Node]:
    """A field of the record, and the same field as it was before."""
    if len(args) != 1:
        function.fitted(args, column)
    now = args[0]
    if now.kind != "field" or now.args[0].kind != "root" or now.args[0].value != "record":
        raise ExpressionError(
            "type_mismatch",
            {
                "en": f"{function.name}() takes a field of the record",
                "zh": f"{function.name}() 的参数必须是本记录的字段",
            },
            column,
        )
    return now, replace(now, args=(replace(now.args[0], value="old"),))
