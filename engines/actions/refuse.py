"""Refuse the save."""

from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion
from engines.action_values import CompiledText, expressions_in, needs_of, text_now
from engines.effects import Refuse as Refusal
from engines.facts import Needs
from metadata import registry
from metadata.names import FieldName
from metadata.nouns import TemplateText
from metadata.text import say


@dataclass(frozen=True)
class Objection:
    """What is said to the person who saves, and at which field."""

    message: CompiledText
    field: str | None


class Refuse(ActionType):
    """Refuses what somebody wants to save, with a message at a field; nothing is written."""

    name = "refuse"
    title = {"en": "Refuse", "zh": "拒绝保存"}
    icon = "ban"
    early = True
    refuses = True

    class Options(registry.Options):
        message: TemplateText
        field: FieldName | None = None

    def compile(self, options: Any, context: ActionContext) -> Objection:
        field = context.field(context.form or "", options.field, "field") if options.field else None
        return Objection(context.text(options.message, "message"), field.id if field is not None else None)

    def execute(self, compiled: Objection, occasion: Occasion) -> list[Refusal] | Needs:
        needs = needs_of(expressions_in(compiled.message), occasion.environment)
        return needs if needs else [Refusal(text_now(compiled.message, occasion.environment), compiled.field)]

    def sentence(self, options: Any, language: str) -> str:
        message = say(options.message, language)
        return f"拒绝保存：{message}" if language == "zh" else f"refuse: {message}"
