"""Tell people in their inboxes."""

from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion
from engines.action_values import CompiledText, expressions_in, needs_of, text_now
from engines.effects import Notify as Notification
from engines.facts import Needs
from engines.people import CompiledPerson, People, compile_people, expressions_of, resolve, say_people
from metadata import registry
from metadata.nouns import TemplateText


@dataclass(frozen=True)
class Message:
    """Who is told, and what."""

    to: tuple[CompiledPerson, ...]
    text: CompiledText
    details: CompiledText | None


class Notify(ActionType):
    """Puts a message about the record into people's inboxes, each in his own language."""

    name = "notify"
    title = {"en": "Notify", "zh": "发送通知"}
    icon = "bell"

    class Options(registry.Options):
        to: People
        text: TemplateText
        details: TemplateText | None = None

    def compile(self, options: Any, context: ActionContext) -> Message:
        details = context.text(options.details, "details") if options.details is not None else None
        return Message(compile_people(options.to, context, "to"), context.text(options.text, "text"), details)

    def execute(self, compiled: Message, occasion: Occasion) -> list[Notification] | Needs:
        read = (*expressions_of(compiled.to), *expressions_in(compiled.text, compiled.details))
        if needs := needs_of(read, occasion.environment):
            return needs
        people = resolve(compiled.to, occasion.app, occasion.environment)
        members = tuple(each for each in people if isinstance(each, int))
        if not members:
            return []
        text = text_now(compiled.text, occasion.environment)
        details = text_now(compiled.details, occasion.environment) if compiled.details is not None else ""
        return [Notification(members, text, details, occasion.form, occasion.record_id)]

    def sentence(self, options: Any, language: str) -> str:
        who = say_people(options.to, language)
        return f"通知 {who}" if language == "zh" else f"notify {who}"
