"""Reports and dashboards: what is counted, by what, and how it is drawn."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from metadata.kinds import OfKind
from metadata.names import (
    ExpressionText,
    FieldName,
    FieldPath,
    FormName,
    Name,
    NewFieldName,
    ReportName,
    RoleName,
    RowsAtHand,
    YesNoExpression,
)
from metadata.normalise import Short, ShortSort, Words
from metadata.nouns import FreeValue, Icon, Named
from metadata.registry import Options
from metadata.text import Text, spelt_out

Bucket = Literal["day", "week", "month", "quarter", "year"]
Aggregate = Literal["count", "sum", "avg", "min", "max", "distinct", "value"]
AGGREGATES: tuple[Aggregate, ...] = ("count", "sum", "avg", "min", "max", "distinct", "value")


class ChartDefinition(Options):
    """How a report is drawn: its kind (`type`) and the kind's own keys."""

    type: str


AnyChart = Annotated[ChartDefinition, OfKind("chart")]


class ParameterDefinition(Options):
    """Something the reader may choose. Its name is a value in the report's expressions; `where` counts once chosen."""

    name: NewFieldName
    title: Words | None = None
    type: Literal["text", "number", "date", "yes_no", "member", "department", "link"]
    form: FormName | None = None
    options: FieldName | None = None
    default: FreeValue = None
    where: YesNoExpression | None = None
    required: bool = False

    @property
    def caption(self) -> Text:
        return self.title or spelt_out(self.name)


class DimensionDefinition(Options):
    """By what a report groups: a field, or one that links lead to; dates by day, week, month, quarter or year."""

    name: Name | None = None
    title: Words | None = None
    field: FieldPath
    every: Bucket | None = None


class MeasureDefinition(Options):
    """What a report counts: one of `count`, `sum`, `avg`, `min`, `max`, `distinct`, or `value` over other measures."""

    name: NewFieldName
    title: Words | None = None
    count: Literal[True] | None = None
    sum: ExpressionText | None = None
    avg: ExpressionText | None = None
    min: ExpressionText | None = None
    max: ExpressionText | None = None
    distinct: ExpressionText | None = None
    value: str | None = None
    where: YesNoExpression | None = None
    decimals: int | None = Field(default=None, ge=0, le=10)
    percent: bool = False

    @property
    def aggregate(self) -> Aggregate | None:
        """Which of the aggregates is written; None when there is none, or more than one."""
        written = [name for name in AGGREGATES if getattr(self, name) is not None]
        return written[0] if len(written) == 1 else None

    @property
    def caption(self) -> Text:
        return self.title or spelt_out(self.name)


class ReportSort(Options):
    """By which dimension or measure the groups are sorted."""

    by: Name
    descending: bool = False


class ReportDefinition(Named):
    """A report over the records of a form, or over the rows of one of its subforms; runs as whoever looks."""

    form: FormName
    rows: RowsAtHand | None = None
    icon: Icon | None = None
    where: YesNoExpression | None = None
    parameters: tuple[ParameterDefinition, ...] = ()
    dimensions: tuple[Annotated[DimensionDefinition, Short("field")], ...] = ()
    measures: tuple[MeasureDefinition, ...] = Field(min_length=1)
    sort: tuple[Annotated[ReportSort, ShortSort("by")], ...] = ()
    limit: int | None = Field(default=None, ge=1, le=1000)
    chart: AnyChart | None = None
    roles: tuple[RoleName, ...] = ()


class CardDefinition(Options):
    """A place on a dashboard: a report, or words; on a grid of twelve columns (without `x` and `y`: the next place)."""

    report: ReportName | None = None
    text: Words | None = None
    title: Words | None = None
    chart: AnyChart | None = None
    values: dict[str, FreeValue] = {}
    x: int | None = Field(default=None, ge=0, le=11)
    y: int | None = Field(default=None, ge=0, le=200)
    width: int = Field(default=6, ge=1, le=12)
    height: int = Field(default=4, ge=1, le=20)

    @model_validator(mode="after")
    def _shows_something(self) -> "CardDefinition":
        if self.report is None and self.text is None:
            hint = {"en": "Name a “report”, or give it a “text”", "zh": "请写明 report，或填写 text"}
            context = {"zh": "卡片上没有内容", "hint": hint}
            raise PydanticCustomError("empty_card", "There is nothing on this card", context)
        return self


class DashboardDefinition(Named):
    """Cards on a grid. A filter reaches the parameter of the same name of every report that has one."""

    icon: Icon | None = None
    roles: tuple[RoleName, ...] = ()
    filters: tuple[ParameterDefinition, ...] = ()
    cards: tuple[Annotated[CardDefinition, Short("report")], ...] = Field(min_length=1)
