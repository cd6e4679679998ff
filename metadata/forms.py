"""Forms: what a record holds, how it is checked and how lists show it."""

from typing import Annotated, Literal

from pydantic import Field

from metadata.kinds import OfKind
from metadata.names import FieldName, FieldPath, FormName, Name, NewFieldName, RoleName, YesNoExpression
from metadata.normalise import Short, ShortSort, Words
from metadata.nouns import Icon, Named, TemplateText, ValueOf
from metadata.registry import Options


class FieldDefinition(Named):
    """A field: the keys common to all; its kind (`type`) adds its own, flat beside these."""

    type: str
    name: NewFieldName
    was: NewFieldName | None = Field(default=None, exclude=True)
    required: bool = False
    required_if: YesNoExpression | None = None
    visible_if: YesNoExpression | None = None
    read_only: bool = False
    unique: bool = False
    indexed: bool = False
    default: ValueOf = None
    width: Literal["full", "half", "third"] | None = None


AnyField = Annotated[FieldDefinition, OfKind("field")]


class ValidationDefinition(Options):
    """A condition that every record must meet, with the author's words and the field to show them at."""

    valid_if: YesNoExpression
    message: Words
    field: FieldName | None = None


class SectionDefinition(Options):
    """A group of fields under a heading on the form; fields in no section come after all sections."""

    title: Words | None = None
    help: Words | None = None
    fields: tuple[FieldName, ...]
    visible_if: YesNoExpression | None = None


class ColumnDefinition(Options):
    """A column of a list: a field, or one that a link leads to (`customer.level`)."""

    field: FieldPath
    title: Words | None = None


class SortDefinition(Options):
    """By which field a list is sorted."""

    field: FieldPath
    descending: bool = False


AnyColumn = Annotated[ColumnDefinition, Short("field")]
AnySort = Annotated[SortDefinition, ShortSort("field")]


class FormDefinition(Named):
    """A form: its fields in the order of the screen, the rules its records keep, and what lists show of them."""

    icon: Icon | None = None
    label: TemplateText | None = None
    fields: tuple[AnyField, ...] = Field(min_length=1)
    sections: tuple[SectionDefinition, ...] = ()
    validations: tuple[ValidationDefinition, ...] = ()
    columns: tuple[AnyColumn, ...] = ()
    sort: tuple[AnySort, ...] = ()
    search: tuple[FieldName, ...] = ()


class ViewDefinition(Named):
    """A saved list of a form: which records, which columns, in which order, for which roles (none: for all)."""

    name: Name
    form: FormName
    icon: Icon | None = None
    where: YesNoExpression | None = None
    columns: tuple[AnyColumn, ...] = ()
    sort: tuple[AnySort, ...] = ()
    roles: tuple[RoleName, ...] = ()
