"""What each kind of job does: the closed list of what may happen after a commit."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from engines import rules
from engines.actor import system
from engines.compiled import CompiledApp
from engines.effects import ByRule
from engines.events import MomentCame
from engines.rules import Outcome
from runtime import effects, identity, storage
from runtime.connectors import smtp
from runtime.effect_json import read_effects
from runtime.facts import facts_of
from runtime.gathering import answered, completed
from runtime.identity import password_links
from runtime.jobs import turnstiles
from runtime.jobs.queue import Job, JobKind
from runtime.jobs.turnstiles import Turnstile
from runtime.rules import sweeps, traces
from runtime.settings import Settings
from runtime.totals import catching_up, nightly_check

if TYPE_CHECKING:
    from runtime.services import Services
    from runtime.transaction import Tx


def do_effects(tx: "Tx", job: Job) -> None:
    """Do what an async rule asked for; in user mode as the member who set it off, with the rights he has now."""
    app = tx.services.apps.live(tx, job.payload["app"])
    member = job.payload.get("member")
    actor = tx.actor if member is None else identity.actor_of(tx.organisation, member)
    asked = read_effects(job.payload["effects"])
    if job.rule is not None:
        rule = app.rules.rules.get(job.rule)
        asked = (ByRule(job.rule, rule.name if rule is not None else job.rule, asked, as_user=True),)
    with effects.acting_as(tx, actor):
        effects.perform(tx, app, asked)


def rule_moment(tx: "Tx", job: Job) -> None:
    """Ask a rule whose moment has come about the record as it is now, and do what it says."""
    app = tx.services.apps.live(tx, job.payload["app"])
    event = _moment(tx, app, job)
    if event is not None:
        _ask(tx, app, event)


def schedule(tx: "Tx", job: Job) -> None:
    """Run a scheduled rule: once, or, where it has a form, once for each record of it (each in a job of its own)."""
    app = tx.services.apps.live(tx, job.payload["app"])
    rule = app.rules.rules.get(job.payload["rule"])
    due = datetime.fromisoformat(job.payload["due"])
    if rule is None or not rule.enabled:
        return
    if rule.form is None:
        _ask(tx, app, MomentCame(rule.id, job.payload["due"], due))
        return
    found = [
        sweeps.Due(rule.id, rule.form, record, None, job.payload["due"], due)
        for record in sweeps.records_of(tx, app, rule)
    ]
    sweeps.fire(tx, app, found)


def flow_timer(tx: "Tx", job: Job) -> None:
    """Wake a flow instance whose wait or deadline is over."""
    from runtime.flows import instances

    app = tx.services.apps.live(tx, job.payload["app"])
    instances.fire(tx, app, job.payload["instance"], job.payload["key"])


def mail(services: "Services", job: Job) -> None:
    """Send one mail to one address, under an id that stays the same however often it is tried."""
    smtp.send(services.settings, smtp.Mail.of(job.key, job.payload, services.settings))


def of_the_rule(job: Job, _settings: Settings) -> Iterable[Turnstile]:
    """A rule acts so many times a minute (L38)."""
    if job.app and job.rule:
        yield turnstiles.of_rule(job.app, job.rule)


def of_mails(job: Job, settings: Settings) -> Iterable[Turnstile]:
    """So many mails an hour by one member, so many a minute in all (L45)."""
    if (member := job.payload.get("by")) is not None:
        yield turnstiles.of_mails_by(member)
    yield turnstiles.of_mails(settings.mails_per_minute)


JOB_KINDS: Mapping[str, JobKind] = {
    "effects": JobKind("inside", do_effects, acts=True, turnstiles=of_the_rule),
    "moment": JobKind("inside", rule_moment, acts=True, turnstiles=of_the_rule),
    "schedule": JobKind("inside", schedule, acts=True, turnstiles=of_the_rule),
    "flow_timer": JobKind("inside", flow_timer),
    "late_totals": JobKind("outside", catching_up.settle),
    "check_totals": JobKind("outside", nightly_check.check),
    "password_link": JobKind("outside", password_links.send, turnstiles=of_mails),
    "mail": JobKind("outside", mail, turnstiles=of_mails),
}


def _ask(tx: "Tx", app: CompiledApp, event: MomentCame) -> None:
    facts = replace(facts_of(tx, app), actor=system(f"rule:{event.rule}"))
    outcome: Outcome
    outcome, _ = answered(tx, app, lambda known: rules.execute(app.rules, event, known), facts)
    traces.note(tx, app, outcome.trace)
    effects.perform(tx, app, outcome.effects)


def _moment(tx: "Tx", app: CompiledApp, job: Job) -> MomentCame | None:
    """The event with the record and the row as they are now; None where one of them is gone."""
    payload = job.payload
    rule = app.rules.rules.get(payload["rule"])
    form = app.forms.get(payload["form"])
    if rule is None or form is None:
        return None
    record = storage.load(tx, app, form, [payload["record"]]).get(payload["record"])
    if record is None or record.get("deleted_at") is not None:
        return None
    (whole,) = completed(tx, app, form.id, [record])
    row = None
    if payload["row"] is not None and rule.rows is not None:
        row = next((each for each in whole.get(rule.rows) or () if each["id"] == payload["row"]), None)
        if row is None:
            return None
    due = datetime.fromisoformat(payload["due"])
    return MomentCame(rule.id, payload["occurrence"], due, form.id, payload["record"], whole, row)
