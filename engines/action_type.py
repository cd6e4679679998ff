"""What an action is: the one vocabulary of doing that rules and flows share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from engines.action_values import CompiledText, Parse, compile_text, compile_value, expressions_in, needs_of, value_now
from engines.checks.comparisons import refuse_other_results
from engines.checks.installation import id_problem, is_written_out
from engines.compiled import CompiledField
from engines.context import CheckContext
from engines.effects import Effect
from engines.expressions import Environment
from engines.facts import Facts, Needs
from engines.values import CompiledValue
from metadata.problems import ROOT, Conflict, Problem, Refusal, nearest
from metadata.registry import Kind
from metadata.text import Text, say
from metadata.value_types import ValueType

RULE_ROOTS = frozenset({"record", "old", "user", "today", "now"})


class ActionType(Kind):
    """A way of doing something.

    `early` actions touch only their own record, so they run before it is written. `needs_record` says that there must
    be a record to act on, `changes_record` that it must not be gone, `refuses` that a save must be going on.
    """

    early: ClassVar[bool] = False
    needs_record: ClassVar[bool] = False
    changes_record: ClassVar[bool] = False
    refuses: ClassVar[bool] = False
    sends_outside: ClassVar[bool] = False

    def compile(self, options: Any, context: "ActionContext") -> Any:
        """Check the options against the app and give what `execute` works with."""
        raise NotImplementedError

    def execute(self, compiled: Any, occasion: "Occasion") -> Sequence[Effect] | Needs:
        """Say what is to be done now, or which facts are lacking."""
        raise NotImplementedError

    def sentence(self, options: Any, language: str) -> str:
        """Say in words what a configured instance does, as "set state to approved"."""
        return say(self.title, language)


class KindMissing(Conflict):
    """Something would have to be done by a kind that is not installed."""

    code = "kind_missing"

    def __init__(self, name: str) -> None:
        self.reason: Text = {"en": f"“{name}” is not installed", "zh": f"未安装“{name}”"}
        hint = {"en": "Whoever runs this installation has to install it again", "zh": "请联系管理员重新安装"}
        super().__init__(Problem(ROOT, "kind_missing", self.reason, hint))


@dataclass(frozen=True)
class Occasion:
    """What an action is done about: a record (and perhaps one of its rows) at a moment.

    `key` names this doing (rule or node, record, and the place of the action), so that jobs made by it can be told
    apart; `place` names the action alone, whatever it is done about; `app` is the name of the app.
    """

    app: str
    form: str | None
    record_id: int | None
    record: Mapping[str, Any]
    facts: Facts
    key: str
    old: Mapping[str, Any] | None = None
    row: Mapping[str, Any] | None = None
    place: str = ""

    @property
    def environment(self) -> Environment:
        return Environment(record=self.record, facts=self.facts, old=self.old, row=self.row)


@dataclass(frozen=True)
class CompiledAction:
    """One configured action, ready to be executed."""

    kind: ActionType
    compiled: Any
    options: Any


@dataclass(frozen=True)
class ActionContext(CheckContext):
    """What an action is compiled against: a place, the form at hand, and the values and names that actions speak of."""

    form: str | None = None

    def value(
        self, raw: Any, *place: str | int, want: ValueType | None = None, parse: Parse | None = None
    ) -> CompiledValue:
        found = self.attempt(lambda: compile_value(raw, self.scope, self.app.functions, want, parse), place)
        return found if found is not None else CompiledValue()

    def text(self, raw: Text, *place: str | int) -> CompiledText:
        found = self.attempt(lambda: compile_text(raw, self.scope, self.app.functions), place)
        return found if found is not None else CompiledText({})

    def values_of(self, form: str, raw: Mapping[str, Any], *place: str | int) -> dict[str, CompiledValue]:
        """Compile values for the fields of a form, keyed by field id."""
        values = {}
        for name, each in raw.items():
            compiled_field = self.field(form, name, *place, name)
            if compiled_field is not None and compiled_field.is_derived:
                message = {"en": f"“{name}” is computed and cannot be set", "zh": f"“{name}”由系统计算，不能设置"}
                self.add("derived_field", message, *place, name)
            elif compiled_field is not None and (problem := self._written_id(each, compiled_field)):
                self.problems.extend([problem], self.at(*place, name).path)
            elif compiled_field is not None:
                value = self.value(each, *place, name, want=compiled_field.type, parse=partial(_parse, compiled_field))
                values[compiled_field.id] = value
                if value.expression is not None:
                    self.attempt(partial(refuse_other_results, value.expression, compiled_field), (*place, name))
        return values

    def _written_id(self, raw: Any, field: CompiledField) -> Problem | None:
        """What is wrong with an id that is written out; what is live already names those of its own installation."""
        return id_problem(field) if is_written_out(raw) and not self.app.makes_do else None

    def field(self, form: str, name: str, *place: str | int) -> CompiledField | None:
        """The field of a form by its name; None and a problem when there is none."""
        compiled_form = self.app.forms.get(form)
        if compiled_form is None:
            return None
        if name not in compiled_form.field_ids:
            message = {"en": f"The form has no field “{name}”", "zh": f"表单中没有字段“{name}”"}
            self.add("unknown_field", message, *place, hint=nearest(name, compiled_form.field_ids))
            return None
        return compiled_form.fields[compiled_form.field_ids[name]]

    def typed(self, form: str, name: str, *place: str | int) -> tuple[str, str | None]:
        """The value type and the id of a field or a system field; the id is None where there is no such field."""
        try:
            reference = self.app.names.fields(form).get(name)
        except Refusal:
            return "blank", None  # the field is wrong itself, and has been complained of
        if reference is not None:
            return reference.type.name, reference.id
        self.field(form, name, *place)
        return "blank", None

    def subform(self, name: str, *place: str | int) -> str | None:
        """The id of the subform that a field of the form holds."""
        field = self.field(self.form or "", name, *place)
        if field is None:
            return None
        if field.subform is not None:
            return field.subform.id
        self.add("not_a_subform", {"en": f"“{name}” is no subform", "zh": f"“{name}”不是子表单"}, *place)
        return None

    def form_id(self, name: str, *place: str | int) -> str | None:
        return self._id(name, self.app.form_ids, {"en": "form", "zh": "表单"}, place)

    def role_id(self, name: str, *place: str | int) -> str | None:
        return self._id(name, self.app.role_ids, {"en": "role", "zh": "角色"}, place)

    def flow_id(self, name: str, *place: str | int) -> str | None:
        return self._id(name, self.app.flow_ids, {"en": "flow", "zh": "流程"}, place)

    def _id(
        self, name: str, ids: Mapping[str, str], noun: Mapping[str, str], place: tuple[str | int, ...]
    ) -> str | None:
        if name in ids:
            return ids[name]
        message = {"en": f"There is no {noun['en']} “{name}”", "zh": f"不存在{noun['zh']}“{name}”"}
        self.add(f"unknown_{noun['en']}", message, *place, hint=nearest(name, ids))
        return None


def _parse(field: CompiledField, raw: Any) -> Any:
    return field.kind.parse(raw, field)


def values_now(values: Mapping[str, CompiledValue], occasion: Occasion) -> dict[str, Any] | Needs:
    """What the fields get at this moment, by field id; or the facts that are lacking."""
    needs = needs_of(expressions_in(*values.values()), occasion.environment)
    if needs:
        return needs
    return {field: value_now(value, occasion.environment) for field, value in values.items()}


def compile_actions(definitions: Iterable[Any], context: ActionContext) -> tuple[CompiledAction, ...]:
    """Compile a list of actions as it stands in a rule's `then` or in a flow's action node."""
    compiled = []
    for index, options in enumerate(definitions):
        kind, known = context.app.kinds.actions.get(options.action), len(context.problems)
        config = kind.compile(options, context.at(index))
        if len(context.problems) > known and context.app.makes_do:
            kind = context.app.stand_ins["action"](options.action)  # it needs what is not installed
        compiled.append(CompiledAction(kind, config, options))
    return tuple(compiled)


def execute_actions(actions: Sequence[CompiledAction], occasion: Occasion) -> list[Effect] | Needs:
    """Ask every action in turn; lacking facts are gathered over all of them, so that one round fetches them."""
    effects: list[Effect] = []
    needs = Needs()
    for index, action in enumerate(actions):
        own = replace(occasion, key=f"{occasion.key}:{index}", place=f"{occasion.place or occasion.key}:{index}")
        answer = action.kind.execute(action.compiled, own)
        if isinstance(answer, Needs):
            needs |= answer
        else:
            effects.extend(answer)
    return needs if needs else effects
