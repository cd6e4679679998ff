"""Comparisons that can never hold: with an option that a field does not have, with a role that nobody can hold."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

from engines.compiled import CompiledApp, CompiledField
from metadata.expressions import Expression, Node, check, check_template
from metadata.forms import FieldDefinition
from metadata.problems import ROOT, InvalidDefinition, Path, Problem, Refusal, nearest
from metadata.references import NamesOfApp
from metadata.registry import Registry
from metadata.renames import scope_of
from metadata.said import Said, all_said
from metadata.text import Text
from metadata.value_types import ValueType


def vain_comparisons(app: CompiledApp, functions: Registry[Any]) -> Iterator[Problem]:
    """Say which expressions of an app compare with what cannot be; those that are wrong otherwise are left alone."""
    known = _Known(app)
    for said in all_said(app.definition):
        if "'" in said.text or '"' in said.text:
            with suppress(Refusal):
                yield from known.problems(said, functions)


def refuse_other_results(expression: Expression, field: CompiledField) -> None:
    """Refuse an expression for a field of options whose result is written out and is none of them."""
    for node in _results(expression.root) if field.choices and not field.is_list else ():
        if node.is_constant and isinstance(node.value, str) and node.value and node.value not in field.choices:
            message = {"en": f"“{node.value}” is not one of the options", "zh": f"“{node.value}”不是可选项"}
            hint = nearest(node.value, field.choices) or _among(field.choices)
            raise InvalidDefinition(Problem(ROOT, "not_an_option", message, hint))


def _results(node: Node) -> Iterator[Node]:
    """What an expression may come to: itself, or the ends of its branches."""
    if node.kind in ("if", "either"):
        for each in node.args[1:] if node.kind == "if" else node.args:
            yield from _results(each)
    else:
        yield node


class _Known:
    """The options that fields have, and the roles of the app."""

    def __init__(self, app: CompiledApp) -> None:
        self.app = app
        self.names = NamesOfApp(app.definition)

    def problems(self, said: Said, functions: Registry[Any]) -> Iterator[Problem]:
        scope = scope_of(said.leaf, self.names, self.app.names)
        if scope is None:
            return
        scope = replace(scope, extras=self._parameters(said.path))
        yield from self._of_default(said)
        if said.is_template:
            roots = [each.root for each in check_template(said.text, scope, functions).expressions]
        else:
            roots = [check(said.text, scope, functions).root]
        for root in roots:
            for node in root.walk():
                yield from self._of_node(node, said.path)

    def _parameters(self, path: Path) -> Mapping[str, ValueType]:
        """What readers may choose in a report is known in its expressions by name."""
        section, *rest = path.parts
        if section != "reports" or not rest:
            return {}
        report = self.app.reports.report(self.app.definition.reports[int(rest[0])].name)
        return {each.name: each.type for each in report.parameters} if report is not None else {}

    def _of_default(self, said: Said) -> Iterator[Problem]:
        """A default of a field of options has to come to one of them."""
        default = self.fields[said.leaf.holder.key].default if isinstance(said.leaf.holder, FieldDefinition) else None
        if said.path.parts[-1] == "default" and default is not None and default.expression is not None:
            try:
                refuse_other_results(default.expression, self.fields[said.leaf.holder.key])  # type: ignore[attr-defined]
            except InvalidDefinition as refusal:
                yield from (problem.under(said.path) for problem in refusal.problems)

    def _of_node(self, node: Node, path: Path) -> Iterator[Problem]:
        if node.kind == "compare" and node.value == "==":
            for one, other in (node.args, node.args[::-1]):
                yield from self._against(one, (other,), path)
        elif node.kind == "in":
            value, container = node.args
            items = container.args if container.kind == "list" else ()
            yield from self._against(value, items, path)
            yield from self._against(container, (value,), path)

    def _against(self, node: Node, constants: tuple[Node, ...], path: Path) -> Iterator[Problem]:
        written = [each for each in constants if each.is_constant and isinstance(each.value, str) and each.value]
        if not written:
            return
        if node.kind == "field" and node.value == "roles" and node.args[0].value == "user":
            for each in written:
                if each.value not in self.app.role_ids:
                    yield _no_role(each, self.app.role_ids, path)
        elif (field := self._chosen(node)) is not None:
            known = {*field.choices, *self._gone(field)}
            yield from (_no_option(each, field, path) for each in written if each.value not in known)

    def _chosen(self, node: Node) -> CompiledField | None:
        """The field of options that a node reads, also where a lookup leads to it."""
        field = self.fields.get(node.value) if node.kind in ("field", "column") else None
        if field is not None and field.expression is not None and field.expression.root is not node:
            return self._chosen(field.expression.root)
        return field if field is not None and field.choices else None

    def _gone(self, field: CompiledField) -> Iterator[str]:
        """Options that another one has taken the place of; history may still tell of them."""
        for option in field.choices.values():
            yield from option.was

    @cached_property
    def fields(self) -> Mapping[str, CompiledField]:
        return {id: field for form in self.app.forms.values() for id, field in form.fields.items()}


def _no_option(node: Node, field: CompiledField, path: Path) -> Problem:
    message = {
        "en": f"“{field.name}” has no option “{node.value}”, so this never holds",
        "zh": f"“{field.name}”没有选项“{node.value}”，该比较永远不成立",
    }
    return Problem(path, "not_an_option", message, nearest(node.value, field.choices) or _among(field.choices))


def _no_role(node: Node, roles: Mapping[str, str], path: Path) -> Problem:
    message = {"en": f"There is no role “{node.value}”", "zh": f"不存在角色“{node.value}”"}
    return Problem(path, "unknown_role", message, nearest(node.value, roles) or _among(roles))


def _among(known: Mapping[str, Any]) -> Text:
    listed = list(known)[:12]
    return {"en": f"There are: {', '.join(listed)}", "zh": f"可用的有：{'、'.join(listed)}"}
