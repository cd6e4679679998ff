"""A record is deleted."""

from typing import Any

from engines.rules.trigger_type import TriggerType
from metadata import registry
from metadata.names import FormName


class Deleted(TriggerType):
    """Fires when a record goes to the trash; `record` is what it was."""

    name = "deleted"
    title = {"en": "Record deleted", "zh": "删除记录"}
    icon = "trash"
    operations = frozenset({"delete"})

    class Options(registry.Options):
        form: FormName

    def sentence(self, options: Any, language: str) -> str:
        return f"当删除“{options.form}”时" if language == "zh" else f"when a record of {options.form} is deleted"
