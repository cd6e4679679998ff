"""What a template needs to draw fields: plain data, the same for inputs, pages, list cells and subforms."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One option of a select, with the tone of its tag."""

    value: str
    title: str
    tone: str = ""


@dataclass(frozen=True)
class Reference:
    """A link, member, department, tag or file as shown: its id, what it is called, where it leads."""

    id: str
    label: str
    href: str = ""
    size: int = 0


@dataclass(frozen=True)
class FieldView:
    """One field of one record as it is drawn. `text` is what an input holds, `shown` what a reader sees."""

    field: str
    name: str
    label: str
    widget: str
    kind: str = "text"
    mode: str = "edit"
    id: str = ""
    post: str = ""
    value: Any = None
    text: str = ""
    shown: str = ""
    error: str = ""
    help: str = ""
    placeholder: str = ""
    required: bool = False
    hidden: bool = False
    in_row: bool = False
    label_hidden: bool = False
    many: bool = False
    live: bool = False
    computed: bool = False
    updating: bool = False
    span: int = 6
    layout: str = ""
    prefix: str = ""
    suffix: str = ""
    state: str = ""
    search: str = ""
    length: int | None = None
    options: Sequence[Choice] = ()
    columns: "Sequence[ColumnView]" = ()
    rows: "Sequence[RowView]" = ()
    blank: "RowView | None" = None


@dataclass(frozen=True)
class ColumnView:
    """The head of a subform column, or of a list."""

    field: str
    name: str
    label: str
    kind: str = "text"
    size: str = "medium"
    required: bool = False
    computed: bool = False
    help: str = ""
    sum: bool = False
    total: str = ""
    sort: str = ""
    sorted: str = ""
    look: str = ""


@dataclass(frozen=True)
class RowView:
    """One row of a subform: `token` stands in the posted names, `record` is the stored row's id or empty."""

    token: str
    record: str
    cells: Sequence[FieldView]


@dataclass(frozen=True)
class SectionView:
    """A group of fields under one heading."""

    id: str
    title: str
    fields: Sequence[FieldView]


@dataclass(frozen=True)
class ProblemView:
    """One line of the error summary; the anchor is the id of the control to go to."""

    message: str
    hint: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class FormView:
    """The body of a record form: its sections, its problems, and the data block for `ff-form`."""

    sections: Sequence[SectionView]
    problems: Sequence[ProblemView] = ()
    version: int | None = None
    state: dict[str, Any] = field(default_factory=dict)
