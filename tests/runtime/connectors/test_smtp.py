"""Mail against a real SMTP server of our own: what arrives, what is tried again, what is final."""

import email
import email.header
import socket
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from metadata.problems import Refusal
from runtime import jobs, records, transaction
from runtime.connectors import smtp
from runtime.connectors.smtp import Mail, MailRefused
from runtime.services import Services
from runtime.settings import Settings
from tests.runtime.conftest import MovedClock
from tests.runtime.trading import open_trading


class Catcher:
    """Takes mail, unless it was told what to answer to an address."""

    def __init__(self) -> None:
        self.caught: list[Message] = []
        self.recipients: list[str] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.caught.append(email.message_from_bytes(envelope.content))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def catcher() -> Iterator[tuple[Catcher, Settings]]:
    handler = Catcher()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings = Settings(
        _env_file=None,
        data_dir=Path("."),
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_security="none",
        mail_from="Fourfold <office@example.com>",
    )
    yield handler, settings
    controller.stop()


def mail(settings: Settings, key: str = "7:mail:0", **more: str) -> Mail:
    return Mail.of(key, {"to": "ann@example.com", "subject": "Won", "body": "恭喜 Ann", **more}, settings)


def test_a_mail_arrives_with_its_words_and_an_id_that_stays(catcher: tuple[Catcher, Settings]) -> None:
    handler, settings = catcher

    for _ in range(2):
        smtp.send(settings, mail(settings, subject="合同 won"))

    first, second = handler.caught
    assert first["Message-ID"] == second["Message-ID"] != mail(settings, "8:mail:0").message_id
    assert str(email.header.make_header(email.header.decode_header(first["Subject"]))) == "合同 won"
    assert first.get_payload(decode=True).decode().splitlines() == ["恭喜 Ann"]
    assert first["From"] == "Fourfold <office@example.com>"


@pytest.mark.parametrize("nasty", ["Won\r\nBcc: thief@example.com", "Won\nTo: x@example.com", "Won\x00\r\n\r\nbody"])
def test_nobody_can_write_a_header_into_a_subject(catcher: tuple[Catcher, Settings], nasty: str) -> None:
    handler, settings = catcher

    smtp.send(settings, mail(settings, subject=nasty))

    (caught,) = handler.caught
    assert caught["Bcc"] is None
    assert handler.recipients == ["ann@example.com"]
    assert caught.get_all("To") == ["ann@example.com"]


@pytest.mark.parametrize("address", ["a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "", "ann"])
def test_what_is_no_single_address_is_refused_for_good(catcher: tuple[Catcher, Settings], address: str) -> None:
    handler, settings = catcher

    with pytest.raises(MailRefused):
        smtp.send(settings, mail(settings, to=address))

    assert handler.caught == []


def test_a_refused_address_is_final_and_a_busy_one_is_not(catcher: tuple[Catcher, Settings]) -> None:
    handler, settings = catcher
    handler.answers = {"gone@example.com": "550 no such user", "busy@example.com": "451 try later"}

    with pytest.raises(MailRefused):
        smtp.send(settings, mail(settings, to="gone@example.com"))
    with pytest.raises(Exception, match="try later") as busy:
        smtp.send(settings, mail(settings, to="busy@example.com"))

    assert not getattr(busy.value, "is_permanent", False)


def test_a_mail_of_more_than_five_megabytes_is_refused_for_good() -> None:
    settings = Settings(_env_file=None, smtp_host="mail.example.com")
    room = smtp.LARGEST_MAIL - len(mail(settings, body="").as_message().as_bytes())
    line = "x" * 69 + "\n"
    fits, too_long = line * (room // 71 - 100), line * (room // 71 + 100)

    mail(settings, body=fits).as_message()
    with pytest.raises(smtp.MailRefused) as refused:
        mail(settings, body=too_long).as_message()

    assert refused.value.is_permanent
    assert refused.value.problems[0].code == "limit_exceeded"


def test_without_a_mail_server_it_says_so() -> None:
    settings = Settings(_env_file=None, data_dir=Path("."))

    with pytest.raises(Refusal, match="No mail server"):
        smtp.send(settings, mail(settings))


def test_a_rule_sends_its_mail_after_the_save(
    services: Services, clock: MovedClock, catcher: tuple[Catcher, Settings]
) -> None:
    handler, settings = catcher
    mailing = {"action": "mail", "to": {"role": "seller"}, "subject": "New: {{name}}", "text": "Look at it"}
    office = open_trading(services, clock, {"when": {"trigger": "created", "form": "deal"}, "then": [mailing]})
    named = {name: getattr(settings, name) for name in ("smtp_host", "smtp_port", "smtp_security", "mail_from")}
    services.settings = services.settings.model_copy(update=named)
    work = lambda tx: records.save(tx, office.app, "deal", None, {"name": "A"})  # noqa: E731

    transaction.run(services, office.actor("ann"), work)
    before = list(handler.recipients)
    jobs.run_due(services)

    assert before == []
    assert sorted(handler.recipients) == ["ann@example.com", "bo@example.com"]
    assert {mail["Subject"] for mail in handler.caught} == {"New: A"}
