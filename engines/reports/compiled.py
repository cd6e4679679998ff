"""Compiled reports: what is counted, by what, for whom; by id and immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.compiled import CompiledField
from engines.reports.chart_type import ChartType
from engines.values import CompiledValue
from metadata.expressions import Expression
from metadata.text import Text
from metadata.value_types import ValueType


@dataclass(frozen=True)
class CompiledParameter:
    """Something the reader may choose; `where` counts once he has."""

    name: str
    title: Text
    type: ValueType
    default: CompiledValue
    where: Expression | None
    required: bool
    definition: Any


@dataclass(frozen=True)
class CompiledDimension:
    """By what a report groups. `leaf` is the field that the path ends at, None for a system field; `every` is the
    bucket of a date. A list (tags) counts a record once for each of its values."""

    name: str
    title: Text
    expression: Expression
    type: ValueType
    every: str | None = None
    leaf: CompiledField | None = None

    @property
    def is_list(self) -> bool:
        return self.expression.type.name == "list"

    @property
    def is_ordered(self) -> bool:
        """Whether one value comes after the other: time, numbers, and options as their author put them."""
        return not self.is_list and (self.every is not None or self.type.name == "number" or self.has_choices)

    @property
    def has_choices(self) -> bool:
        return self.leaf is not None and bool(self.leaf.choices)

    @property
    def field(self) -> str:
        """The field that it reads, by id: the last step of its path."""
        return max(self.expression.reads, key=len)[-1]


@dataclass(frozen=True)
class CompiledMeasure:
    """What a report counts. `per_record` marks a sum or average over the record in a report over its rows: each record
    counts once then, however many rows it has."""

    name: str
    title: Text
    aggregate: str
    expression: Expression | None
    where: Expression | None
    type: ValueType
    format: str
    per_record: bool = False
    decimals: int = 2

    @property
    def is_computed(self) -> bool:
        return self.aggregate == "value"


@dataclass(frozen=True)
class CompiledReport:
    """A report over the records of a form, or over the rows of its subform (`rows`, a field id)."""

    id: str
    name: str
    title: Text
    form: str
    rows: str | None
    where: Expression | None
    parameters: tuple[CompiledParameter, ...]
    dimensions: tuple[CompiledDimension, ...]
    measures: tuple[CompiledMeasure, ...]
    chart: ChartType
    definition: Any
    chart_options: Any = None
    roles: frozenset[str] = frozenset()

    @property
    def counted(self) -> tuple[CompiledMeasure, ...]:
        """The measures that the database counts; the others are computed from them."""
        return tuple(each for each in self.measures if not each.is_computed)

    @property
    def stage(self) -> CompiledDimension | None:
        """The stage that a funnel of ever reached stages follows, None for every other report."""
        reached = getattr(self.chart_options, "reached", False)
        return self.dimensions[0] if reached and self.dimensions else None


@dataclass(frozen=True)
class CompiledCard:
    """A place on a dashboard: a report (by id) or words; `values` is what it chooses of the report's parameters."""

    report: str | None
    definition: Any
    values: Mapping[str, CompiledValue] = field(default_factory=dict)


@dataclass(frozen=True)
class CompiledDashboard:
    """Cards on a grid of twelve columns, with filters that reach the parameters of the same name."""

    id: str
    name: str
    title: Text
    cards: tuple[CompiledCard, ...]
    filters: tuple[CompiledParameter, ...]
    roles: frozenset[str]
    definition: Any


@dataclass(frozen=True)
class CompiledReports:
    """All reports and dashboards of an app by id."""

    reports: Mapping[str, CompiledReport] = field(default_factory=dict)
    report_ids: Mapping[str, str] = field(default_factory=dict)
    dashboards: Mapping[str, CompiledDashboard] = field(default_factory=dict)
    dashboard_ids: Mapping[str, str] = field(default_factory=dict)

    def report(self, name: str) -> CompiledReport | None:
        return self.reports.get(self.report_ids.get(name, name))

    def dashboard(self, name: str) -> CompiledDashboard | None:
        return self.dashboards.get(self.dashboard_ids.get(name, name))
