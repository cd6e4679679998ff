"""Links to set a password: asked for by who forgot his, or made for a new member; mailed, or shown once (T70, L59)."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Row, select

from engines.actor import system
from metadata.problems import ROOT, Conflict, Problem
from metadata.text import say
from runtime import audit, jobs, organisation, transaction
from runtime.connectors import smtp
from runtime.db import tables
from runtime.identity import sign_in_delays, tickets
from runtime.jobs import Job
from runtime.organisation import members
from runtime.settings import Settings
from runtime.transaction import Tx

if TYPE_CHECKING:
    from runtime.services import Services

PER_ACCOUNT, PER_ADDRESS, WINDOW = 3, 10, timedelta(hours=1)
PURPOSES = ("reset", "invite")

SUBJECTS = {
    "reset": {"en": "A new password for Fourfold", "zh": "重置 Fourfold 密码"},
    "invite": {"en": "Your account at Fourfold", "zh": "您的 Fourfold 账号"},
}
BODIES = {
    "reset": {
        "en": "Hello {name},\n\nsomebody asked for a new password for you at {place}. Choose it here within 30 minutes:"
        "\n\n{link}\n\nIf it was not you, you need do nothing: your password stays as it is.\n",
        "zh": "{name}，您好：\n\n有人在 {place} 申请重置您的密码。请在 30 分钟内打开以下链接设置新密码："
        "\n\n{link}\n\n如果不是您本人操作，请忽略本邮件，您的密码不会改变。\n",
    },
    "invite": {
        "en": "Hello {name},\n\nyou have been added at {place}. Choose your password here within 7 days:\n\n{link}\n",
        "zh": "{name}，您好：\n\n您已被添加到 {place}。请在 7 天内打开以下链接设置密码：\n\n{link}\n",
    },
}


def ask(tx: Tx, email: str, address: str) -> None:
    """Have a link mailed to an address, if it is a member's; what is done here is the same if it is nobody's."""
    email = organisation.normal_email(email)[:320]
    asked = {f"reset:{hashlib.sha256(email.encode()).hexdigest()}": PER_ACCOUNT, f"reset-from:{address}": PER_ADDRESS}
    if any(sign_in_delays.tries(tx.connection, who, tx.now - WINDOW)[0] >= most for who, most in asked.items()):
        return
    sign_in_delays.remember(tx, tuple(asked), WINDOW)
    if tx.settings.smtp_host:
        jobs.enqueue(tx, "password_link", f"{tx.cause.id}:password_link", {"email": email, "purpose": "reset"})


def make(tx: Tx, member: int) -> str:
    """Make a link for a member, which an administrator hands over; it is shown this once."""
    purpose = _purpose(tx, member)
    audit.note(tx, "password_link_made", kind="member", object=member, detail={"purpose": purpose})
    return _link(tx.settings, tickets.issue(tx, member, purpose))


def mail(tx: Tx, member: int) -> None:
    """Have a link mailed to a member."""
    if not tx.settings.smtp_host:
        raise Conflict(Problem(ROOT, "no_mail_server", smtp.NoMailServer.title))
    purpose, email = _purpose(tx, member), tx.organisation.people[member].email
    audit.note(tx, "password_link_mailed", kind="member", object=member, detail={"purpose": purpose})
    jobs.enqueue(tx, "password_link", f"{tx.cause.id}:link:{member}", {"email": email, "purpose": purpose})


def send(services: "Services", job: Job) -> None:
    """The job: make the ticket and mail it to the member's own address; its token is in the mail and nowhere else."""
    purpose: str = job.payload["purpose"]

    def issue(tx: Tx) -> tuple[Row, str] | None:
        wanted = (tables.member.c.email == job.payload["email"]) & tables.member.c.active
        found = tx.connection.execute(select(tables.member).where(wanted)).one_or_none()
        if found is None:
            return None
        audit.note(tx, "password_link_sent", kind="member", object=found.id, detail={"purpose": purpose})
        return found, tickets.issue(tx, found.id, purpose)

    made = transaction.run(services, system("job:password_link"), issue, job.own_cause)
    if made is not None:
        smtp.send(services.settings, smtp.Mail.of(job.key, _mail(services.settings, *made, purpose), services.settings))


def complete(tx: Tx, token: str, password: str, address: str) -> None:
    """Set the password with a link: the link is used up, every session of the member ends."""
    ticket = tickets.use(tx, token, PURPOSES)
    person = tx.organisation.people.get(ticket.member)
    if person is None or not person.active:
        raise tickets.TicketOver()
    members.set_password(tx, person.id, password)
    sign_in_delays.forget_failures(tx, person.email, address)
    detail = {"purpose": ticket.purpose, "from": address}
    audit.note(tx, "password_reset", kind="member", object=person.id, detail=detail)


def _purpose(tx: Tx, member: int) -> str:
    """Who has no password yet is invited, with a week's time; whoever has one gets half an hour."""
    row = tx.connection.execute(select(tables.member).where(tables.member.c.id == member)).one_or_none()
    if row is None:
        raise organisation.no_such("member", member)
    if not row.active:
        message = {"en": "This member may not sign in", "zh": "该成员已停用"}
        raise Conflict(Problem(ROOT, "member_inactive", message))
    return "reset" if row.password_hash else "invite"


def _mail(settings: Settings, found: Row, token: str, purpose: str) -> Mapping[str, str]:
    words = {"name": found.name, "place": settings.address, "link": _link(settings, token)}
    body = say(BODIES[purpose], found.language).format(**words)
    return {"to": found.email, "subject": say(SUBJECTS[purpose], found.language), "body": body}


def _link(settings: Settings, token: str) -> str:
    """The address in the link is the configured one, whatever a request says of itself."""
    return f"{settings.address}/password?token={token}"
