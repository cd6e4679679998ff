"""Names: what each name and each dotted path of a parsed expression stands for."""

import ast
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from metadata.expressions import limits
from metadata.expressions.errors import ExpressionError
from metadata.expressions.scope import DEPARTMENT_FIELDS, MEMBER_FIELDS, USER_FIELDS, FieldReference, Scope
from metadata.expressions.syntax import Syntax
from metadata.expressions.tree import NameSpan, Node, Read
from metadata.expressions.words import said
from metadata.problems import nearest
from metadata.text import Text
from metadata.value_types import BLANK, DATE, DATETIME, MEMBER, YES_NO, ValueType, link, list_of

CONSTANTS = {"true": True, "false": False, "null": None, "none": None, "blank": None}
FORM_ROOTS = {"record", "old"}


@dataclass(frozen=True)
class Loop:
    """A name that stands for one row after the other."""

    name: str
    root: str
    form: str
    path: Read
    rows: Node


@dataclass
class Resolution:
    """The leaves of the tree by syntax node, the loops by comprehension, and what was read where."""

    leaves: dict[ast.AST, Node] = field(default_factory=dict)
    loops: dict[ast.AST, Loop] = field(default_factory=dict)
    reads: set[Read] = field(default_factory=set)
    spans: list[NameSpan] = field(default_factory=list)


def resolve(syntax: Syntax, scope: Scope, outer: tuple[Loop, ...] = ()) -> Resolution:
    """Resolve every name of the expression; `outer` are loops of a template around it."""
    resolver = _Resolver(syntax, scope, list(outer))
    resolver.visit(syntax.body)
    resolver.found.spans.sort(key=lambda span: span.start)
    return resolver.found


def root_of(name: str, type: ValueType) -> Node:
    return Node("root", type, value=name)


def open_loop(scope: Scope, around: tuple[Loop, ...], name: str, rows: Node | None, path: Read, column: int) -> Loop:
    """Let a name stand for the rows of a subform, one after the other, within the loops around it."""
    if rows is None or rows.type.name != "rows" or rows.type.form is None:
        message: Text = {
            "en": "“for … in” goes over the rows of a subform",
            "zh": "for … in 只能遍历子表单的明细行",
        }
        raise ExpressionError("type_mismatch", message, column)
    taken = {loop.name for loop in around} | scope.roots | scope.extras.keys() | CONSTANTS.keys()
    if name in taken or name in scope.names.fields(scope.form) or name.startswith("_"):
        raise ExpressionError(
            "name_taken",
            {"en": f"The loop name “{name}” is already used", "zh": f"循环名称“{name}”已被使用"},
            column,
            {"en": "Take another name", "zh": "请换一个名称"},
        )
    if len(around) >= limits.LOOP_NESTING:
        raise ExpressionError("expression_limit", {"en": "Loops nest too deep", "zh": "循环嵌套过深"}, column)
    return Loop(name, f"loop{len(around)}", rows.type.form, path, rows)


class _Resolver:
    def __init__(self, syntax: Syntax, scope: Scope, loops: list[Loop]) -> None:
        self.syntax = syntax
        self.scope = scope
        self.loops = loops
        self.prefixes: dict[str, Read] = {loop.root: loop.path for loop in loops}
        self.found = Resolution()

    # --- walking ---

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name | ast.Attribute):
            leaf = self.leaf(node)
            self.found.leaves[node] = leaf
            self.note(leaf)
        elif isinstance(node, ast.GeneratorExp | ast.ListComp):
            self.comprehension(node)
        elif isinstance(node, ast.Call):
            self.call(node)
        else:
            for child in ast.iter_child_nodes(node):
                self.visit(child)

    def call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name):
            raise self.error(
                node.func,
                "not_allowed",
                {"en": "Values have no methods", "zh": "值没有方法可以调用"},
                {
                    "en": "Use a function: UPPER(name), CONTAINS(name, 'x')",
                    "zh": "请使用函数：UPPER(name)、CONTAINS(name, 'x')",
                },
            )
        for argument in node.args:
            self.visit(argument)

    def comprehension(self, node: ast.GeneratorExp | ast.ListComp) -> None:
        if len(node.generators) != 1:
            raise self.error(node, "not_allowed", {"en": "Only one “for” is allowed", "zh": "只允许一个 for"})
        clause = node.generators[0]
        if clause.is_async or not isinstance(clause.target, ast.Name):
            raise self.error(
                node, "not_allowed", {"en": "After “for” comes a single name", "zh": "for 后面只能是一个名称"}
            )
        self.visit(clause.iter)
        loop = self.bind(clause.target.id, self.found.leaves.get(clause.iter), clause.iter)
        self.found.loops[node] = loop
        self.loops.append(loop)
        self.prefixes[loop.root] = loop.path
        for part in (node.elt, *clause.ifs):
            self.visit(part)
        self.loops.pop()

    def bind(self, name: str, rows: Node | None, place: ast.AST) -> Loop:
        """Let a name stand for the rows, unless it is taken or there are no rows."""
        column = self.syntax.column(place)
        path = self.path(rows) if rows is not None and rows.kind in ("field", "extra") else ()
        return open_loop(self.scope, tuple(self.loops), name, rows, path, column)

    # --- names ---

    def leaf(self, node: ast.AST) -> Node:
        if isinstance(node, ast.Name):
            leaf = self.name(node)
            return self.as_value(leaf, node) if leaf.kind == "root" else leaf
        if isinstance(node, ast.Attribute):
            return self.attribute(node)
        raise self.error(node, "not_allowed", {"en": "“.” follows a field", "zh": "“.”只能跟在字段后面"})

    def base(self, node: ast.AST) -> Node:
        """What stands before a dot: a root stays a root there."""
        return self.name(node) if isinstance(node, ast.Name) else self.leaf(node)

    def as_value(self, root: Node, place: ast.AST) -> Node:
        """A root that stands alone means its id; a row has none to speak of (the checker says so where it matters)."""
        if str(root.value).startswith("loop"):
            return root
        return Node("identity", root.type, (root,), column=self.syntax.column(place))

    def name(self, node: ast.Name) -> Node:
        name, column = node.id, self.syntax.column(node)
        for loop in reversed(self.loops):
            if loop.name == name:
                return Node("root", link(loop.form), value=loop.root, column=column)
        if name in self.scope.roots and name in ("today", "now"):
            type = DATE if name == "today" else DATETIME
            return Node("call", type.as_volatile(), value=name.upper(), column=column)
        if name in self.scope.roots:
            return Node("root", self.root_type(name), value=name, column=column)
        if name in self.scope.extras:
            return self.extra(name, column)
        fields = self.scope.names.fields(self.scope.form)
        if name in fields:
            root = root_of("row" if self.scope.in_row else "record", link(self.scope.form))
            return self.field(root, fields[name], self.scope.form, node)
        if name.lower() in CONSTANTS:
            return constant(CONSTANTS[name.lower()], column)
        raise self.unknown(name, node)

    def root_type(self, name: str) -> ValueType:
        if name == "user":
            return MEMBER
        return link(self.scope.record_form or self.scope.form) if name in FORM_ROOTS else BLANK

    def extra(self, name: str, column: int) -> Node:
        type = self.scope.extras[name]
        return Node("extra", type, value=name, magnitude=_magnitude(type), column=column)

    def unknown(self, name: str, node: ast.AST) -> ExpressionError:
        fields = self.scope.names.fields(self.scope.form)
        known = [*fields, *self.scope.roots, *self.scope.extras, *(loop.name for loop in self.loops)]
        if name == "old":
            message: Text = {
                "en": "“old” can be read in rules and validations only",
                "zh": "“old”只能在规则和校验中使用",
            }
            return self.error(node, "unknown_field", message)
        return self.error(node, "unknown_field", self.no_field(name, self.scope.form), nearest(name, known))

    def no_field(self, name: str, form: str) -> Text:
        title = self.scope.names.title(form)
        if not title:
            return {"en": f"There is nothing called “{name[:60]}” here", "zh": f"此处没有名为“{name[:60]}”的内容"}
        return {"en": f"There is no field “{name[:60]}” in {title}", "zh": f"{title}中没有字段“{name[:60]}”"}

    # --- paths ---

    def attribute(self, node: ast.Attribute) -> Node:
        base = self.base(node.value)
        fields, form = self.fields_of(base, node)
        reference = fields.get(node.attr)
        if reference is None:
            message = self.no_field(node.attr, form)
            raise self.error(node, "unknown_field", message, nearest(node.attr, fields), self.start(node, node.attr))
        if base.type.name == "rows":
            return self.rows_column(base, reference, form, node)
        return self.field(base, reference, form, node)

    def fields_of(self, base: Node, node: ast.Attribute) -> tuple[Mapping[str, FieldReference], str]:
        type = base.type
        if base.kind == "root" and base.value == "user":
            return USER_FIELDS, "user"
        if type.name == "member":
            return MEMBER_FIELDS, "member"
        if type.name == "department":
            return DEPARTMENT_FIELDS, "department"
        if type.name in ("link", "rows") and type.form is not None:
            return self.scope.names.fields(type.form), type.form
        at = self.start(node, node.attr)
        message: Text = {"en": f"A {said(type, 'en')} has no fields", "zh": f"{said(type, 'zh')}没有下级字段"}
        raise self.error(node, "type_mismatch", message, "", at)

    def field(self, base: Node, reference: FieldReference, form: str, node: ast.AST) -> Node:
        if _hops(base) > limits.HOPS:
            message: Text = {
                "en": f"A path follows at most {limits.HOPS} links",
                "zh": f"路径最多跨越 {limits.HOPS} 个关联",
            }
            raise self.error(node, "expression_limit", message)
        start = self.start(node, reference.name)
        self.span(start, reference, form)
        return Node("field", reference.type, (base,), reference.id, _magnitude(reference.type), start)

    def rows_column(self, base: Node, reference: FieldReference, form: str, node: ast.AST) -> Node:
        start = self.start(node, reference.name)
        self.span(start, reference, form)
        return Node("column", list_of(reference.type), (base,), reference.id, _magnitude(reference.type), start)

    def start(self, node: ast.AST, name: str) -> int:
        return self.syntax.end(node) - len(name)

    def span(self, start: int, reference: FieldReference, form: str) -> None:
        end = start + len(reference.name)
        written = unicodedata.normalize("NFKC", self.syntax.text[start:end])
        if written == reference.name and form not in ("user", "member", "department"):
            self.found.spans.append(NameSpan(start, end, form, reference.id, reference.name))

    def note(self, leaf: Node) -> None:
        """Write down what is read, as a path of ids."""
        if leaf.kind in ("field", "column", "identity", "extra"):
            self.found.reads.add(self.path(leaf))

    def path(self, node: Node) -> Read:
        if node.kind in ("root", "extra"):
            return self.prefixes.get(node.value, (node.value,))
        if node.kind == "identity":
            return (*self.path(node.args[0]), "id")
        return (*self.path(node.args[0]), node.value)

    def error(
        self, place: ast.AST, code: str, message: Text, hint: Text = "", column: int | None = None
    ) -> ExpressionError:
        return ExpressionError(code, message, self.syntax.column(place) if column is None else column, hint)


def constant(value: bool | None, column: int = 0) -> Node:
    return Node("literal", BLANK if value is None else YES_NO, value=value, column=column)


def _hops(base: Node) -> int:
    """How many links are followed to reach what lies in this base."""
    count = 0
    while base.kind == "field":
        count += 1
        base = base.args[0]
    return count + (base.kind == "extra" and base.type.name != "rows")


def _magnitude(type: ValueType) -> int:
    of = type.element
    return limits.FIELD_MAGNITUDE if of.name == "number" else 0
