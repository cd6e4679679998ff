"""A rule in words, with the titles that people know: when it looks, under which condition, and what it does."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from engines.compiled import CompiledApp, CompiledForm
from engines.rules.compiled import CompiledRule
from engines.rules.condition import condition_words
from metadata.names import Reference
from metadata.problems import ROOT, Path
from metadata.text import say
from metadata.walk import Leaf, leaves

Titles = Mapping[tuple[Path, bool], str]


def sentence_of(app: CompiledApp, rule: CompiledRule, language: str) -> str:
    """Say a whole rule in one sentence."""
    written = titled(app, rule.definition, ROOT / "rules" / rule.place, language)
    when = rule.trigger.sentence(written.when, language)
    condition = condition_words(written.if_, language)
    then = _list(rule.then, written.then, language)
    otherwise = _list(rule.otherwise, written.else_, language)
    if language == "zh":
        parts = [when, f"如果 {condition}" if condition else "", f"则{then}" if then else ""]
        return "，".join(part for part in parts if part) + (f"；否则{otherwise}" if otherwise else "") + "。"
    text = when[:1].upper() + when[1:] + (f", if {condition}" if condition else "") + (f": {then}" if then else "")
    return text + (f"; else {otherwise}" if otherwise else "") + "."


def titled(app: CompiledApp, model: Any, path: Path, language: str) -> Any:
    """The same part of the definition with titles in the place of names; for reading, not for running."""
    titles: Titles = app.memory.remember(("titles", language), lambda: _titles(app, language))
    return _with_titles(model, path, titles)


def _titles(app: CompiledApp, language: str) -> Titles:
    """For every place in the definition that names something, the title of what it names."""
    return {
        (leaf.path, leaf.is_key): title
        for leaf in leaves(app.definition)
        if isinstance(leaf.marker, Reference) and (title := _title(app, leaf, language))
    }


def _list(actions: Any, options: Any, language: str) -> str:
    said = [action.kind.sentence(each, language) for action, each in zip(actions, options, strict=True)]
    return ("、" if language == "zh" else ", then ").join(said)


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
        return say(field.title, language) if field is not None else ""
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
