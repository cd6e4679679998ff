"""From the rules as written to rules that can run: every name an id, every expression checked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engines.action_type import RULE_ROOTS, ActionContext, CompiledAction, compile_actions
from engines.computed.moving import reads_one_of
from engines.computed.reads import expressions_in
from engines.context import AppContext
from engines.rules.compiled import CompiledRule, CompiledRules
from engines.rules.condition import compile_condition
from engines.rules.trigger_type import TriggerType
from metadata.expressions import Scope
from metadata.problems import ROOT, Path, Problems

if TYPE_CHECKING:
    from metadata.rules import RuleDefinition

MAXIMUM_RULES_PER_FORM = 50  # L34
MAXIMUM_ACTIONS_PER_RULE = 20

NOWHERE = frozenset({"user", "today", "now"})


def compile_rules(definitions: Sequence["RuleDefinition"], context: AppContext, problems: Problems) -> CompiledRules:
    """Compile all rules of an app; what is wrong is added to the problems."""
    rules: dict[str, CompiledRule] = {}
    for place, written in enumerate(definitions):
        rule = compile_rule(written, place, context, problems, ROOT / "rules" / place)
        if rule is not None:
            rules[rule.id] = rule
    _count(rules, problems)
    return CompiledRules(rules)


@dataclass(frozen=True)
class _Parts:
    """What a rule looks for, and what it does."""

    when: Any
    condition: Any
    then: tuple[CompiledAction, ...]
    otherwise: tuple[CompiledAction, ...]

    @property
    def actions(self) -> tuple[CompiledAction, ...]:
        return (*self.then, *self.otherwise)


def compile_rule(
    written: "RuleDefinition", place: int, context: AppContext, problems: Problems, path: Path
) -> CompiledRule | None:
    """Compile one rule; None where its form is unknown."""
    trigger: TriggerType = context.kinds.triggers.get(written.when.trigger)
    form = context.form_ids.get(written.when.form) if written.when.form else None
    if trigger.stands_in or (written.when.form and form is None):
        return None  # it rests, or the check of references has said so
    known = len(problems)
    own = ActionContext(context, _scope(context, form), problems, path, form)
    rows = trigger.row_form(written.when, own.at("when"))
    if rows is not None:
        own = own.within(_scope(context, rows, form))
    parts = _parts(written, trigger, own)
    early = is_early(written, trigger, parts.actions)
    _refuse_contradictions(written, trigger, form, parts.actions, own)
    if early:
        _refuse_late_totals({"if": parts.condition, "then": parts.then, "else": parts.otherwise}, own)
    if len(problems) > known or any(action.kind.stands_in for action in parts.actions):
        return None
    rule = _rule(written, place, trigger, parts)
    return replace(rule, form=form, early=early, rows=getattr(parts.when, "rows", None) if rows is not None else None)


def _parts(written: "RuleDefinition", trigger: TriggerType, own: ActionContext) -> _Parts:
    return _Parts(
        when=trigger.compile(written.when, own.at("when")),
        condition=compile_condition(written.if_, own, "if"),
        then=compile_actions(written.then, own.at("then")),
        otherwise=compile_actions(written.else_, own.at("else")),
    )


def _rule(written: "RuleDefinition", place: int, trigger: TriggerType, parts: _Parts) -> CompiledRule:
    return CompiledRule(
        id=written.key,
        name=written.name,
        title=written.caption,
        definition=written,
        place=place,
        form=None,
        trigger=trigger,
        when=parts.when,
        condition=parts.condition,
        then=parts.then,
        otherwise=parts.otherwise,
        in_job=written.async_,
        as_user=written.as_ == "user",
        group=written.group,
    )


def is_early(written: Any, trigger: TriggerType, actions: tuple[CompiledAction, ...]) -> bool:
    """Whether a rule runs before the write: it looks at saves, and only sets its own record or refuses."""
    saves = trigger.source == "record" and trigger.operations != frozenset({"derived"})
    return saves and not written.async_ and bool(actions) and all(action.kind.early for action in actions)


def _scope(context: AppContext, form: str | None, record_form: str | None = None) -> Scope:
    if form is None:
        return Scope(context.names, "", NOWHERE)
    return Scope(context.names, form, RULE_ROOTS, record_form)


def _refuse_contradictions(
    written: "RuleDefinition",
    trigger: TriggerType,
    form: str | None,
    actions: tuple[CompiledAction, ...],
    context: ActionContext,
) -> None:
    if not actions:
        message = {"en": "The rule does nothing", "zh": "规则没有任何动作"}
        context.add("no_actions", message, "then", hint={"en": "Give it an action", "zh": "请添加动作"})
    if len(actions) > MAXIMUM_ACTIONS_PER_RULE:
        most = MAXIMUM_ACTIONS_PER_RULE
        message = {"en": f"A rule has at most {most} actions", "zh": f"每条规则最多 {most} 个动作"}
        context.add("limit_exceeded", message, "then")
    kinds = [action.kind for action in actions]
    if any(kind.refuses for kind in kinds) and (trigger.source != "record" or written.async_):
        message = {"en": "Only a rule that looks while saving can refuse", "zh": "只有在保存时执行的规则才能拒绝"}
        context.add("nothing_to_refuse", message, "then")
    if form is None and any(kind.needs_record for kind in kinds):
        message = {"en": "This rule has no record to act on", "zh": "该规则没有可操作的记录"}
        hint = {"en": "Give the trigger a “form”", "zh": "请在触发器中填写 form"}
        context.add("no_record", message, "when", hint=hint)
    if trigger.operations == frozenset({"delete"}) and any(kind.changes_record for kind in kinds):
        message = {"en": "A deleted record cannot be changed", "zh": "已删除的记录不能再修改"}
        context.add("record_deleted", message, "then")


def _refuse_late_totals(parts: Mapping[str, Any], context: ActionContext) -> None:
    """A rule that runs within the save knows no totals that are only worked out after it."""
    for place, part in parts.items():
        if any(reads_one_of(each, context.app.late) for each in expressions_in(part)):
            message = {
                "en": "This reads a roll-up that is worked out a moment after the save, too late for this rule",
                "zh": "此处读取的汇总在保存之后才计算，该规则执行时尚未得出",
            }
            hint = {
                "en": "Use the trigger rollup_changed, or make the rule “async”",
                "zh": "请使用触发器 rollup_changed，或将规则设为 async",
            }
            context.add("late_total", message, place, hint=hint)


def _count(rules: dict[str, CompiledRule], problems: Problems) -> None:
    for form, count in Counter(rule.form for rule in rules.values() if rule.form).items():
        if count > MAXIMUM_RULES_PER_FORM:
            message = {
                "en": f"A form has at most {MAXIMUM_RULES_PER_FORM} rules",
                "zh": f"每个表单最多 {MAXIMUM_RULES_PER_FORM} 条规则",
            }
            limit = {"name": "rules_per_form", "max": MAXIMUM_RULES_PER_FORM, "actual": count, "form": form}
            problems.add(ROOT / "rules", "limit_exceeded", message, limit=limit)
