"""The base of every field kind: its value type, its columns, and how a value comes in and goes out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from engines.columns import column_type
from engines.compiled import CompiledField, Storage, TotalFunction
from engines.field_look import FieldLook
from engines.forms.context import FormContext
from engines.json_values import to_json
from engines.values import ValueProblem
from metadata.problems import Problem
from metadata.registry import Kind
from metadata.value_types import ValueType


@dataclass(frozen=True)
class Total:
    """What a roll-up adds up, by names: over the records of a form (or the rows in them) whose link leads here."""

    form: str
    link: str
    function: TotalFunction
    value: str | None = None
    where: str | None = None
    rows: str | None = None
    eventual: bool = False


class FieldType(Kind):
    """A kind of field. One file each in `engines/forms/fields/`; a kind overrides what differs from plain text.

    In these methods `definition` is the field as written, with the kind's options as attributes; `field` is the
    compiled field, whose `options` are those of the definition.
    """

    widget: ClassVar[str] = "text"
    look: ClassVar[FieldLook] = FieldLook()
    storage: ClassVar[Storage] = "stored"
    is_searched: ClassVar[bool] = False  # lists look for words in it where their author names no fields to search
    holds_files: ClassVar[bool] = False  # its values are ids of uploaded files, which the record then owns

    def look_of(self, options: Any) -> FieldLook:
        """How a field with these options stands on pages; most kinds have one look for all."""
        return self.look

    def storage_of(self, definition: Any) -> Storage:
        """Where the field's values live; most kinds have one place for all."""
        return self.storage

    def value_type(self, definition: Any, context: FormContext) -> ValueType:
        """Which value type the field has; may look at other fields through the context."""
        raise NotImplementedError

    def columns(self, field: CompiledField) -> tuple[sa.Column[Any], ...]:
        """The columns that keep a value; the first is the value itself. None for computed fields, rows and lists."""
        return (sa.Column(field.column, column_type(field.type)),) if field.column else ()

    def parse(self, raw: Any, field: CompiledField) -> Any:
        """Turn a JSON value into the internal one, strictly; raise ValueProblem. Blank is None."""
        raise ValueProblem("read_only", {"en": "This is computed", "zh": "此字段由系统计算"})

    def to_json(self, value: Any, field: CompiledField) -> Any:
        """Turn an internal value into JSON."""
        return to_json(value, field.type)

    def problems(self, definition: Any, context: FormContext) -> Iterator[Problem]:
        """What is wrong with the field as written, besides what the models and typed references find."""
        return iter(())

    def formula(self, definition: Any, context: FormContext) -> str | None:
        """The text of the expression that computes the field, for formulas and lookups."""
        return None

    def total(self, definition: Any, context: FormContext) -> Total | None:
        """What the field totals over other records, for roll-ups."""
        return None
