"""A mail server that takes everything and remembers what came, repeats included."""

import email
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller

from tests.faults.server import free_port


class PostOffice:
    """Every mail that came, as (Message-ID, subject)."""

    def __init__(self) -> None:
        self.port = free_port()
        self.came: list[tuple[str, str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content)
        self.came.append((message["Message-ID"], message["Subject"]))
        return "250 OK"

    @property
    def settings(self) -> dict[str, str]:
        """How a server finds it."""
        return {
            "FOURFOLD_SMTP_HOST": "127.0.0.1",
            "FOURFOLD_SMTP_PORT": str(self.port),
            "FOURFOLD_SMTP_SECURITY": "none",
            "FOURFOLD_MAIL_FROM": "office@example.com",
        }


@contextmanager
def open_post_office() -> Iterator[PostOffice]:
    """Take mail as long as the block lasts."""
    office = PostOffice()
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()
