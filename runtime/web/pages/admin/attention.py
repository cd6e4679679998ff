"""What needs attention: failed jobs, paused rules, missed schedules and stuck flows, each with what can be done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData

from metadata.problems import Refusal, Refused
from runtime.flows import instances, progress
from runtime.jobs import resting
from runtime.rules import attention, missed, pausing
from runtime.transaction import Tx
from runtime.web.deps import CheckedForm
from runtime.web.pages.navigation import live_apps
from runtime.web.pages.page import Page, SignedInOnly, safe_path

router = APIRouter(include_in_schema=False, prefix="/attention")

HERE = "/attention"
KEEPER, OPERATOR = "app_admin", "ops"


@router.get("")
def needs_attention(page: SignedInOnly) -> Response:
    """Everything that cannot go on by itself, as far as it is this person's to see."""
    _require(page, KEEPER, OPERATOR)
    return _page(page)


@router.post("/jobs/retry")
def retry_job(page: SignedInOnly, form: CheckedForm) -> Response:
    key = str(form.get("key", ""))
    return _do(page, KEEPER, form, lambda tx: resting.retry(tx, key), page.word("It will be tried again"))


@router.post("/jobs/retry-all")
def retry_all_jobs(page: SignedInOnly, form: CheckedForm) -> Response:
    return _do(page, KEEPER, form, resting.retry_all, page.word("It will be tried again"))


@router.post("/jobs/discard")
def discard_job(page: SignedInOnly, form: CheckedForm) -> Response:
    key = str(form.get("key", ""))
    return _do(page, KEEPER, form, lambda tx: resting.discard(tx, key), page.word("It is given up"))


@router.post("/rules/{app}/{rule}/pause")
def pause_rule(page: SignedInOnly, form: CheckedForm, app: str, rule: str) -> Response:
    reason = str(form.get("reason", ""))
    return _do(page, KEEPER, form, lambda tx: pausing.pause(tx, app, rule, reason), page.word("The rule is paused"))


@router.post("/rules/{app}/{rule}/resume")
def resume_rule(page: SignedInOnly, form: CheckedForm, app: str, rule: str) -> Response:
    return _do(page, KEEPER, form, lambda tx: pausing.resume(tx, app, rule), page.word("The rule goes on"))


@router.post("/rules/{app}/{rule}/discard")
def discard_waiting(page: SignedInOnly, form: CheckedForm, app: str, rule: str) -> Response:
    return _do(page, KEEPER, form, lambda tx: resting.discard_held(tx, app, rule), page.word("It is given up"))


@router.post("/missed")
def put_aside(page: SignedInOnly, form: CheckedForm) -> Response:
    return _do(page, KEEPER, form, missed.put_aside, page.word("Saved"))


@router.post("/flows/{app}/{instance:int}/retry")
def retry_flow(page: SignedInOnly, form: CheckedForm, app: str, instance: int) -> Response:
    def work(tx: Tx) -> str:
        return instances.retry(tx, tx.services.apps.live(tx, app), instance)

    return _do(page, OPERATOR, form, work, page.word("It will be tried again"))


def pauses_of(page: Page, tx: Tx, app: str) -> dict[str, dict[str, Any]]:
    """The paused rules of an app by id, as pages about rules tell of them."""
    zone = ZoneInfo(page.actor.time_zone or tx.settings.time_zone)
    return {each.pause.rule: _rule(each, zone) for each in attention.standing_rules(tx, app)}


def _do(page: Page, right: str, form: FormData, work: Callable[[Tx], Any], said: str) -> Response:
    """Do it and come back; what is not possible any more is said on the page."""
    _require(page, right)
    try:
        page.visit.once_of_form(form, work)
    except Refusal as refusal:
        return _page(page, refusal.status, problems=page.problems(refusal))
    return page.go(safe_path(str(form.get("back") or HERE)), said)


def _require(page: Page, *rights: str) -> None:
    if not page.actor.rights.intersection(rights):
        raise Refused()


def _page(page: Page, status: int = 200, **more: Any) -> Response:
    with page.visit.read() as tx:
        zone = ZoneInfo(page.actor.time_zone or tx.settings.time_zone)
        sections: dict[str, Any] = {"jobs": [], "rules": [], "missed": [], "flows": []}
        if KEEPER in page.actor.rights:
            sections |= _for_keepers(tx, zone)
        if OPERATOR in page.actor.rights:
            sections["flows"] = [each for app in live_apps(tx) for each in _stuck(tx, page, app, zone)]
        return page.show(tx, "pages/admin/attention.html", status, **sections, **more)


def _for_keepers(tx: Tx, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "jobs": [_job(tx, each, zone) for each in attention.failed_jobs(tx)],
        "rules": [_rule(each, zone) for each in attention.standing_rules(tx)],
        "missed": [
            {
                "title": title,
                "count": each.count,
                "caught_up": each.caught_up,
                "first": each.first.astimezone(zone),
                "last": each.last.astimezone(zone),
            }
            for each, title in attention.missed_schedules(tx)
        ],
    }


def _job(tx: Tx, job: attention.FailedJob, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "key": job.key,
        "title": job.title,
        "rule": job.rule_title,
        "label": job.label,
        "href": _address(tx, job),
        "to": job.to,
        "attempt": job.attempt,
        "error": job.error,
        "hidden": job.hidden,
        "at": _in(zone, job.finished_at or job.created_at),
    }


def _address(tx: Tx, job: attention.FailedJob) -> str:
    if job.record is None or job.app is None or job.form is None:
        return ""
    return f"/apps/{job.app}/forms/{tx.services.apps.live(tx, job.app).form(job.form).name}/{job.record}"


def _rule(rule: attention.Standing, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "title": rule.title,
        "href": f"/attention/rules/{rule.pause.app}/{rule.pause.rule}",
        "since": _in(zone, rule.pause.since),
        "by": rule.by,
        "reason": rule.reason,
        "waiting": rule.waiting,
    }


def _stuck(tx: Tx, page: Page, app: Any, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The flows that cannot go on, with the reason; nothing of their records."""
    return [
        {
            "title": f"{page.say(app.title)} · {each.title}",
            "href": f"/attention/flows/{app.name}/{each.id}/retry",
            "since": _in(zone, each.started_at),
            "initiator": each.initiator.name if each.initiator else "",
            "reasons": [f"{node}: {why}" for node, why in each.incidents],
        }
        for each in progress.incidents(tx, app)
    ]


def _in(zone: ZoneInfo, moment: datetime) -> datetime:
    return moment.astimezone(zone)
