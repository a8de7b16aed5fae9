"""The text of a web page, fetched so that no page leads the workbench into the network that it stands in.

The name of a host is looked up here, once, and the connection goes to the very address that was checked: a name that
means another address a moment later gains nothing. Proxies are not used, since they would look names up themselves.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from workbench.agents.grounding.reading import convert_document
from workbench.errors import UnreadableDocument

Resolver = Callable[[str], Sequence[str]]
"""Looks up the addresses of a host; it may block, and raises `OSError` where there are none."""

MAX_REDIRECTS = 5

_CONNECT_TIMEOUT = 5.0  # for one of a host's addresses, so that a dead one leaves time for the next
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
}
_HEADERS = (
    ("User-Agent", "persona-workbench"),
    ("Accept", ", ".join(_SUFFIXES)),
    ("Accept-Encoding", "identity"),
)
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = {301, 302, 303, 307, 308}
_UNICAST, _NAT64 = IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class _Page:
    """What a server answered."""

    body: bytes
    kind: str
    charset: str


@dataclass(frozen=True)
class _Redirect:
    """Where a server sends us."""

    location: str


class _PrivateAddress(Exception):
    """A host is not in the public internet."""


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that it looked up and checked itself."""

    def __init__(self, resolve: Resolver, tcp: httpcore.AsyncNetworkBackend, allow_private: bool) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._tcp = tcp

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that answers."""
        failure: Exception = OSError("it has no address")
        for address in await self._addresses(host):
            try:
                return await self._tcp.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str) -> Sequence[str]:
        addresses = await asyncio.to_thread(self._resolve, host)
        private = next((a for a in addresses if not is_public(a)), None)
        if private is None or self._allow_private:
            return addresses
        where = f"{host} is" if host == private else f"{host} is at {private},"
        raise _PrivateAddress(
            f"{where} not a public address, and is refused: allow_private=True fetches it, if you trust the page"
        )


async def fetch_page(
    url: str,
    *,
    allow_private: bool = False,
    max_bytes: int = 10_000_000,
    timeout: float = 20.0,
    resolve: Resolver | None = None,
    tcp: httpcore.AsyncNetworkBackend | None = None,
) -> str:
    """Return the text of a web page, as Markdown where it is HTML.

    Args:
        url: http or https, to HTML, plain text, Markdown or PDF.
        allow_private: whether it may be on this machine or in its network.
        max_bytes: a larger page is refused.
        timeout: seconds until the page is here, redirects included; its conversion has a limit of its own.
        resolve: looks up the addresses of a host; the system's way where it is `None`.
        tcp: connects to an address that was checked; for tests, where no public address is at hand.

    Raises:
        UnreadableDocument: it cannot be had or read, or is refused; the message says why.
    """
    backend = _CheckedBackend(resolve or _look_up, tcp or httpcore.AnyIOBackend(), allow_private)
    hops = [url]
    async with _failures(hops, timeout), httpcore.AsyncConnectionPool(network_backend=backend) as pool:
        page = await _follow(pool, hops, max_bytes)
    suffix = _SUFFIXES[page.kind]
    return await asyncio.to_thread(convert_document, page.body, suffix, _told(hops), charset=page.charset)


async def _follow(pool: httpcore.AsyncConnectionPool, hops: list[str], max_bytes: int) -> _Page:
    """Return the page at the end of the redirects, which are added to `hops`."""
    while True:
        answer = await _get(pool, hops, max_bytes)
        if isinstance(answer, _Page):
            return answer
        if len(hops) > MAX_REDIRECTS:
            raise UnreadableDocument(f"{_told(hops)}: redirects more than {MAX_REDIRECTS} times: check the address")
        hops.append(_joined(hops, answer.location))


def _joined(hops: list[str], location: str) -> str:
    try:
        return urljoin(hops[-1], location)
    except ValueError as error:  # it may quote a password
        raise UnreadableDocument(f"{_told(hops)}: redirects to what is no web address: check the address") from error


async def _get(pool: httpcore.AsyncConnectionPool, hops: list[str], max_bytes: int) -> _Page | _Redirect:
    url, host = _parsed(hops)
    timeouts = {"timeout": {"connect": _CONNECT_TIMEOUT}}
    async with pool.stream("GET", url, headers=[("Host", host), *_HEADERS], extensions=timeouts) as response:
        headers = {name.lower(): value.decode("utf-8", "replace") for name, value in reversed(response.headers)}
        if response.status in _REDIRECTS and b"location" in headers:
            return _Redirect(headers[b"location"])
        kind, charset = _checked(response.status, headers, _told(hops))
        return _Page(await _body(response, max_bytes, _told(hops)), kind, charset)


def _checked(status: int, headers: dict[bytes, str], name: str) -> tuple[str, str]:
    """Return the kind of an answer and its charset; refuse what is no page."""
    if not 200 <= status < 300:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        raise UnreadableDocument(
            f"{name}: the server answers {' '.join(f'{status} {phrase}'.split())}: check the address, or save the page "
            "with a browser and use the file"
        )
    if (coding := headers.get(b"content-encoding", "identity").strip().lower()) not in ("identity", ""):
        raise UnreadableDocument(
            f"{name}: is sent compressed ({coding[:50]!r}), though we asked for it plain: save it with a browser and "
            "use the file"
        )
    said = Message()
    said["Content-Type"] = headers.get(b"content-type", "")
    kind = said.get_content_type() if said["Content-Type"] else "of no kind that it names"
    if kind not in _SUFFIXES:
        raise UnreadableDocument(f"{name}: is {kind[:100]}: {', '.join(_SUFFIXES)} are read")
    return kind, said.get_content_charset() or ""


async def _body(response: httpcore.Response, max_bytes: int, name: str) -> bytes:
    body = bytearray()
    async for piece in response.aiter_stream():
        body += piece
        if len(body) > max_bytes:
            raise UnreadableDocument(f"{name}: is larger than {max_bytes:,} bytes: save the part you need as a file")
    return bytes(body)


@asynccontextmanager
async def _failures(hops: list[str], timeout: float) -> AsyncIterator[None]:
    """Turn what goes wrong on the way to a page into an error that names it."""
    try:
        async with asyncio.timeout(timeout):
            yield
    except UnreadableDocument:
        raise
    except _PrivateAddress as error:
        raise UnreadableDocument(f"{_told(hops)}: {error}") from error
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise UnreadableDocument(f"{_told(hops)}: is not here after {timeout:g} seconds: try again later") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnreadableDocument(f"{_told(hops)}: cannot be fetched ({said}): check the address") from error


def _parsed(hops: list[str]) -> tuple[httpcore.URL, str]:
    """Return the last address in the parts that a request needs, and its host as a header; refuse what is no page."""
    name = _told(hops)
    try:
        parts = urlsplit(hops[-1])
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except ValueError as error:  # it may quote a password
        raise UnreadableDocument(
            f"{name}: is no web address: it begins with http:// or https://, then a host"
        ) from error
    if parts.scheme not in _PORTS:
        raise UnreadableDocument(f"{name}: is not fetched: only http:// and https:// are; for a file, give its path")
    if "@" in parts.netloc:
        raise UnreadableDocument(f"{name}: has a user name or password in it: only open pages are fetched")
    if not host:
        raise UnreadableDocument(f"{name}: is no web address: it has no host")
    target = quote(f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}", safe="/?%:@!$&'()*+,;=~[]|")
    header = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return httpcore.URL(scheme=parts.scheme, host=host, port=port or _PORTS[parts.scheme], target=target), header


def _told(hops: list[str]) -> str:
    """Return how messages call a page, without passwords."""
    first, last = (re.sub(r"//[^/?#]*@", "//", url)[:300] for url in (hops[0], hops[-1]))
    return first if len(hops) == 1 else f"{first} (redirected to {last})"


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Return whether an address is in the public internet, itself and by the IPv4 address that it may stand for."""
    ip = _inner(ip_address(address))
    if isinstance(ip, IPv6Address) and ip not in _UNICAST:
        return False
    return ip.is_global and not ip.is_multicast


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
