"""A rename is an edit of one name: every reference in the draft follows, expressions by position."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from metadata.app import AppDefinition
from metadata.expressions import Names, Scope, rename, rename_template
from metadata.ids import owned
from metadata.names import IsExpression, IsTemplate, IsValue, Reference
from metadata.problems import Path, Refusal
from metadata.references import NamesOfApp
from metadata.walk import Leaf, leaves

RULE_ROOTS = frozenset({"record", "old", "user", "today", "now"})
Document = dict[str, Any]


@dataclass(frozen=True)
class Renamed:
    """A thing that is known under another name; `path` is where it stands in the draft."""

    path: Path
    id: str
    old: str
    new: str


def renamed(live: AppDefinition, draft: AppDefinition) -> tuple[Renamed, ...]:
    """What has a new name in the draft. Where the old name now means something else, nothing follows: it is taken.

    A file may say `was` long after the rename was published, and its references still the old name.
    """
    before = {each.id: each for each in owned(live)}
    taken = {(each.owner, each.prefix, each.name) for each in owned(draft)}
    found = []
    for each in owned(draft):
        old = before.get(each.id)
        if old is None or old.name is None or each.name is None:
            continue
        former = old.name if old.name != each.name else each.was
        if former and former != each.name and (each.owner, each.prefix, former) not in taken:
            found.append(Renamed(each.path, each.id or "", former, each.name))
    return tuple(found)


def under_old_names(document: Document, renames: tuple[Renamed, ...]) -> Document:
    """The draft as if nothing had been renamed: the names under which its references were written."""
    document = copy.deepcopy(document)
    for each in renames:
        _at(document, each.path)["name"] = each.old
    return document


def follow(document: Document, old: AppDefinition, renames: tuple[Renamed, ...], before: Names) -> Document:
    """Write every reference of the draft under the new names.

    `old` is the draft read under its old names; `before` is what those mean.
    """
    new_names = {each.id: each.new for each in renames}
    writer = _Writer(copy.deepcopy(document), old, new_names, before, _with(new_names, before))
    for leaf in list(leaves(old)):
        writer.write(leaf)
    return writer.with_renamed_keys()


class _Writer:
    def __init__(
        self, document: Document, old: AppDefinition, new_names: Mapping[str, str], before: Names, after: Names
    ) -> None:
        self.document, self.names, self.new_names = document, NamesOfApp(old), new_names
        self.before, self.after = before, after
        self.keys: list[tuple[Path, str]] = []

    def write(self, leaf: Leaf) -> None:
        if isinstance(leaf.marker, Reference):
            text = self._reference(leaf)
        elif isinstance(leaf.value, str):
            text = self._text(leaf, leaf.value)
        else:
            self._inside(leaf, leaf.value, leaf.path)
            return
        if text == leaf.value:
            return
        if leaf.is_key:
            self.keys.append((leaf.path, text))
        else:
            self._put(leaf.path, text)

    def with_renamed_keys(self) -> Document:
        """Rename keys last, the innermost first, since paths lead through them."""
        for path, new in sorted(self.keys, key=lambda each: -len(each[0].parts)):
            holder = _at(self.document, Path(path.parts[:-1]))
            entries = [(new if key == path.parts[-1] else key, value) for key, value in holder.items()]
            holder.clear()
            holder.update(entries)
        return self.document

    def _reference(self, leaf: Leaf) -> str:
        parts = str(leaf.value).split(".")
        for use in self.names.uses(leaf):
            new = self.new_names.get(use.target)
            if new is not None:
                parts[use.part or 0] = new
        return ".".join(parts)

    def _text(self, leaf: Leaf, text: str) -> str:
        """The text under the new names; one that does not hold under the old ones was written for the new already."""
        try:
            return self._renamed(leaf, text)
        except Refusal:
            return text

    def _renamed(self, leaf: Leaf, text: str) -> str:
        scope = scope_of(leaf, self.names, self.before)
        if scope is None:
            return text
        if isinstance(leaf.marker, IsExpression):
            return rename(text, scope, self.after)
        if isinstance(leaf.marker, IsValue) and text.startswith("="):
            return "=" + rename(text[1:], scope, self.after)
        if isinstance(leaf.marker, IsTemplate) or "{{" in text or "{%" in text:
            return rename_template(text, scope, self.after)
        return text

    def _inside(self, leaf: Leaf, value: Any, path: Path) -> None:
        """Texts inside a value that is a list or an object (rows); `{"text": ...}` is taken literally."""
        if isinstance(value, dict) and set(value) != {"text"}:
            for key, each in value.items():
                self._inside(leaf, each, path / key)
        elif isinstance(value, list | tuple):
            for index, each in enumerate(value):
                self._inside(leaf, each, path / index)
        elif isinstance(value, str) and (text := self._text(leaf, value)) != value:
            self._put(path, text)

    def _put(self, path: Path, text: str) -> None:
        _at(self.document, Path(path.parts[:-1]))[path.parts[-1]] = text


def scope_of(leaf: Leaf, names: NamesOfApp, meanings: Names) -> Scope | None:
    """What names mean in an expression of a definition; None where no form is at hand."""
    marker, place = leaf.marker, leaf.place
    if getattr(marker, "scope", "record") == "none":
        return None
    if getattr(marker, "of", None) or getattr(marker, "through", None):
        form = names.form_of(leaf)
        return Scope(meanings, form, RULE_ROOTS, names.record_form_of(form)) if form else None
    if place.bare is None:
        return None
    in_row = place.record is not None and place.record != place.bare
    return Scope(meanings, place.bare, RULE_ROOTS, place.record if in_row else None)


def _with(new_names: Mapping[str, str], names: Names) -> Names:
    """What names mean once fields have got their new ones."""
    forms = {
        form: {
            new: replace(field, name=new) for field in fields.values() for new in (new_names.get(field.id, field.name),)
        }
        for form, fields in names.forms.items()
    }
    return Names(forms, names.titles)


def _at(document: Any, path: Path) -> Any:
    for part in path.parts:
        document = document[part]
    return document
