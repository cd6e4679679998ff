"""The flow an instance is pinned to: its own part, compiled against today's forms."""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines.compiled import CompiledApp
from engines.flows import CompiledFlow
from metadata.problems import ROOT, Conflict, Problem
from runtime.db import tables

if TYPE_CHECKING:
    from runtime.transaction import Tx


def flow_of(tx: "Tx", app: CompiledApp, row: Any) -> CompiledFlow:
    """The compiled flow of an instance (a row with `flow` and `part`): the live one, if that is still its part."""
    live = app.flows.get(row.flow)
    if live is not None and part_of(tx, app, row.flow) == row.part:
        return live
    key = ("pinned flow", row.part)
    found: CompiledFlow = app.access.remember(key, lambda: _compile(tx, app, row.part))
    return found


def part_of(tx: "Tx", app: CompiledApp, flow: str) -> str:
    """The hash of the part in which the live definition of a flow is stored."""
    raise NotImplementedError


def _compile(tx: "Tx", app: CompiledApp, part: str) -> CompiledFlow:
    raise NotImplementedError
