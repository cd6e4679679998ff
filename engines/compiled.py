"""The compiled app: what all engines know of a definition once it has been checked, by id and immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engines.effects import Refuse, SetFields
from engines.events import RecordChanged
from engines.facts import Facts, Needs
from engines.field_look import FieldLook
from engines.memory import Memory
from metadata.names import SYSTEM_FIELDS
from metadata.problems import ROOT, NotFound, Problem
from metadata.text import Text
from metadata.value_types import ValueType

if TYPE_CHECKING:
    from engines.access import CompiledAccess
    from engines.flows.compiled import CompiledFlow
    from engines.reports.compiled import CompiledReports
    from engines.rules.compiled import CompiledRules
    from engines.values import CompiledValue
    from metadata.app import AppDefinition
    from metadata.expressions import Expression, Names, Template
    from metadata.kinds import MissingKind

Storage = Literal["stored", "computed", "rollup", "rows", "list", "number"]
"""Where a field's value lives: a column written by a save (`stored`, formulas over own values too), an expression
computed in SQL at read (`computed`), a column kept by the derive pass (`rollup`), a subform's table (`rows`), a side
table (`list`), or a column filled once by a counter (`number`)."""

TotalFunction = Literal["count", "sum", "avg", "min", "max", "distinct"]

FieldKey = tuple[str, str]
"""A field of a form or of one of its subforms: (form or subform id, field id)."""


@dataclass(frozen=True)
class Rollup:
    """A total kept on a parent: over which records (source form, its link field, where), of which value, and how.

    With `rows` it totals the rows of that subform of the source: `link`, `value` and `where` are then the row's. An
    `eventual` total is not moved by the save but by a job after it.
    """

    form: str
    field: str
    source: str
    link: str
    type: ValueType
    function: TotalFunction
    value: str | None
    where: "Expression | None"
    level: int
    reads: frozenset[str]
    rows: str | None = None
    eventual: bool = False


class FieldKind(Protocol):
    """What every engine may ask of a field's kind (`engines.forms.field_type.FieldType`)."""

    name: ClassVar[str]
    title: ClassVar[Text]
    icon: ClassVar[str]
    widget: ClassVar[str]
    is_searched: ClassVar[bool]
    holds_files: ClassVar[bool]

    def look_of(self, options: Any) -> FieldLook: ...

    def columns(self, field: "CompiledField") -> tuple[sa.Column[Any], ...]: ...

    def parse(self, raw: Any, field: "CompiledField") -> Any: ...

    def to_json(self, value: Any, field: "CompiledField") -> Any: ...


@dataclass(frozen=True)
class CompiledField:
    """A field as the engines see it. `column` is its physical column (None where it has none of its own)."""

    id: str
    name: str
    title: Text
    kind: FieldKind
    options: Any
    type: ValueType
    storage: Storage = "stored"
    form: str = ""
    help: Text = ""
    column: str | None = None
    side_table: sa.Table | None = None
    required: bool = False
    required_if: "Expression | None" = None
    visible_if: "Expression | None" = None
    read_only: bool = False
    raw: bool = False  # its kind is not installed: shown as it is stored, written by nobody
    unique: bool = False
    default: "CompiledValue | None" = None
    expression: "Expression | None" = None
    rollup: Rollup | None = None
    target: str | None = None
    subform: "CompiledForm | None" = None
    stage: bool = False
    position: int = 0
    generation: int = 1

    @property
    def decimals(self) -> int | None:
        return self.type.decimals

    @cached_property
    def choices(self) -> Mapping[str, Any]:
        """The options of a choice by value; empty for other kinds."""
        return {option.value: option for option in getattr(self.options, "options", ())}

    @property
    def is_list(self) -> bool:
        return self.storage == "list"

    @property
    def is_derived(self) -> bool:
        """Whether nobody writes it: a formula, a lookup, a roll-up, an auto-number, what is raw."""
        return self.raw or self.expression is not None or self.storage in ("computed", "rollup", "number")


def blank_of(type: ValueType) -> Any:
    """What stands where nothing was entered."""
    match type.name:
        case "yes_no":
            return False
        case "list" | "rows":
            return ()
    return None


@dataclass(frozen=True)
class Validation:
    """A condition that a record must meet, with the author's message and the field to show it at."""

    condition: "Expression"
    message: Text
    field: str | None = None
    index: int = 0


@dataclass(frozen=True)
class CompiledForm:
    """A form or a subform: its fields by id, its table, and the order in which formulas are computed."""

    id: str
    name: str
    title: Text
    fields: Mapping[str, CompiledField]
    field_ids: Mapping[str, str]
    table: sa.Table
    label: "Template | None" = None
    labels: Mapping[str, "Template"] = field(default_factory=dict)
    icon: str = "table"
    help: Text = ""
    parent: str | None = None
    validations: tuple[Validation, ...] = ()
    formula_order: tuple[FieldKey, ...] = ()
    computed_order: tuple[FieldKey, ...] = ()
    back_references: tuple[tuple[str, str], ...] = ()
    stages: tuple[str, ...] = ()
    rollups: tuple[Rollup, ...] = ()
    rollups_from: tuple[Rollup, ...] = ()

    def field(self, name: str) -> CompiledField | None:
        """The field by name or id, or None."""
        return self.fields.get(self.field_ids.get(name, name))

    @cached_property
    def stored(self) -> tuple[CompiledField, ...]:
        """The fields that have a column of their own."""
        return tuple(each for each in self.fields.values() if each.column is not None)

    @cached_property
    def columns(self) -> Mapping[str, "sa.Column[Any]"]:
        """Every column of a record or row, by system name or field id."""
        own = ("id", "position", "record") if self.parent is not None else (*SYSTEM_FIELDS, "deleted_at")
        columns = {name: self.table.c[name] for name in own}
        return columns | {each.id: self.table.c[each.column] for each in self.stored if each.column is not None}

    @cached_property
    def lists(self) -> tuple[CompiledField, ...]:
        return tuple(each for each in self.fields.values() if each.storage == "list")

    @cached_property
    def subforms(self) -> tuple[CompiledField, ...]:
        return tuple(each for each in self.fields.values() if each.storage == "rows")

    @cached_property
    def blank(self) -> Mapping[str, Any]:
        """A record in which nothing was entered, by field id."""
        return {each.id: Decimal(0) if _counts(each) else blank_of(each.type) for each in self.fields.values()}


def _counts(field: CompiledField) -> bool:
    """Whether the total over no records is zero and not blank."""
    return field.rollup is not None and field.rollup.function in ("count", "sum", "distinct")


@dataclass(frozen=True)
class EarlyAnswer:
    """What early rules say about a save: fields to set and refusals, in order, and the trace of who looked."""

    effects: tuple[SetFields | Refuse, ...] = ()
    trace: tuple[Any, ...] = ()


class EarlyRules(Protocol):
    """What `decide` asks of the compiled rules (`app.rules`) before a record is written (docs/architecture.md, S1).

    `early` is asked once for a save with the event as it stands after the formulas: `event.after` holds the values
    by field id. It runs the early rules of the form in their order, each seeing what the ones before it set, and
    answers with SetFields (typed values by field id) and Refuse effects, or with the facts it lacks.
    """

    def looks_early(self, form: str) -> bool: ...

    def early(self, event: RecordChanged, facts: Facts) -> EarlyAnswer | Needs: ...


@dataclass(frozen=True)
class StoredAs:
    """How the values of a field (or the records of a form) are stored: the generation, and the form of the values.

    A field that changes the form of its values gets the next generation and with it a new column; a manifest keeps
    what was ever stored under an id, so that a field that comes back finds its values.
    """

    generation: int
    shape: str


NOT_YET: Any = None  # what later engines fill in while an app is being compiled (engines/composition.py)


@dataclass(frozen=True)
class CompiledApp:
    """One published definition, compiled by all engines. Immutable; kept as long as its manifest is used."""

    definition: "AppDefinition"
    number: int
    name: str
    title: Text
    zone: ZoneInfo
    currency: str
    names: "Names"
    forms: Mapping[str, CompiledForm]
    form_ids: Mapping[str, str]
    role_ids: Mapping[str, str]
    storages: Mapping[str, "StoredAs"] = field(default_factory=dict)
    access: "CompiledAccess" = NOT_YET
    rules: "CompiledRules" = NOT_YET
    flows: "Mapping[str, CompiledFlow]" = field(default_factory=dict)
    reports: "CompiledReports" = NOT_YET
    metadata: sa.MetaData = field(default_factory=sa.MetaData)
    computed_needed: frozenset[str] = frozenset()
    derived_order: tuple[FieldKey, ...] = ()
    missing: "tuple[MissingKind, ...]" = ()  # what it names and nobody has installed
    refused: "tuple[Problem, ...]" = ()  # what was in order when it was published, and today's checks refuse: it rests
    memory: Memory = field(default_factory=Memory, compare=False, repr=False)

    def form(self, name: str) -> CompiledForm:
        """The form by name or id; subforms are known by their id only."""
        found = self.forms.get(self.form_ids.get(name, name))
        if found is None:
            raise NotFound(Problem(ROOT, "not_found", {"en": "There is no such form", "zh": "表单不存在"}))
        return found

    @cached_property
    def rollups(self) -> tuple[Rollup, ...]:
        """All roll-ups, lower levels first."""
        found = [rollup for form in self.forms.values() for rollup in form.rollups]
        return tuple(sorted(found, key=lambda rollup: rollup.level))

    @cached_property
    def role_names(self) -> Mapping[str, str]:
        """Role names by id, so that `user.roles` reads as written."""
        return {id: name for name, id in self.role_ids.items()}
