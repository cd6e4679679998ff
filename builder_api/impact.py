"""Impact: where a thing is used, so that nobody breaks what he does not see."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engines.compiled import CompiledApp
from metadata.expressions import Expression, Scope, Template, check, check_template
from metadata.ids import owned
from metadata.kinds import Kinds
from metadata.names import IsExpression, IsTemplate, IsValue, Reference
from metadata.problems import Path, Refusal
from metadata.references import NamesOfApp, graph
from metadata.renames import scope_of
from metadata.text import say
from metadata.value_types import ValueType
from metadata.walk import Leaf, leaves


def used_by(app: CompiledApp, kinds: Kinds, id: str, language: str) -> list[dict[str, Any]]:
    """Every place of an app that names a thing or reads a field: its pointer, the text, and in what it stands."""
    names = NamesOfApp(app.definition)
    captions = _captions(app)
    places = {use.path: use.text for use in graph(app.definition).uses(id)}
    for leaf in leaves(app.definition):
        if not isinstance(leaf.marker, Reference):
            for path, text in _texts(leaf, leaf.value, leaf.path):
                if id in _read(leaf, text, app, kinds, names):
                    places[path] = text
    return [
        {"path": str(path), "text": text, "in": say(captions.get(names.source(path) or "", ""), language)}
        for path, text in sorted(places.items(), key=lambda each: str(each[0]))
    ]


def _texts(leaf: Leaf, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _texts(leaf, each, path / index)
    elif isinstance(value, dict) and set(value) != {"text"}:
        for key, each in value.items():
            yield from _texts(leaf, each, path / key)


def _read(leaf: Leaf, text: str, app: CompiledApp, kinds: Kinds, names: NamesOfApp) -> set[str]:
    """The ids of the fields that an expression or template reads; none where it does not stand alone."""
    scope = scope_of(leaf, names, app.names)
    if scope is None:
        return set()
    scope = replace(scope, extras=_parameters(leaf, app))
    try:
        return {
            part for expression in _expressions(leaf, text, scope, kinds) for read in expression.reads for part in read
        }
    except Refusal:
        return set()


def _parameters(leaf: Leaf, app: CompiledApp) -> dict[str, ValueType]:
    """What the reader of a report may choose can be read in its expressions."""
    section, index = leaf.path.parts[:2]
    if section != "reports" or not isinstance(index, int):
        return {}
    report = app.reports.report(app.definition.reports[index].key)
    return {each.name: each.type for each in report.parameters} if report is not None else {}


def _expressions(leaf: Leaf, text: str, scope: Scope, kinds: Kinds) -> Iterator[Expression]:
    if isinstance(leaf.marker, IsExpression):
        yield check(text, scope, kinds.functions)
    elif isinstance(leaf.marker, IsValue) and text.startswith("="):
        yield check(text[1:], scope, kinds.functions)
    elif isinstance(leaf.marker, IsTemplate) or "{{" in text or "{%" in text:
        template: Template = check_template(text, scope, kinds.functions)
        yield from template.expressions


def _captions(app: CompiledApp) -> dict[str, Any]:
    return {each.id: getattr(each.model, "caption", each.name) for each in owned(app.definition) if each.id}
