"""The answer of a report: its columns, its rows with labels, and totals that are counted afresh and never added up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from metadata.text import Text, say

Role = Literal["dimension", "measure"]


@dataclass(frozen=True)
class ResultColumn:
    """One column of a result. `format` tells how a measure is written (number, money, percent, date)."""

    name: str
    title: Text
    role: Role
    type: str
    decimals: int | None = None
    format: str = "number"

    def as_json(self, language: str) -> dict[str, Any]:
        said = {"name": self.name, "title": say(self.title, language), "role": self.role, "type": self.type}
        return said | {"format": self.format} | ({} if self.decimals is None else {"decimals": self.decimals})


@dataclass(frozen=True)
class Cell:
    """The value of a dimension: a key that filters by it again, and what people read."""

    key: str | None
    label: str
    colour: str | None = None


@dataclass(frozen=True)
class ResultRow:
    """One group: its dimension cells and its measures by name."""

    cells: tuple[Cell, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What a report says to one viewer at one moment; `truncated` when there were more groups than are shown."""

    dimensions: tuple[ResultColumn, ...]
    measures: tuple[ResultColumn, ...]
    rows: tuple[ResultRow, ...]
    totals: Mapping[str, Any] = field(default_factory=dict)
    truncated: bool = False

    def as_json(self, language: str) -> dict[str, Any]:
        """The result as the API answers it, titles in the reader's language."""
        return {
            "columns": [each.as_json(language) for each in (*self.dimensions, *self.measures)],
            "rows": [self._row_as_json(row) for row in self.rows],
            "totals": {name: plain(value) for name, value in self.totals.items()},
            "truncated": self.truncated,
        }

    def _row_as_json(self, row: ResultRow) -> dict[str, Any]:
        said: dict[str, Any] = {
            column.name: {"key": cell.key, "label": cell.label}
            for column, cell in zip(self.dimensions, row.cells, strict=True)
        }
        return said | {name: plain(value) for name, value in row.values.items()}


def plain(value: Any) -> Any:
    """A measure as JSON: numbers as numbers, dates as ISO text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
