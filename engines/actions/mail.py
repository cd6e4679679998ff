"""Send a mail."""

from dataclasses import dataclass
from typing import Any

from engines.action_type import ActionContext, ActionType, Occasion
from engines.action_values import CompiledText, expressions_in, needs_of, text_now
from engines.effects import SendMail
from engines.facts import Needs
from engines.people import CompiledPerson, People, compile_people, expressions_of, resolve, say_people
from metadata import registry
from metadata.nouns import TemplateText


@dataclass(frozen=True)
class Letter:
    """Who gets the mail, and what it says."""

    to: tuple[CompiledPerson, ...]
    subject: CompiledText
    text: CompiledText


class Mail(ActionType):
    """Sends a mail to members, or to the addresses that fields hold; after the save, and again until it arrives."""

    name = "mail"
    title = {"en": "Send a mail", "zh": "发送邮件"}
    icon = "mail"
    sends_outside = True

    class Options(registry.Options):
        to: People
        subject: TemplateText
        text: TemplateText

    def compile(self, options: Any, context: ActionContext) -> Letter:
        to = compile_people(options.to, context, "to", mail=True)
        return Letter(to, context.text(options.subject, "subject"), context.text(options.text, "text"))

    def execute(self, compiled: Letter, occasion: Occasion) -> list[SendMail] | Needs:
        read = (*expressions_of(compiled.to), *expressions_in(compiled.subject, compiled.text))
        if needs := needs_of(read, occasion.environment):
            return needs
        people = resolve(compiled.to, occasion.app, occasion.environment)
        if not people:
            return []
        subject = text_now(compiled.subject, occasion.environment, line=True)
        text = text_now(compiled.text, occasion.environment)
        return [SendMail(people, subject, text, occasion.form, occasion.record_id)]

    def sentence(self, options: Any, language: str) -> str:
        who = say_people(options.to, language)
        return f"发邮件给 {who}" if language == "zh" else f"mail {who}"
