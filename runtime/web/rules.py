"""JSON for rules: in words, what they did and why, why one did not act, and the jobs that failed for good."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from engines.compiled import CompiledApp
from engines.json_values import moment_text
from engines.rules import CompiledRule, sentence_of
from metadata.problems import ROOT, NotFound, Problem, nearest
from metadata.text import say
from runtime import reading, resting_jobs, traces
from runtime.idempotency import Answer
from runtime.question import no_form, no_record
from runtime.transaction import Tx
from runtime.web.answers import JsonResponse
from runtime.web.deps import AppAdmin, SignedIn
from runtime.web.incoming import id_or

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
        items = [_rule(compiled, rule, visit.language) for rule in compiled.rules]
    return JsonResponse({"items": items}, headers=NOT_KEPT)


@router.get("/apps/{app}/rules/{rule}/traces")
def rule_traces(app: str, rule: str, visit: AppAdmin) -> Response:
    """The last times a rule acted, with the records that I may read."""
    with visit.read() as tx:
        compiled = tx.services.apps.live(tx, app)
        items = traces.of_rule(tx, compiled, _named(compiled, rule).id)
    return JsonResponse({"items": items}, headers=NOT_KEPT)


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
        items = [_job(tx, row) for row in resting_jobs.dead_letters(tx.connection)]
        found = {"items": items, "counts": resting_jobs.counts(tx.connection)}
    return JsonResponse(found, headers=NOT_KEPT)


@router.post("/jobs/{key:path}/retry")
def retry_job(key: str, visit: AppAdmin) -> Response:
    """Give a dead job another round of attempts."""

    def work(tx: Tx) -> Answer:
        resting_jobs.retry(tx, key)
        return Answer({"key": key, "state": "queued"})

    return visit.once(work)  # type: ignore[no-any-return]


@router.post("/jobs/{key:path}/discard")
def discard_job(key: str, visit: AppAdmin) -> Response:
    """Give a dead job up."""

    def work(tx: Tx) -> Answer:
        resting_jobs.discard(tx, key)
        return Answer({"key": key, "state": "discarded"})

    return visit.once(work)  # type: ignore[no-any-return]


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


def _job(tx: Tx, row: Mapping[str, Any]) -> dict[str, Any]:
    payload = row["payload"]
    may_read = _may_read(tx, payload)
    return {
        "key": row["key"],
        "kind": row["kind"],
        "attempt": row["attempt"],
        "error": row["last_error"] if may_read else None,
        "hidden": not may_read,
        "app": payload.get("app"),
        "rule": payload.get("rule"),
        "form": payload.get("form"),
        "record": str(payload["record"]) if payload.get("record") and may_read else None,
        "to": payload.get("to") if may_read else None,
        "created_at": moment_text(row["created_at"]),
        "finished_at": moment_text(row["finished_at"]) if row["finished_at"] else None,
    }


def _may_read(tx: Tx, payload: Mapping[str, Any]) -> bool:
    """Whether the record that a job is about may be read; a job about none may be seen."""
    app, form, record = payload.get("app"), payload.get("form"), payload.get("record")
    if not (app and form and record):
        return True
    try:
        return record in reading.readable_ids(tx, tx.services.apps.live(tx, app), form, [record])
    except NotFound:
        return False


def _form(tx: Tx, app: CompiledApp, form: str, record: int) -> str:
    """The id of the form, if the record may be read; else there is nothing."""
    compiled = app.form(form)
    if compiled.parent is not None:
        raise no_form(form)
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
