"""A record is created."""

from typing import Any

from engines.rules.trigger_type import TriggerType
from metadata import registry
from metadata.names import FormName


class Created(TriggerType):
    """Fires once, when a record comes into being."""

    name = "created"
    title = {"en": "Record created", "zh": "新建记录"}
    icon = "file-plus"
    operations = frozenset({"create"})

    class Options(registry.Options):
        form: FormName

    def sentence(self, options: Any, language: str) -> str:
        return f"当新建“{options.form}”时" if language == "zh" else f"when a record of {options.form} is created"
