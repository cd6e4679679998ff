"""What rules say to an event: pure, with a trace of who looked and what each term was worth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from engines.action_type import CompiledAction, Occasion, execute_actions
from engines.compiled import EarlyAnswer
from engines.effects import ByRule, Effect, Later, Refuse, SetFields
from engines.events import MomentCame, RecordChanged
from engines.expressions import Environment
from engines.facts import Facts, Needs
from engines.rules.compiled import CompiledRule, CompiledRules, Outcome, Runs
from engines.rules.condition import explain, holds
from engines.rules.trace import RuleOutcome, RuleTrace
from engines.rules.trigger_type import Change, Look

NOTHING_RAN: Runs = MappingProxyType({})
MOST_RUNS = 3  # of one rule on one record in one transaction (L35)


@dataclass(frozen=True)
class Verdict:
    """One rule's answer: its trace, and what it asks for."""

    trace: RuleTrace
    effects: tuple[Effect, ...] = ()

    @property
    def ran(self) -> bool:
        return self.trace.outcome in ("fired", "else", "queued", "refused")


def execute(
    rules: CompiledRules, event: RecordChanged | MomentCame, facts: Facts, runs: Runs = NOTHING_RAN
) -> Outcome | Needs:
    """What follows from a save that has been written, or from a moment that has come.

    `runs` counts what ran in this transaction. What comes before a save is written is asked of `early`.
    """
    return _moment(rules, event, facts) if isinstance(event, MomentCame) else _late(rules, event, facts, runs)


def early(rules: CompiledRules, event: RecordChanged, facts: Facts) -> EarlyAnswer | Needs:
    """Run the early rules of a form once, in their order; each sees what the ones before it set."""
    effects: list[SetFields | Refuse] = []
    traces: list[RuleTrace] = []
    decided: set[str] = set()
    for rule in rules.record_rules.get((event.form, True), ()):
        verdict = _judge(rule, event, facts, decided)
        if isinstance(verdict, Needs):
            return verdict
        traces.extend([verdict.trace] if verdict.trace.is_told else [])
        for effect in verdict.effects:
            assert isinstance(effect, SetFields | Refuse)
            effects.append(effect)
            event = _with_fields(event, effect) if isinstance(effect, SetFields) else event
    return EarlyAnswer(tuple(effects), tuple(traces))


def _late(rules: CompiledRules, event: RecordChanged, facts: Facts, runs: Runs) -> Outcome | Needs:
    """Ask the late rules of a form; lacking facts are gathered over all of them."""
    effects: list[Effect] = []
    traces: list[RuleTrace] = []
    ran: list[tuple[str, int]] = []
    needs, decided = Needs(), set[str]()
    for rule in rules.record_rules.get((event.form, False), ()):
        verdict = _judge(rule, event, facts, decided, runs.get((rule.id, event.record), 0))
        if isinstance(verdict, Needs):
            needs |= verdict
            continue
        if verdict.trace.is_told:
            traces.append(verdict.trace)
        if verdict.ran:
            ran.append((rule.id, event.record))
        if verdict.effects:
            effects.append(ByRule(rule.id, rule.name, verdict.effects, rule.as_user))
    if needs:
        return needs
    effects.extend(_missed_moments(rules, event, facts))
    return Outcome(tuple(effects), tuple(traces), tuple(ran))


def _moment(rules: CompiledRules, event: MomentCame, facts: Facts) -> Outcome | Needs:
    """Ask the one rule whose moment has come; the record is as it is now."""
    rule = rules.rules.get(event.rule)
    if rule is None or not rule.enabled or (rule.form is not None and event.after is None):
        return Outcome()
    occasion = Occasion(
        app=facts.app,
        form=rule.form,
        record_id=event.record,
        record=event.after or {},
        facts=facts,
        key=f"{rule.id}:{event.record or ''}:{event.occurrence}",
        row=event.row,
    )
    verdict = _act(rule, occasion, Look(True), rule.trigger.name)
    if isinstance(verdict, Needs):
        return verdict
    if not verdict.trace.is_told:
        return Outcome()
    effects = (ByRule(rule.id, rule.name, verdict.effects, False),) if verdict.effects else ()
    return Outcome(effects, (verdict.trace,), ((rule.id, event.record or 0),))


def _judge(
    rule: CompiledRule,
    event: RecordChanged,
    facts: Facts,
    decided: set[str],
    runs: int = 0,
) -> Verdict | Needs:
    """What one rule says to a change of a record; `decided` holds the groups in which a rule has won already."""
    change = _change(event, facts)
    look = rule.trigger.looks(rule.when, change)
    if isinstance(look, Needs):
        return look
    if not look.fires:
        return Verdict(_trace(rule, event, "not_concerned", look))
    if rule.group is not None and rule.group in decided:
        reason = {"en": "another rule of its group came first", "zh": "同组的另一条规则已先执行"}
        return Verdict(replace(_trace(rule, event, "not_concerned", look), reason=reason))
    if runs and (rests := _rests(rule, event, change, look, runs)) is not None:
        return rests
    occasion = _occasion(rule, event, facts, runs)
    verdict = _act(rule, occasion, look, event.operation)
    if rule.group is not None and isinstance(verdict, Verdict) and verdict.trace.outcome in ("fired", "queued"):
        decided.add(rule.group)
    return verdict


def _rests(rule: CompiledRule, event: RecordChanged, change: Change, look: Look, runs: int) -> Verdict | Needs | None:
    """Why a rule that ran on the record already does not run again; None where something crossed anew."""
    again = _crosses_anew(rule, change)
    if isinstance(again, Needs):
        return again
    if not again:
        reason = {"en": "it ran already and nothing crossed anew", "zh": "已执行过，且条件没有重新成立"}
        return Verdict(replace(_trace(rule, event, "not_concerned", look), reason=reason))
    if runs >= MOST_RUNS:
        reason = {
            "en": f"it ran {MOST_RUNS} times on this record already",
            "zh": f"已在此记录上执行 {MOST_RUNS} 次",
        }
        return Verdict(replace(_trace(rule, event, "skipped", look), reason=reason))
    return None


def why(rule: CompiledRule, event: RecordChanged | MomentCame, facts: Facts) -> RuleTrace | Needs:
    """Evaluate an event again for one rule, with every term, whatever came of it; nothing is done."""
    if isinstance(event, MomentCame):
        environment = Environment(record=event.after or {}, facts=facts, row=event.row)
        held = holds(rule.condition, environment)
        if isinstance(held, Needs):
            return held
        terms = explain(rule.condition, environment)
        return RuleTrace(rule.id, rule.name, "fired" if held else "condition_false", terms, event="moment")
    change = _change(event, facts)
    look = rule.trigger.looks(rule.when, change)
    held = holds(rule.condition, change.now)
    if isinstance(look, Needs) or isinstance(held, Needs):
        return (look if isinstance(look, Needs) else Needs()) | (held if isinstance(held, Needs) else Needs())
    terms = (*look.terms, *explain(rule.condition, change.now))
    outcome = ("fired" if held else "condition_false") if look.fires else "not_concerned"
    return replace(_trace(rule, event, outcome, look), terms=terms)


def _act(rule: CompiledRule, occasion: Occasion, look: Look, event: str) -> Verdict | Needs:
    """Decide by the condition and ask the actions of that branch."""
    held = holds(rule.condition, occasion.environment)
    if isinstance(held, Needs):
        return held
    branch, name = (rule.then, "then") if held else (rule.otherwise, "else")
    trace = RuleTrace(rule.id, rule.name, "condition_false", look.terms, event=event, form=occasion.form)
    trace = replace(trace, record=occasion.record_id)
    if not branch:
        return Verdict(trace)
    effects = execute_actions(branch, replace(occasion, key=f"{occasion.key}:{name}", place=f"{rule.id}:{name}"))
    if isinstance(effects, Needs):
        return effects
    refused = any(isinstance(effect, Refuse) for effect in effects)
    outcome: RuleOutcome = "refused" if refused else "queued" if rule.in_job else "fired" if held else "else"
    terms = (*look.terms, *explain(rule.condition, occasion.environment, held))
    told = replace(trace, outcome=outcome, terms=terms, actions=_names(branch))
    if not rule.in_job:
        return Verdict(told, tuple(effects))
    return Verdict(told, (Later(f"{occasion.key}:{name}", tuple(effects)),) if effects else ())


def _missed_moments(rules: CompiledRules, event: RecordChanged, facts: Facts) -> list[Effect]:
    """Date rules whose moment is past already when the date is set, though the date is still ahead."""
    effects: list[Effect] = []
    change = _change(event, facts)
    for rule in rules.swept_of(event.form):
        for row, value in rule.trigger.missed(rule.when, change, facts.now, facts.zone):
            occurrence = occurrence_of(row, value)
            details = {"rule": rule.id, "form": event.form, "record": event.record, "row": row, "at": occurrence}
            effects.append(Later(f"{rule.id}:{event.record}:{occurrence}", (), details=details))
    return effects


def occurrence_of(row: int | None, value: Any) -> str:
    """What makes a moment happen once: the value it counts from, with the row it stands in."""
    return f"{row}:{value.isoformat()}" if row is not None else str(value.isoformat())


def _crosses_anew(rule: CompiledRule, change: Change) -> bool | Needs:
    """Whether a rule may run again in the same transaction: its trigger crosses by itself, or its condition does."""
    if rule.trigger.crosses:
        return True
    if rule.condition is None or change.before is None:
        return False
    before = holds(rule.condition, change.before)
    return before if isinstance(before, Needs) else not before


def _change(event: RecordChanged, facts: Facts) -> Change:
    now = Environment(record=event.after or event.before or {}, facts=facts, old=event.before)
    before = Environment(record=event.before, facts=facts, old=event.before) if event.before is not None else None
    return Change(event, now, before)


def _occasion(rule: CompiledRule, event: RecordChanged, facts: Facts, runs: int) -> Occasion:
    key = f"{rule.id}:{event.record}" + (f":{runs}" if runs else "")
    record: Mapping[str, Any] = event.after or event.before or {}
    return Occasion(facts.app, event.form, event.record, record, facts, key, old=event.before)


def _with_fields(event: RecordChanged, effect: SetFields) -> RecordChanged:
    return replace(event, after={**(event.after or {}), **effect.values}, changed=event.changed | set(effect.values))


def _trace(rule: CompiledRule, event: RecordChanged, outcome: Any, look: Look) -> RuleTrace:
    return RuleTrace(
        rule.id, rule.name, outcome, look.terms, event=event.operation, form=event.form, record=event.record
    )


def _names(actions: tuple[CompiledAction, ...]) -> tuple[str, ...]:
    return tuple(action.kind.name for action in actions)
