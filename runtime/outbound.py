"""The one door to the outside: every address is looked up, checked and then used, for HTTP and for mail (S10)."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore2
import httpx2

from metadata.problems import ROOT, Problem, Refusal
from runtime.settings import Settings

CONNECT_SECONDS, TOTAL_SECONDS = 3.0, 10.0
LARGEST_ANSWER = 1_000_000
PORTS = {"http": 80, "https": 443}
NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address
LookUp = Callable[[str, int], list[str]]


class AddressRefused(Refusal):
    """The address is inside the house, or is none."""

    status = 422
    code = "address_refused"
    title = {"en": "This address may not be reached from here", "zh": "不允许访问该地址"}


def look_up(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refused(host, {"en": f"There is no host {host}", "zh": f"找不到主机 {host}"}) from None
    return [str(entry[4][0]).split("%")[0] for entry in found]


def checked_address(host: str, port: int, allowed: Sequence[str] = (), ask: LookUp = look_up) -> str:
    """Give the address to connect to; refused unless every address of the name is public or explicitly allowed."""
    found = ask(host, port)
    for address in found:
        if not is_open(ip_address(address), allowed):
            text = {
                "en": f"{host} lies inside the network of this server",
                "zh": f"{host} 位于服务器所在的内部网络",
            }
            raise _refused(host, text)
    return found[0]


def is_open(address: Address, allowed: Iterable[str] = ()) -> bool:
    """Tell whether the address, whatever it is wrapped in, is public or in an allowed network."""
    real = unwrapped(address)
    if any(real in ip_network(network) for network in allowed):
        return True
    return real.is_global and not real.is_multicast and not real.is_reserved


def unwrapped(address: Address) -> Address:
    """Give the IPv4 address that hides in an IPv6 one (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, IPv4Address):
        return address
    if address.teredo:
        return address.teredo[1]
    if isinstance(NAT64, IPv6Network) and address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


# --- HTTP ---


class CheckedNetwork(httpcore2.NetworkBackend):
    """Connects below TLS to the address that was checked, so that name and certificate still belong together."""

    def __init__(self, allowed: Sequence[str], ask: LookUp = look_up) -> None:
        self._allowed, self._ask = allowed, ask
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore2.NetworkStream:
        address = checked_address(host, port, self._allowed, self._ask)
        return self._network.connect_tcp(address, port, timeout, local_address, socket_options)

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        raise _refused("unix", {"en": "Sockets of this machine may not be reached", "zh": "不允许访问本机套接字"})


def http_client(settings: Settings, ask: LookUp = look_up) -> httpx2.Client:
    """Give the one HTTP client: no proxies of the environment, no redirects, checked addresses, short patience."""
    transport = httpx2.HTTPTransport(trust_env=False)
    transport._pool = httpcore2.ConnectionPool(
        ssl_context=ssl.create_default_context(), network_backend=CheckedNetwork(settings.outbound_allow, ask)
    )
    timeout = httpx2.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS)
    return httpx2.Client(transport=transport, trust_env=False, follow_redirects=False, timeout=timeout)


def request(
    client: httpx2.Client, method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes = b""
) -> tuple[int, bytes]:
    """Send one request and read no more of the answer than is good for us."""
    check_url(url)
    with client.stream(method, url, headers=headers, content=content) as response:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise _refused(url, {"en": "The answer is larger than 1 MB", "zh": "响应超过 1 MB"})
        return response.status_code, bytes(body)


def check_url(url: str) -> None:
    """Refuse an address that is not plain http or https on its own port, or that carries a password."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise _refused(url, {"en": "This is not a web address", "zh": "不是有效的网址"}) from None
    if parsed.scheme not in PORTS or not parsed.host or parsed.userinfo:
        raise _refused(
            url, {"en": "Only http and https addresses without a password", "zh": "仅支持不含密码的 http/https 网址"}
        )
    if (parsed.port or PORTS[parsed.scheme]) not in PORTS.values():
        raise _refused(url, {"en": "Only the ports 80 and 443", "zh": "仅支持 80 和 443 端口"})


# --- mail ---


def open_smtp(settings: Settings, ask: LookUp = look_up) -> smtplib.SMTP:
    """Connect and sign in to the mail server that the operator named; naming it allows its address."""
    if not settings.smtp_host:
        text = {"en": "No mail server is set (FOURFOLD_SMTP_HOST)", "zh": "未配置邮件服务器（FOURFOLD_SMTP_HOST）"}
        raise _refused("smtp", text)
    address = ask(settings.smtp_host, settings.smtp_port)[0]
    context = ssl.create_default_context()
    kind = _TlsMail if settings.smtp_security == "tls" else _PlainMail
    server = kind(settings.smtp_host, settings.smtp_port, address, context)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except Exception:
        server.close()
        raise
    return server


class _PlainMail(smtplib.SMTP):
    """Speaks to the address that was looked up, under the server's own name."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        self._address, self._context = address, context
        super().__init__(host, port, timeout=TOTAL_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # smtplib's own hook
        return socket.create_connection((self._address, port), timeout)


class _TlsMail(_PlainMail):
    """The same, encrypted from the first byte on."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


def _refused(what: str, message: dict[str, str]) -> AddressRefused:
    return AddressRefused(Problem(ROOT, "address_refused", message), address=what[:200])
