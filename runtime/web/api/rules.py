"""JSON for rules: in words, what they did and why, why one did not act, and the jobs that failed for good."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from engines.compiled import CompiledApp
from engines.json_values import moment_text
from engines.rules import CompiledRule, sentence_of
from metadata.problems import ROOT, NotFound, Problem, nearest
from metadata.text import say
from runtime import reading
from runtime.idempotency import Answer
from runtime.jobs import resting
from runtime.reading.refusals import no_form, no_record
from runtime.rules import attention, pausing, traces
from runtime.rules.attention import FailedJob, Standing
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.deps import AppAdmin, JsonBody, SignedIn
from runtime.web.incoming import id_or, known_keys, text_of
from runtime.web.visit import Visit

router = APIRouter(prefix="/api/v1", tags=["rules"])

NOT_KEPT = {"Cache-Control": "no-store"}
RECORD = "/apps/{app}/forms/{form}/records/{id}"


class WhyParameters(BaseModel):
    """Which rule, and which change of the record (the last one, unless `seq` says otherwise)."""

    model_config = ConfigDict(extra="forbid")

    rule: str = Field(max_length=48)
    seq: int | None = Field(default=None, ge=1, le=2**31 - 1)


@router.get("/apps/{app}/rules")
def list_rules(app: str, visit: AppAdmin) -> Response:
    """The rules of an app in words, in their order."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        paused = {each.pause.rule: _pause(each) for each in attention.standing_rules(tx, app)}
        items = [{**_rule(compiled, each, visit.language), "paused": paused.get(each.id)} for each in compiled.rules]
    return JsonResponse({"items": items}, headers=NOT_KEPT)


@router.get("/apps/{app}/rules/{rule}/traces")
def rule_traces(app: str, rule: str, visit: AppAdmin) -> Response:
    """The last times a rule acted, with the records that I may read."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        items = traces.of_rule(tx, compiled, _named(compiled, rule).id)
    return JsonResponse({"items": items}, headers=NOT_KEPT)


@router.post("/apps/{app}/rules/{rule}/pause")
def pause_rule(app: str, rule: str, visit: AppAdmin, body: JsonBody) -> Response:
    """Let a rule stand still until it is resumed; `reason` is for the others."""
    reason = text_of(known_keys(body, ("reason",)), "reason")
    return _with_rule(visit, app, rule, lambda tx, id: pausing.pause(tx, app, id, reason))


@router.post("/apps/{app}/rules/{rule}/resume")
def resume_rule(app: str, rule: str, visit: AppAdmin, body: JsonBody) -> Response:
    """Let a rule go on, with the jobs that waited for it."""
    known_keys(body, ())
    return _with_rule(visit, app, rule, lambda tx, id: pausing.resume(tx, app, id))


@router.post("/apps/{app}/rules/{rule}/discard")
def discard_jobs(app: str, rule: str, visit: AppAdmin, body: JsonBody) -> Response:
    """Give up the jobs that wait for a paused rule."""
    known_keys(body, ())
    return _with_rule(visit, app, rule, lambda tx, id: resting.discard_held(tx, app, id))


@router.get(RECORD + "/traces")
def record_traces(app: str, form: str, id: str, visit: SignedIn) -> Response:
    """What rules did about a record and why: the chain of what caused what, newest first."""
    number = id_or(id, no_record())
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        items = traces.of_record(tx, compiled, _form(tx, compiled, form, number), number)
    return JsonResponse({"items": items}, headers=NOT_KEPT)


@router.get(RECORD + "/why-not")
def why_not(app: str, form: str, id: str, visit: SignedIn, asked: Annotated[WhyParameters, Query()]) -> Response:
    """Why a rule did or did not act on a change of a record: evaluated again, nothing is done."""
    number = id_or(id, no_record())
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        form_id = _form(tx, compiled, form, number)
        rule = _named(compiled, asked.rule)
        if rule.form != form_id:
            raise _no_rule(asked.rule, [each.name for each in compiled.rules if each.form == form_id])
        answer = traces.why_not(tx, compiled, rule, form_id, number, asked.seq)
        found = traces.show(tx, compiled, answer, visit.language)
    return JsonResponse(found, headers=NOT_KEPT)


# --- jobs ---


@router.get("/jobs/dead")
def dead_jobs(visit: AppAdmin) -> Response:
    """The jobs that failed for good; what is about records that I may not read stays hidden."""
    with visit.read() as tx:
        items = [_job(each) for each in attention.failed_jobs(tx)]
        found = {"items": items, "counts": resting.counts(tx.connection)}
    return JsonResponse(found, headers=NOT_KEPT)


@router.post("/jobs/{key:path}/retry")
def retry_job(key: str, visit: AppAdmin) -> Response:
    """Give a dead job another round of attempts."""

    def work(tx: Tx) -> Answer:
        resting.retry(tx, key)
        return Answer({"key": key, "state": "queued"})

    return visit.once(work)


@router.post("/jobs/{key:path}/discard")
def discard_job(key: str, visit: AppAdmin) -> Response:
    """Give a dead job up."""

    def work(tx: Tx) -> Answer:
        resting.discard(tx, key)
        return Answer({"key": key, "state": "discarded"})

    return visit.once(work)


def _with_rule(visit: Visit, app: str, name: str, act: Callable[[Tx, str], Any]) -> Response:
    """Do something with a rule, by name or id, and tell how it stands then."""

    def work(tx: Tx) -> Answer:
        compiled = tx.services.apps.live(tx, app)
        rule = _named(compiled, name)
        act(tx, rule.id)
        paused = {each.pause.rule: _pause(each) for each in attention.standing_rules(tx, app)}
        return Answer({**_rule(compiled, rule, visit.language), "paused": paused.get(rule.id)})

    return visit.once(work)


def _rule(app: CompiledApp, rule: CompiledRule, language: str) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "title": say(rule.title, language),
        "enabled": rule.enabled,
        "trigger": rule.trigger.name,
        "runs": _runs(rule),
        "group": rule.group,
        "sentence": sentence_of(app, rule, language),
    }


def _runs(rule: CompiledRule) -> str:
    """When in the order of a save a rule runs: before the write, after it, in a job, or by the clock."""
    if rule.trigger.source != "record":
        return "clock"
    return "early" if rule.early else "job" if rule.in_job else "late"


def _job(found: FailedJob) -> dict[str, Any]:
    return {
        "key": found.key,
        "kind": found.kind,
        "attempt": found.attempt,
        "error": found.error,
        "hidden": found.hidden,
        "app": found.app,
        "rule": found.rule,
        "rule_title": found.rule_title or None,
        "form": found.form,
        "record": str(found.record) if found.record is not None else None,
        "label": found.label,
        "to": found.to,
        "created_at": moment_text(found.created_at),
        "finished_at": moment_text(found.finished_at) if found.finished_at else None,
    }


def _pause(found: Standing) -> dict[str, Any]:
    return {
        "since": moment_text(found.pause.since),
        "by": found.by or None,
        "reason": found.reason,
        "waiting": found.waiting,
    }


def _form(tx: Tx, app: CompiledApp, form: str, record: int) -> str:
    """The id of the form, if the record may be read; else there is nothing."""
    compiled = app.form(form)
    if compiled.parent is not None:
        raise no_form()
    reading.get(tx, app, form, record, fields=())
    return compiled.id


def _named(app: CompiledApp, name: str) -> CompiledRule:
    for rule in app.rules:
        if name in (rule.name, rule.id):
            return rule
    raise _no_rule(name, [rule.name for rule in app.rules])


def _no_rule(name: str, known: list[str]) -> NotFound:
    message = {"en": f"There is no rule “{name}” here", "zh": f"此处没有规则“{name}”"}
    return NotFound(Problem(ROOT, "not_found", message, nearest(name, known)))
