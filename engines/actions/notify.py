"""Tell people in their inboxes."""

from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion
from engines.action_values import CompiledText, expressions_in, needs_of, text_now
from engines.effects import Notify as Notification
from engines.facts import Needs
from engines.recipients import CompiledRecipients, Recipients, compile_recipients, people_now, say_recipients
from metadata import registry
from metadata.nouns import TemplateText


@dataclass(frozen=True)
class Message:
    """Who is told, and what."""

    to: CompiledRecipients
    text: CompiledText
    details: CompiledText | None


class Notify(ActionType):
    """Puts a message about the record into people's inboxes, each in his own language."""

    name = "notify"
    title = {"en": "Notify", "zh": "发送通知"}
    icon = "bell"

    class Options(registry.Options):
        to: Recipients
        text: TemplateText
        details: TemplateText | None = None

    def compile(self, options: Any, context: ActionContext) -> Message:
        details = context.text(options.details, "details") if options.details is not None else None
        return Message(compile_recipients(options.to, context, "to"), context.text(options.text, "text"), details)

    def execute(self, compiled: Message, occasion: Occasion) -> list[Notification] | Needs:
        people = people_now(compiled.to, occasion)
        needs = needs_of(expressions_in(compiled.text, compiled.details), occasion.environment)
        if needs or isinstance(people, Needs):
            return needs | people if isinstance(people, Needs) else needs
        members = tuple(each for each in people if isinstance(each, int))
        if not members:
            return []
        text = text_now(compiled.text, occasion.environment)
        details = text_now(compiled.details, occasion.environment) if compiled.details is not None else ""
        return [Notification(members, text, details, occasion.form, occasion.record_id)]

    def sentence(self, options: Any, language: str) -> str:
        who = say_recipients(options.to, language)
        return f"通知 {who}" if language == "zh" else f"notify {who}"
