"""Nothing inside the house is reached from here, however its address is written."""

import socket
import threading
from email.message import EmailMessage
from ipaddress import ip_address

import httpx2
import pytest
from aiosmtpd.controller import Controller

from runtime.outbound import AddressRefused, check_url, checked_address, http_client, is_open, open_smtp, request
from runtime.settings import Settings

INSIDE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "ff02::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_of_the_house_are_closed(address: str) -> None:
    assert not is_open(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_open(address: str) -> None:
    assert is_open(ip_address(address))


def test_a_name_with_one_inner_address_is_refused() -> None:
    with pytest.raises(AddressRefused, match="inside the network"):
        checked_address("mixed.example", 443, (), lambda host, port: ["93.184.215.14", "10.0.0.1"])


def test_what_the_operator_allows_is_reached() -> None:
    assert checked_address("erp.example", 443, ("10.1.0.0/16",), lambda host, port: ["10.1.2.3"]) == "10.1.2.3"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "http://user:pass@example.com/",
        "http://example.com:8080/",
        "gopher://example.com",
        "//example.com",
        "http://",
        "nonsense",
    ],
)
def test_only_plain_web_addresses_are_tried(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_the_client_itself_refuses_to_connect(host: str) -> None:
    with http_client(Settings(_env_file=None)) as client, pytest.raises((AddressRefused, httpx2.HTTPError)):
        request(client, "GET", f"http://{host}/")


def test_mail_goes_to_the_server_that_the_operator_named() -> None:
    received: list[str] = []
    arrived = threading.Event()

    class Inbox:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802
            received.append(envelope.content.decode())  # type: ignore[attr-defined]
            arrived.set()
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        settings = Settings(_env_file=None, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none")
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = "Offer", "crm@example.com", "ada@example.com"
        mail.set_content("The offer is ready.")
        with open_smtp(settings) as server:
            server.send_message(mail)
        assert arrived.wait(5)
    finally:
        controller.stop()

    assert "The offer is ready." in received[0]


def test_without_a_mail_server_the_reason_is_said() -> None:
    with pytest.raises(AddressRefused, match="FOURFOLD_SMTP_HOST"):
        open_smtp(Settings(_env_file=None))
