"""The audit trail as a page: who did what to what, for auditors."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response

from engines.json_values import id_in
from engines.organisation import Organisation
from runtime.audit import trail
from runtime.audit.trail import Wanted
from runtime.db.engine import write_json
from runtime.transaction import Tx
from runtime.web.deps import Auditor
from runtime.web.pages.page import Page, page_of

router = APIRouter(include_in_schema=False)

ACTIONS = {
    "sign_in": {"en": "Signed in", "zh": "登录"},
    "sign_out": {"en": "Signed out", "zh": "退出登录"},
    "elevate": {"en": "Confirmed the password", "zh": "再次确认身份"},
    "second_factor": {"en": "Entered a code", "zh": "输入验证码"},
    "second_factor_on": {"en": "Turned the second factor on", "zh": "启用两步验证"},
    "second_factor_off": {"en": "Turned the second factor off", "zh": "关闭两步验证"},
    "recovery_code_used": {"en": "Used a recovery code", "zh": "使用恢复码"},
    "recovery_codes_renewed": {"en": "Made new recovery codes", "zh": "重新生成恢复码"},
    "session_revoked": {"en": "Ended a session", "zh": "结束会话"},
    "password_set": {"en": "Set a password", "zh": "设置密码"},
    "password_reset": {"en": "Set a password by a link", "zh": "通过链接设置密码"},
    "password_link_made": {"en": "Made a link for a password", "zh": "生成密码链接"},
    "password_link_mailed": {"en": "Had a link for a password mailed", "zh": "请求邮寄密码链接"},
    "password_link_sent": {"en": "Mailed a link for a password", "zh": "邮寄密码链接"},
    "key_created": {"en": "Created an API key", "zh": "创建 API 密钥"},
    "key_revoked": {"en": "Revoked an API key", "zh": "吊销 API 密钥"},
    "limit_hit": {"en": "Reached a limit", "zh": "触发限制"},
    "member_added": {"en": "Added a member", "zh": "添加成员"},
    "member_changed": {"en": "Changed a member", "zh": "修改成员"},
    "role_granted": {"en": "Gave a role", "zh": "授予角色"},
    "role_withdrawn": {"en": "Took a role away", "zh": "收回角色"},
    "department_added": {"en": "Added a department", "zh": "添加部门"},
    "department_changed": {"en": "Changed a department", "zh": "修改部门"},
    "department_closed": {"en": "Closed a department", "zh": "关闭部门"},
    "app_published": {"en": "Published an app", "zh": "发布应用"},
    "draft_changed": {"en": "Changed a draft", "zh": "修改草稿"},
    "draft_discarded": {"en": "Discarded a draft", "zh": "丢弃草稿"},
    "overwritten": {"en": "Overwrote without looking", "zh": "强制覆盖记录"},
    "file_downloaded": {"en": "Downloaded a file", "zh": "下载文件"},
    "reports_run": {"en": "Looked at reports", "zh": "查看报表"},
    "job_retried": {"en": "Retried a job", "zh": "重试任务"},
    "job_discarded": {"en": "Gave a job up", "zh": "放弃任务"},
    "rule_paused": {"en": "Paused a rule", "zh": "暂停规则"},
    "rule_resumed": {"en": "Let a rule go on", "zh": "恢复规则"},
    "audit_viewed": {"en": "Read the audit log", "zh": "查看审计日志"},
    "backed_up": {"en": "Made a backup", "zh": "创建备份"},
    "restored": {"en": "Restored a backup", "zh": "恢复备份"},
}

KINDS = {
    "member": {"en": "Member", "zh": "成员"},
    "session": {"en": "Session", "zh": "会话"},
    "api_key": {"en": "API key", "zh": "API 密钥"},
    "department": {"en": "Department", "zh": "部门"},
    "app": {"en": "App", "zh": "应用"},
    "draft": {"en": "Draft", "zh": "草稿"},
    "record": {"en": "Record", "zh": "记录"},
    "file": {"en": "File", "zh": "文件"},
    "report": {"en": "Report", "zh": "报表"},
    "rule": {"en": "Rule", "zh": "规则"},
    "job": {"en": "Job", "zh": "任务"},
    "audit": {"en": "Audit log", "zh": "审计日志"},
    "installation": {"en": "Installation", "zh": "系统"},
}
ACTOR_KINDS = {
    "system": {"en": "The system", "zh": "系统"},
    "public": {"en": "Nobody signed in", "zh": "未登录者"},
}


@router.get("/admin/audit")
def audit_log(visit: Auditor) -> Response:
    page, asked = page_of(visit), dict(visit.request.query_params)
    wanted = _wanted(asked, ZoneInfo(visit.actor.time_zone))

    def work(tx: Tx) -> dict[str, Any]:
        acts, before = trail.look(tx, wanted)
        people = sorted(tx.organisation.people.values(), key=lambda each: each.name)
        return {"acts": [_line(page, tx.organisation, each) for each in acts], "before": before, "people": people}

    context = visit.run(work)
    older = {**asked, "before": context["before"]} if context["before"] else None
    actions = sorted(((name, page.say(title)) for name, title in ACTIONS.items()), key=lambda each: each[1])
    with visit.read() as tx:
        return page.show(tx, "pages/admin/audit.html", asked=asked, older=older, actions=actions, **context)


def _wanted(asked: dict[str, str], zone: ZoneInfo) -> Wanted:
    """What the form asks for; days are those of the reader, and what makes no sense narrows nothing down."""
    first, last = _day(asked.get("since", "")), _day(asked.get("until", ""))
    return Wanted(
        action=asked.get("action") if asked.get("action") in ACTIONS else None,
        actor=id_in(asked.get("actor", "")),
        result="failed" if asked.get("failed") else None,
        since=datetime.combine(first, time(), zone) if first else None,
        until=datetime.combine(last + timedelta(days=1), time(), zone) if last else None,
        before=id_in(asked.get("before", "")),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9000 else None


def _line(page: Page, people: Organisation, act: dict[str, Any]) -> dict[str, Any]:
    """One act as the page draws it: who did what, to what, and the particulars as they are kept."""
    return {
        **act,
        "title": page.say(ACTIONS.get(act["action"], act["action"])),
        "who": page.say(ACTOR_KINDS.get(act["actor_kind"], act["actor_kind"])),
        "kind": page.say(KINDS.get(act["object"]["kind"], act["object"]["kind"] or "")),
        "about": _name(people, act["object"]["kind"], act["object"]["id"]),
        "particulars": write_json(act["detail"]) if act["detail"] else "",
        "failed": act["result"] != "ok",
    }


def _name(people: Organisation, kind: str | None, id: str | None) -> str:
    """How the object is called, where it has a name that everybody knows; else what it is filed under."""
    known: Mapping[int, Any] = {"member": people.people, "department": people.departments}.get(kind or "", {})
    found = known.get(id_in(id or "") or 0)
    return found.name if found is not None else id or ""
