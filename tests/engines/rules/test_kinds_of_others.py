"""A trigger and an action that Fourfold does not know: one class each, and everything works with them."""

from typing import Any

from engines import compile_app
from engines.action_type import ActionContext, ActionType, Occasion
from engines.effects import Effect, SetFields
from engines.rules import Outcome, execute, sentence_of
from engines.rules.trigger_type import Change, Look, TriggerType
from metadata import registry
from metadata.language import Language
from metadata.names import FieldName, FormName
from runtime import plugins
from tests.engines.rules.sales import created, deal, document, facts


class FullMoon(TriggerType):
    """Fires when a record is created while its field holds a moon."""

    name = "full_moon"
    title = {"en": "Full moon", "zh": "满月"}
    icon = "moon"
    operations = frozenset({"create"})

    class Options(registry.Options):
        form: FormName
        field: FieldName

    def compile(self, options: Any, context: ActionContext) -> str:
        return str(context.field(context.form or "", options.field, "field").id)

    def looks(self, compiled: str, change: Change) -> Look:
        return Look(change.now.record.get(compiled) == "moon")

    def sentence(self, options: Any, language: str) -> str:
        return f"when the moon is full in {options.field}"


class Howl(ActionType):
    """Writes a howl into a field."""

    name = "howl"
    title = {"en": "Howl", "zh": "嚎叫"}
    icon = "dog"
    needs_record = True

    class Options(registry.Options):
        field: FieldName

    def compile(self, options: Any, context: ActionContext) -> str:
        return str(context.field(context.form or "", options.field, "field").id)

    def execute(self, compiled: str, occasion: Occasion) -> list[Effect]:
        return [SetFields(occasion.form or "", occasion.record_id or 0, {compiled: "auuu"})]

    def sentence(self, options: Any, language: str) -> str:
        return f"howl into {options.field}"


def test_kinds_of_others_are_read_checked_run_and_told() -> None:
    kinds = plugins.built_in()
    kinds.triggers.register(FullMoon())
    kinds.actions.register(Howl())
    kinds.freeze()
    rule = {
        "when": {"trigger": "full_moon", "form": "deal", "field": "name"},
        "then": [{"action": "howl", "field": "note"}],
    }

    app = compile_app(Language(kinds).read(document(rule)), kinds)
    outcome = execute(app.rules, created(deal(f_name="moon")), facts())
    (compiled,) = app.rules

    assert isinstance(outcome, Outcome)
    assert outcome.effects[0].effects == (SetFields("t_deal", 7, {"f_note": "auuu"}),)
    assert sentence_of(app, compiled, "en") == "When the moon is full in Name: howl into Note."
