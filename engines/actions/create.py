"""Create a record of another form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion, values_now
from engines.checks.installation import EXPRESSIONS, NO_IDS, is_written_out
from engines.effects import CreateRecord
from engines.facts import Needs
from engines.values import CompiledValue
from metadata import registry
from metadata.names import FieldOfForm, FormName
from metadata.nouns import ValueOf
from metadata.problems import Problem
from metadata.value_types import MEMBER


@dataclass(frozen=True)
class Draft:
    """The form of the record to be, and its values by field id (`owner` among them where the author says so)."""

    form: str
    values: Mapping[str, CompiledValue]


class Create(ActionType):
    """Creates a record, as a task or an invoice; its values are computed from the record at hand."""

    name = "create"
    title = {"en": "Create a record", "zh": "新建记录"}
    icon = "file-plus"

    class Options(registry.Options):
        form: FormName
        values: dict[FieldOfForm, ValueOf] = {}
        owner: ValueOf = None

    def compile(self, options: Any, context: ActionContext) -> Draft | None:
        form = context.form_id(options.form, "form")
        if form is None:
            return None
        values = context.values_of(form, options.values, "values")
        if is_written_out(options.owner):
            context.problems.items.append(Problem(context.at("owner").path, "id_in_definition", NO_IDS, EXPRESSIONS))
        elif options.owner is not None:
            values["owner"] = context.value(options.owner, "owner", want=MEMBER)
        return Draft(form, values)

    def execute(self, compiled: Draft, occasion: Occasion) -> list[CreateRecord] | Needs:
        values = values_now(compiled.values, occasion)
        return values if isinstance(values, Needs) else [CreateRecord(compiled.form, values)]

    def sentence(self, options: Any, language: str) -> str:
        return f"新建“{options.form}”" if language == "zh" else f"create a record of {options.form}"
