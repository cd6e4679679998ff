"""Forms as they were written: fields by name, each with its kind and its place in the definition."""

from dataclasses import dataclass, field
from typing import Any

from engines.compiled import FieldKey
from engines.forms.field_type import FieldType
from metadata.problems import ROOT, Path


@dataclass
class WrittenField:
    """A field as written, where it stands and what kind it is."""

    key: FieldKey
    definition: Any
    kind: FieldType
    path: Path
    position: int


@dataclass
class WrittenForm:
    """A form or subform as written; a subform knows the form whose records hold its rows."""

    id: str
    name: str
    definition: Any
    path: Path
    parent: str | None = None
    fields: dict[str, WrittenField] = field(default_factory=dict)

    @property
    def by_id(self) -> dict[str, WrittenField]:
        return {each.key[1]: each for each in self.fields.values()}


def written_forms(definition: Any, kinds: Any) -> dict[str, WrittenForm]:
    forms: dict[str, WrittenForm] = {}
    for index, each in enumerate(definition.forms):
        form = WrittenForm(each.key, each.name, each, ROOT / "forms" / index)
        forms[form.id] = form
        _write_fields(form, each.fields, kinds, forms)
    return forms


def _write_fields(form: WrittenForm, fields: Any, kinds: Any, forms: dict[str, WrittenForm]) -> None:
    for index, each in enumerate(fields):
        kind = kinds.fields.get(each.type)
        path = form.path / "fields" / index
        form.fields[each.name] = WrittenField((form.id, each.key), each, kind, path, index)
        if kind.storage == "rows" and form.parent is None:
            rows = WrittenForm(each.key, each.name, each, path, form.id)
            forms[rows.id] = rows
            _write_fields(rows, each.fields, kinds, forms)
