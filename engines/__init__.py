"""The meaning of definitions: four pure engines in one view, and the one decision behind every save."""

from typing import TYPE_CHECKING

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.forms.execute import Decision, SaveRequest, decide

if TYPE_CHECKING:
    from metadata.app import AppDefinition
    from metadata.kinds import Kinds

__all__ = ["CompiledApp", "CompiledField", "CompiledForm", "Decision", "SaveRequest", "compile_app", "decide"]


def compile_app(definition: "AppDefinition", kinds: "Kinds", number: int = 1) -> CompiledApp:
    """Compile a definition by all engines; raise InvalidDefinition with the problems of all of them."""
    raise NotImplementedError
