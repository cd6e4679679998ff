"""What the records of a form are called: the label as its author wrote it, or the first thing that tells them apart."""

from collections.abc import Mapping

from engines.forms.resolve import Resolver
from engines.forms.written import WrittenForm
from metadata.expressions import Template, check_template
from metadata.problems import Problems, Refusal
from metadata.text import Text


def labels_of(form: WrittenForm, resolver: Resolver, problems: Problems) -> dict[str, Template]:
    """The label in each language that it was written in ("" where it is the same in all)."""
    written = form.definition.label or ""
    return _checked(form, written, resolver, problems) or _checked(form, _own_label(form, resolver), resolver, problems)


def _checked(form: WrittenForm, raw: Text, resolver: Resolver, problems: Problems) -> dict[str, Template]:
    labels = {}
    for language, text in _languages(raw).items() if raw else ():
        place = form.path / "label" / language if language else form.path / "label"
        try:
            labels[language] = check_template(text, resolver.scope(form.id), resolver.functions)
        except Refusal as refusal:
            problems.extend(refusal.problems, place)
    return labels


def _own_label(form: WrittenForm, resolver: Resolver) -> Text:
    """Without a label of its own a record goes by its first text or number, else by what the form is called."""
    for wanted in (("text",), ("number", "date", "datetime")):
        for written in form.fields.values():
            if written.key in resolver.types and resolver.types[written.key].name in wanted:
                return f"{{{{{written.definition.name}}}}}"
    caption: Text = form.definition.caption
    return form.name if any("{" in text for text in _languages(caption).values()) else caption


def _languages(text: Text) -> Mapping[str, str]:
    return {"": text} if isinstance(text, str) else text
