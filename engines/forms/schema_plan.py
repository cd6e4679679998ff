"""What a publish means for the tables: the difference of two compiled apps, by id, as steps and losses."""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from engines.compiled import CompiledApp
from metadata.text import Text

Phase = Literal["expand", "backfill", "contract"]
StepKind = Literal["create_table", "add_column", "add_index", "drop_index", "convert", "fill"]


@dataclass(frozen=True)
class Step:
    """One change of the schema, or of the rows in it: what happens (`kind`), where, with what."""

    phase: Phase
    kind: StepKind
    form: str
    field: str | None = None
    table: sa.Table | None = None
    column: str | None = None
    source: str | None = None
    index: sa.Index | None = None
    details: Any = None


@dataclass(frozen=True)
class Loss:
    """Something a publish would put out of sight or might not convert; needs an explicit yes."""

    form: str
    field: str | None
    code: str
    message: Text


@dataclass(frozen=True)
class SchemaPlan:
    """The steps from one app to the next, in order, and what they lose."""

    steps: tuple[Step, ...] = ()
    losses: tuple[Loss, ...] = ()


def plan(before: CompiledApp | None, after: CompiledApp) -> SchemaPlan:
    """Compare two compiled apps by id; a first publish compares with nothing."""
    raise NotImplementedError
