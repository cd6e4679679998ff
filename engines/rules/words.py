"""A rule in words, with the titles that people know: when it looks, under which condition, and what it does.

For reading, a part of a definition is written anew with titles for names and words for expressions; whatever a kind
then puts into its sentence is said that way, for a kind that nobody has written yet too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from engines.compiled import CompiledApp, CompiledForm
from engines.expressions import standard_functions
from engines.expressions.phrases import spaced
from engines.expressions.words import say_expression
from engines.rules.compiled import CompiledRule
from engines.rules.condition import condition_words
from engines.system_fields import SYSTEM_TITLES
from engines.titles import titles_of
from metadata.expressions import NOWHERE, ExpressionError, Scope, check
from metadata.expressions.cutting import cut
from metadata.names import IsExpression, IsTemplate, IsValue, Reference
from metadata.problems import ROOT, Path
from metadata.references import NamesOfApp
from metadata.renames import RULE_ROOTS, scope_of
from metadata.text import say
from metadata.walk import Leaf, leaves

Titles = Mapping[tuple[Path, bool], str]
BETWEEN_IDEOGRAPHS = re.compile(r"(?<=[\u3400-\u9fff“”（），；：]) (?=[\u3400-\u9fff“”（）])")


def sentence_of(app: CompiledApp, rule: CompiledRule, language: str) -> str:
    """Say a whole rule in one sentence."""
    written = titled(app, rule.definition, ROOT / "rules" / rule.place, language)
    when = rule.trigger.sentence(written.when, language)
    condition = condition_words(written.if_, language)
    then = _list(rule.then, written.then, language)
    otherwise = _list(rule.otherwise, written.else_, language)
    if language == "zh":
        parts = [when, spaced("如果", condition) if condition else "", f"则{then}" if then else ""]
        said = "，".join(part for part in parts if part) + (f"；否则{otherwise}" if otherwise else "") + "。"
        return BETWEEN_IDEOGRAPHS.sub("", said)
    text = when[:1].upper() + when[1:] + (f", if {condition}" if condition else "") + (f": {then}" if then else "")
    return text + (f"; else {otherwise}" if otherwise else "") + "."


def term_in_words(app: CompiledApp, form: str, rows: str | None, text: str, language: str) -> str:
    """A term of a rule about a form, or about the rows of a subform; empty where it makes no sense any more."""
    scope = Scope(app.names, rows or form, RULE_ROOTS, form if rows else None)
    return _texts(app, language).expression(text, scope)


def titled(app: CompiledApp, model: Any, path: Path, language: str) -> Any:
    """The same part of the definition with titles in the place of names; for reading, not for running."""
    titles: Titles = app.memory.remember(("titles", language), lambda: _titles(app, language))
    return _with_titles(model, path, titles)


def _titles(app: CompiledApp, language: str) -> Titles:
    """For every place in the definition that names or computes something, what people say instead."""
    texts = _texts(app, language)
    said = {}
    for leaf in leaves(app.definition):
        title = _title(app, leaf, language) if isinstance(leaf.marker, Reference) else texts.say(leaf)
        if title:
            said[leaf.path, leaf.is_key] = title
        said.update(_options_beside(app, leaf, language))
    return said


def _options_beside(app: CompiledApp, leaf: Leaf, language: str) -> Iterator[tuple[tuple[Path, bool], str]]:
    """The titles of options that stand beside the name of their field, as in a trigger: field, from, to."""
    if leaf.is_key or not isinstance(leaf.marker, Reference) or leaf.marker.noun != "field":
        return
    form = _form_of(app, leaf)
    field = form.field(str(leaf.value)) if form is not None else None
    for name, info in type(leaf.holder).model_fields.items():
        value = getattr(leaf.holder, name)
        option = field.choices.get(value) if field is not None and isinstance(value, str) else None
        if option is not None:
            place = Path(leaf.path.parts[:-1]) / (info.alias or name)
            yield (place, False), f"“{say(option.title or value, language)}”"


def _texts(app: CompiledApp, language: str) -> "_TextWords":
    texts: _TextWords = app.memory.remember(("texts", language), lambda: _TextWords(app, language))
    return texts


class _TextWords:
    """Words for the expressions of a definition, alone or between the marks of a text."""

    def __init__(self, app: CompiledApp, language: str) -> None:
        self.app, self.language = app, language
        self.names = NamesOfApp(app.definition)
        self.titles = titles_of(app)
        self.functions = standard_functions()

    def say(self, leaf: Leaf) -> str:
        """What the text says; empty where it stays as it is."""
        text = say(leaf.value, self.language) if isinstance(leaf.marker, IsTemplate) else leaf.value
        if not isinstance(text, str):
            return ""
        scope = scope_of(leaf, self.names, self.app.names) or NOWHERE
        if isinstance(leaf.marker, IsExpression):
            return self.expression(text, scope)
        if isinstance(leaf.marker, IsValue) and text.startswith("="):
            return self.expression(text[1:], scope)
        return self._template(text, scope) if "{{" in text else ""

    def expression(self, text: str, scope: Scope) -> str:
        """One expression in words; empty where it does not hold together in this scope."""
        try:
            return say_expression(check(text, scope, self.functions), self.titles, self.language)
        except ExpressionError:  # it names what only its rule knows, such as a record made before
            return ""

    def _template(self, text: str, scope: Scope) -> str:
        """Plain text with [words] in its slots; a text with loops or choices stays as it is written."""
        pieces = list(cut(text))
        if any(piece.kind == "tag" for piece in pieces):
            return ""
        return "".join(self._slot(each.text, scope) if each.kind == "slot" else each.text for each in pieces)

    def _slot(self, text: str, scope: Scope) -> str:
        return f"[{self.expression(text, scope) or text.strip()}]"


def _list(actions: Any, options: Any, language: str) -> str:
    said = [action.kind.sentence(each, language) for action, each in zip(actions, options, strict=True)]
    return ("，并" if language == "zh" else ", then ").join(said)


def _with_titles(value: Any, path: Path, titles: Titles) -> Any:
    if isinstance(value, BaseModel):
        parts = {
            name: _with_titles(getattr(value, name), path / (info.alias or name), titles)
            for name, info in type(value).model_fields.items()
        }
        return value.model_copy(update=parts)
    if isinstance(value, tuple | list):
        return tuple(_with_titles(each, path / index, titles) for index, each in enumerate(value))
    if isinstance(value, dict):
        return {
            titles.get((path / key, True), key): _with_titles(each, path / key, titles) for key, each in value.items()
        }
    return titles.get((path, False), value)


def _title(app: CompiledApp, leaf: Leaf, language: str) -> str:
    name = str(leaf.value)
    if leaf.marker.noun == "form":  # type: ignore[union-attr]
        return say(app.form(name).title, language) if name in app.form_ids else ""
    if leaf.marker.noun == "field":  # type: ignore[union-attr]
        form = _form_of(app, leaf)
        field = form.field(name) if form is not None else None
        return say(field.title if field is not None else SYSTEM_TITLES.get(name, ""), language)
    nouns: dict[str, Any] = {"role": app.definition.roles, "flow": app.definition.flows}
    things = nouns.get(leaf.marker.noun, ())  # type: ignore[union-attr]
    return next((say(each.caption, language) for each in things if each.name == name), "")


def _form_of(app: CompiledApp, leaf: Leaf) -> CompiledForm | None:
    """The form whose field a leaf names: the one at hand, that of a neighbouring key, or the rows it leads through."""
    marker: Any = leaf.marker
    other = getattr(leaf.holder, marker.of, None) if marker.of else None
    form = app.forms.get(app.form_ids.get(other or "", leaf.place.form or ""))
    through = getattr(leaf.holder, marker.through, None) if marker.through else None
    field = form.field(through) if form is not None and isinstance(through, str) else None
    return field.subform if field is not None and field.subform is not None else form
