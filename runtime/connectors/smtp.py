"""Mail by SMTP: one recipient at a time, plain text, a subject of one line, the same Message-ID on each try."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from urllib.parse import urlsplit

from metadata.problems import ROOT, Problem, Refusal
from runtime import outbound
from runtime.connector_type import ConnectorType
from runtime.settings import Settings

LONGEST_SUBJECT = 200
LARGEST_MAIL = 5_000_000  # bytes (L46)


class MailRefused(Refusal):
    """The mail cannot be sent to this address, now or later."""

    code = "mail_refused"
    title = {"en": "The mail cannot be delivered", "zh": "邮件无法投递"}
    is_permanent = True


class NoMailServer(MailRefused):
    """The operator has named no mail server; trying again changes nothing until he does."""

    code = "no_mail_server"
    title = {"en": "No mail server is set (FOURFOLD_SMTP_HOST)", "zh": "未配置邮件服务器（FOURFOLD_SMTP_HOST）"}


@dataclass(frozen=True)
class Mail:
    """One mail to one address."""

    message_id: str
    sender: str
    to: str
    subject: str
    body: str

    @classmethod
    def of(cls, key: str, payload: Mapping[str, Any], settings: Settings) -> "Mail":
        """The mail of a job; its id is made from the job's key, so that repeats can be told."""
        host = urlsplit(settings.address).hostname or "localhost"
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        sender = settings.mail_from or settings.smtp_user or f"fourfold@{host}"
        return cls(f"<{name}@{host}>", sender, payload["to"], payload["subject"], payload["body"])

    def as_message(self) -> EmailMessage:
        """The message with its headers; nothing that anybody wrote can add a header to it."""
        message = EmailMessage(policy=SMTP)
        message["Message-ID"] = self.message_id
        message["From"] = _address(self.sender)
        message["To"] = _address(self.to)
        message["Subject"] = " ".join(self.subject.split())[:LONGEST_SUBJECT]
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.body.replace("\x00", ""))
        if (size := len(message.as_bytes())) > LARGEST_MAIL:
            raise _too_large(size)
        return message


class Smtp(ConnectorType):
    """The mail server that the operator named."""

    name = "smtp"
    title = {"en": "Mail (SMTP)", "zh": "邮件（SMTP）"}
    icon = "mail"

    def send(self, settings: Settings, message: Mail) -> None:
        send(settings, message)


def send(settings: Settings, mail: Mail) -> None:
    """Send one mail; a refusal of the address itself is final, all else is tried again later."""
    message = mail.as_message()
    if not settings.smtp_host:
        raise NoMailServer(Problem(ROOT, "no_mail_server", NoMailServer.title))
    server = outbound.open_smtp(settings)
    try:
        server.send_message(message, _bare(mail.sender), [mail.to])
    except Exception as error:
        for code, reason in getattr(error, "recipients", {}).values():
            if 500 <= code < 600:
                raise _refused(mail.to, reason) from error
        raise
    finally:
        server.close()


def _address(text: str) -> Address:
    try:
        return Address(display_name=_display_name(text), addr_spec=_bare(text))
    except Exception:
        raise _refused(text, b"not an address") from None


def _bare(text: str) -> str:
    """The address in "Name <address>", or the text itself."""
    return text[text.rindex("<") + 1 : text.rindex(">")] if text.endswith(">") and "<" in text else text


def _display_name(text: str) -> str:
    return text[: text.rindex("<")].strip().strip('"') if text.endswith(">") and "<" in text else ""


def _too_large(size: int) -> MailRefused:
    message = {
        "en": f"The mail has {size:,} bytes; at most {LARGEST_MAIL:,} can be sent",
        "zh": f"邮件大小为 {size:,} 字节，最多可发送 {LARGEST_MAIL:,} 字节",
    }
    limit = {"name": "mail", "max": LARGEST_MAIL, "actual": size}
    return MailRefused(Problem(ROOT, "limit_exceeded", message, limit=limit))


def _refused(to: str, reason: bytes) -> MailRefused:
    why = reason.decode("utf-8", "replace")[:200]
    message = {"en": f"{to[:100]} does not take the mail: {why}", "zh": f"{to[:100]} 拒收邮件：{why}"}
    return MailRefused(Problem(ROOT, "mail_refused", message))
