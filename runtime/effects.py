"""The one gate through which engines change the world: each class of effect has one small function here.

A dry run puts another gate in its place (`tx.notes["gate"]`), and nothing happens.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from engines import effects as wanted
from engines.actor import Actor, system
from engines.compiled import CompiledApp
from engines.effects import Effect
from metadata.problems import ROOT, Invalid, LimitExceeded, Problem, Refusal
from metadata.text import Text, say
from runtime import jobs, notifications
from runtime.db import tables
from runtime.effect_json import VERSION, write_effects
from runtime.jobs import timers, turnstiles

if TYPE_CHECKING:
    from runtime.transaction import Tx

ASKED_BY = "asked_by"
MAILS_OF_RUN = "mails of this run"

Gate = Callable[["Tx", CompiledApp, Effect], None]


def perform(tx: "Tx", app: CompiledApp, effects: Iterable[Effect]) -> None:
    """Do what an engine asked for, in order; the first refusal stops it, and with it the transaction."""
    gate: Gate = tx.notes.get("gate", do)
    for effect in effects:
        gate(tx, app, effect)


def do(tx: "Tx", app: CompiledApp, effect: Effect) -> None:
    """Do one thing."""
    PERFORMERS[type(effect)](tx, app, effect)


def set_fields(tx: "Tx", app: CompiledApp, effect: wanted.SetFields | wanted.UpdateRecord) -> None:
    from runtime import records

    tx.budget.spend_action()
    records.save(tx, app, effect.form, effect.record, {}, typed=effect.values, check_version=False)


def create_record(tx: "Tx", app: CompiledApp, effect: wanted.CreateRecord) -> None:
    from runtime import records

    tx.budget.spend_action()
    records.save(tx, app, effect.form, None, {}, typed=effect.values, check_version=False)


def delete_record(tx: "Tx", app: CompiledApp, effect: wanted.DeleteRecord) -> None:
    from runtime import records

    tx.budget.spend_action()
    records.delete(tx, app, effect.form, effect.record, check_version=False)


def assign_owner(tx: "Tx", app: CompiledApp, effect: wanted.AssignOwner) -> None:
    from runtime import records

    tx.budget.spend_action()
    owner = effect.owner if effect.rotation is None else _next_in_turn(tx, app.name, effect.rotation, effect.candidates)
    records.save(tx, app, effect.form, effect.record, {}, typed={"owner": owner}, check_version=False)


def refuse(tx: "Tx", app: CompiledApp, effect: wanted.Refuse) -> None:
    raise Invalid(Problem(ROOT, "refused_by_rule", effect.message))


def notify(tx: "Tx", app: CompiledApp, effect: wanted.Notify) -> None:
    tx.budget.spend_action()
    notifications.put(tx, app.name, effect)


def send_mail(tx: "Tx", app: CompiledApp, effect: wanted.SendMail) -> None:
    """One job for each recipient, so that a bad address does not hold up the others."""
    tx.budget.spend_action()
    for to in dict.fromkeys(effect.to):
        person = tx.organisation.people.get(to) if isinstance(to, int) else None
        address = person.email if person is not None else to
        if not isinstance(address, str) or not address:
            continue
        language = person.language if person is not None else tx.settings.language
        mail = {"to": address, "subject": say(effect.subject, language), "body": say(effect.body, language)}
        about = {"app": app.name, "form": effect.form, "record": effect.record, **_by(tx)}
        number = tx.notes[MAILS_OF_RUN] = tx.notes.get(MAILS_OF_RUN, -1) + 1
        minutes = number // turnstiles.MAILS_OF_A_RUN_AT_ONCE
        jobs.enqueue(tx, "mail", _key(tx, "mail"), {"v": VERSION, **about, **mail}, minutes * turnstiles.MINUTE)


def start_flow(tx: "Tx", app: CompiledApp, effect: wanted.StartFlow) -> None:
    from runtime.flows import instances

    tx.budget.spend_action()
    instances.start(tx, app, effect.flow, effect.form, effect.record)


def set_timer(tx: "Tx", app: CompiledApp, effect: wanted.SetTimer) -> None:
    payload = {"app": app.name, "instance": effect.instance, "key": effect.key}
    timers.set_timer(tx, f"flow:{effect.instance}:{effect.key}", "flow_timer", effect.due, payload)


def cancel_timers(tx: "Tx", app: CompiledApp, effect: wanted.CancelTimers) -> None:
    if effect.key is None:
        timers.cancel_all(tx, f"flow:{effect.instance}:")
    else:
        timers.cancel(tx, f"flow:{effect.instance}:{effect.key}")


def later(tx: "Tx", app: CompiledApp, effect: wanted.Later) -> None:
    """Put the effects into a job of their own; a missed moment becomes the job that its sweep would have made."""
    from runtime.rules import sweeps

    if "rule" in effect.details:
        sweeps.fire_missed(tx, app, effect.details)
        return
    by = _by(tx)
    if by and not jobs.has_room(tx, app.name, by["rule"]):
        return
    payload = {"v": VERSION, "app": app.name, "effects": write_effects(effect.effects), **by}
    if not tx.actor.is_system:
        payload["member"] = tx.actor.member  # a rule in user mode: his rights are asked again when the job runs
    jobs.enqueue(tx, "effects", f"{tx.cause.id}:{effect.key}", payload, effect.delay_seconds)


def by_rule(tx: "Tx", app: CompiledApp, effect: wanted.ByRule) -> None:
    """Do what a rule asks for, as the platform or as the acting user; a failure says which rule it was."""
    actor = tx.actor if effect.as_user else system(f"rule:{effect.rule}")
    with acting_as(tx, actor), _named(tx, effect), tx.budget.deeper():
        perform(tx, app, effect.effects)


def of_flows(tx: "Tx", app: CompiledApp, effect: Effect) -> None:
    """Tasks and instances belong to the flows."""
    from runtime.flows import steps

    steps.perform(tx, app, effect)


PERFORMERS: Mapping[type, Callable[["Tx", CompiledApp, Any], None]] = {
    wanted.SetFields: set_fields,
    wanted.UpdateRecord: set_fields,
    wanted.CreateRecord: create_record,
    wanted.DeleteRecord: delete_record,
    wanted.AssignOwner: assign_owner,
    wanted.Refuse: refuse,
    wanted.Notify: notify,
    wanted.SendMail: send_mail,
    wanted.StartFlow: start_flow,
    wanted.SetTimer: set_timer,
    wanted.CancelTimers: cancel_timers,
    wanted.OpenTask: of_flows,
    wanted.CloseTasks: of_flows,
    wanted.EndInstance: of_flows,
    wanted.Later: later,
    wanted.ByRule: by_rule,
}


@contextmanager
def acting_as(tx: "Tx", actor: Actor) -> Iterator[None]:
    """Do something as somebody else than who began the transaction."""
    before, tx.actor = tx.actor, actor
    tx.notes.setdefault(ASKED_BY, before)  # whoever set it off, however deep the rules go
    try:
        yield
    finally:
        tx.actor = before


@contextmanager
def _named(tx: "Tx", effect: wanted.ByRule) -> Iterator[None]:
    """Remember which rule acts; whatever refuses meanwhile carries the chain of rules."""
    chain: list[wanted.ByRule] = tx.notes.setdefault("rules", [])
    chain.append(effect)
    mails, tx.notes[MAILS_OF_RUN] = tx.notes.get(MAILS_OF_RUN, -1), -1
    try:
        yield
    except Refusal as refusal:
        if "rules" in refusal.extra:
            raise
        raise _told(refusal, tuple(each.name for each in chain)) from refusal
    finally:
        chain.pop()
        tx.notes[MAILS_OF_RUN] = mails


def _told(refusal: Refusal, chain: tuple[str, ...]) -> Refusal:
    """The same refusal, which also says which rule it was that could not be carried out."""
    if any(problem.code == "refused_by_rule" for problem in refusal.problems):
        refusal.extra["rules"] = chain
        return refusal
    way = " → ".join(chain)
    reason = refusal.problems[0].message if refusal.problems else refusal.detail
    problem = Problem(ROOT, "rule_failed", _failure(way, reason))
    problems = (problem, *refusal.problems[:10])
    if isinstance(refusal, LimitExceeded):
        return LimitExceeded(*problems, status=refusal.status, code=refusal.code, detail=problem.message, rules=chain)
    return Invalid(*problems, code="rule_failed", detail=problem.message, rules=chain)


def _failure(way: str, reason: Text) -> Text:
    return {
        "en": f"The rule “{way}” could not be carried out, so nothing was saved: {say(reason, 'en')}",
        "zh": f"规则“{way}”无法执行，未保存任何内容：{say(reason, 'zh')}",
    }


def _key(tx: "Tx", kind: str) -> str:
    """A key for the next job of this kind that this cause makes."""
    number = tx.notes.get(f"{kind}_number", 0)
    tx.notes[f"{kind}_number"] = number + 1
    return f"{tx.cause.id}:{kind}:{number}"


def _by(tx: "Tx") -> dict[str, Any]:
    chain = tx.notes.get("rules")
    return {"rule": chain[-1].rule} if chain else {}


def _next_in_turn(tx: "Tx", app: str, rotation: str, candidates: tuple[int, ...]) -> int:
    """Whose turn it is; the counter is locked until the commit, so that two saves never choose alike."""
    counter = tables.counter
    own = (counter.c.app == app) & (counter.c.field == rotation) & (counter.c.period == "")
    moved = update(counter).where(own).values(value=counter.c.value + 1)
    if tx.connection.execute(moved).rowcount == 0:
        tx.connection.execute(insert(counter).values(app=app, field=rotation, period="", value=0))
    value = tx.connection.scalar(select(counter.c.value).where(own)) or 0
    return candidates[value % len(candidates)]
