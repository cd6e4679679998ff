"""What the compilation of every engine knows of the whole app: names, ids, kinds and compiled forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engines.moving import late_fields, moving_fields
from metadata.expressions import Names
from metadata.text import Text

if TYPE_CHECKING:
    from engines.compiled import CompiledForm
    from metadata.kinds import Kinds
    from metadata.registry import Registry


@dataclass(frozen=True)
class AppContext:
    """An app whose forms are compiled, as rules, flows, reports and their actions are checked against it."""

    names: Names
    forms: "Mapping[str, CompiledForm]"
    form_ids: Mapping[str, str]
    role_ids: Mapping[str, str]
    flow_ids: Mapping[str, str]
    kinds: "Kinds"
    role_titles: Mapping[str, Text] = field(default_factory=dict)  # by id, for sentences that people read

    @cached_property
    def moving(self) -> frozenset[str]:
        """The ids of the fields that move without a save of their record."""
        return moving_fields(self.forms)

    @cached_property
    def late(self) -> frozenset[str]:
        """The ids of the fields that are only right a moment after a save."""
        return late_fields(self.forms)

    @property
    def functions(self) -> "Registry[Any]":
        return self.kinds.functions
