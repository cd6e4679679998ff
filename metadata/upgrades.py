"""Old formats become the present one, step by step: each step is one documented function that is never changed."""

from collections.abc import Callable, Mapping
from typing import Any

from metadata.app import CURRENT_FORMAT
from metadata.problems import ROOT, InvalidDefinition, Problem

Document = dict[str, Any]
Step = Callable[[Document], Document]

STEPS: Mapping[int, Step] = {}
"""Format n to the function that makes n + 1 of it. Empty as long as there is only one format."""


def upgrade(document: Document, steps: Mapping[int, Step] = STEPS, current: int = CURRENT_FORMAT) -> Document:
    """Bring a document to the present format; a document that names none is taken as written today."""
    found = document.get("format", current)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        return document  # the models will say what is wrong with it
    if found > current:
        message = {
            "en": f"The definition has format {found}; this version understands up to {current}",
            "zh": f"该定义的格式为 {found}，当前版本最高支持 {current}",
        }
        hint = {"en": "Update Fourfold first", "zh": "请先升级 Fourfold"}
        raise InvalidDefinition(Problem(ROOT / "format", "format_too_new", message, hint))
    for number in range(found, current):
        document = {**steps[number](document), "format": number + 1}
    return document
