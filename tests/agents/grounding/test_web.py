import asyncio
import gzip
import time
from contextlib import asynccontextmanager

import httpcore
import pytest

from workbench.agents.grounding.web import fetch_page, is_public
from workbench.errors import UnreadableDocument

PUBLIC = "93.184.216.34"


def answer(body=b"", *, status="200 OK", kind="text/plain", **headers):
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"Content-Type: {kind}"] * bool(kind)
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(to):
    return answer(status="302 Found", kind="", Location=to)


@asynccontextmanager
async def serving(pages):
    """Serve raw answers by path on this machine; a page may be a coroutine function that writes by itself."""
    asked = []

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode())
        page = pages[head.split()[1].decode()]
        try:
            if callable(page):
                await page(writer)
            else:
                writer.write(page)
            await writer.drain()
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}", asked
    finally:
        server.close()


async def fetched(pages, path="/", **options):
    async with serving(pages) as (host, _):
        return await fetch_page(f"http://{host}{path}", allow_private=True, **options)


async def refused(url, **options):
    with pytest.raises(UnreadableDocument) as caught:
        await fetch_page(url, **options)
    return str(caught.value)


async def refused_page(page, **options):
    async with serving({"/": page}) as (host, _):
        return await refused(f"http://{host}/", allow_private=True, **options)


class PublicIsHere(httpcore.AnyIOBackend):
    """Connects to this machine where a public address is meant, and remembers where it was sent."""

    def __init__(self):
        self.reached = []

    async def connect_tcp(self, host, port, *rest):
        self.reached.append(host)
        return await super().connect_tcp("127.0.0.1" if host == PUBLIC else host, port, *rest)


@pytest.fixture
def tcp():
    return PublicIsHere()


def names(**hosts):
    """Resolve names from a table, which has an answer for each asking, as rebinding does."""
    answers = {name.replace("_", "."): iter(each) for name, each in hosts.items()}
    return lambda host: [next(answers[host])] if host in answers else [host]


# pages


async def test_plain_text_is_returned_as_it_is():
    assert await fetched({"/": answer("naïve".encode("latin-1"), kind="text/plain; charset=iso-8859-1")}) == "naïve"


async def test_a_web_page_is_markdown():
    pytest.importorskip("markitdown")
    page = answer("<title>x</title><body><h1>Tëa</h1><p>It is <b>cold</b>.".encode(), kind="text/html; charset=utf-8")
    assert await fetched({"/": page}) == "# Tëa\n\nIt is **cold**."


async def test_a_pdf_that_is_none_is_named_by_its_address():
    assert "/: is not what .pdf says" in await refused_page(answer(b"text", kind="application/pdf"))


async def test_redirects_are_followed_and_addresses_quoted():
    pages = {"/": redirect("/a b?q=é"), "/a%20b?q=%C3%A9": redirect("//{host}/end"), "/end": answer(b"here")}
    async with serving(pages) as (host, asked):
        pages["/a%20b?q=%C3%A9"] = redirect(f"//{host}/end#part")
        assert await fetch_page(f"http://{host}", allow_private=True) == "here"
    assert "accept-encoding: identity" in asked[0].lower()
    assert f"host: {host}" in asked[0].lower()


async def test_a_public_page_is_read_at_the_address_that_was_checked(tcp):
    async with serving({"/": answer(b"here")}) as (host, _):
        url = f"http://page.test:{host.partition(':')[2]}/"
        rebinding = names(page_test=[PUBLIC, "127.0.0.1"])
        assert await fetch_page(url, resolve=rebinding, tcp=tcp) == "here"
    assert tcp.reached == [PUBLIC]


# addresses that are refused


@pytest.mark.parametrize(
    "private",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:102:304:0:0:80ff:fffe",
        "198.18.0.1",
        "192.0.2.1",
    ],
)
def test_an_address_that_is_not_public_is_told(private):
    assert not is_public(private)


@pytest.mark.parametrize("public", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_told(public):
    assert is_public(public)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_this_machine_is_refused_however_it_is_written(host):
    assert "not a public address" in await refused(f"http://{host}:9/")


async def test_a_host_with_one_private_address_of_two_is_refused(tcp):
    assert "10.0.0.1" in await refused("http://page.test/", resolve=lambda _: [PUBLIC, "10.0.0.1"], tcp=tcp)
    assert not tcp.reached


@pytest.mark.parametrize("private", ["http://inside.test/keys", "http://169.254.169.254/keys", "http://[::1]/keys"])
async def test_a_redirect_to_a_private_address_is_refused_and_names_both(tcp, private):
    async with serving({"/": redirect(private)}) as (host, asked):
        url = f"http://page.test:{host.partition(':')[2]}/"
        said = await refused(url, resolve=names(page_test=[PUBLIC], inside_test=["10.0.0.7"]), tcp=tcp)
    assert private in said
    assert url in said
    assert "not a public address, and is refused" in said
    assert tcp.reached == [PUBLIC]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://page.test/", "only http://"),
        ("file:///etc/passwd", "only http://"),
        ("page.test", "only http://"),
        ("http://", "no host"),
        ("http://page.test:99999/", "no web address"),
        ("http://a..b/", "no web address"),
        ("http://[fe80::1%25eth0]/", "cannot be fetched"),
        ("http://" + "a" * 9000, "no web address"),
        ("http://[::1/", "no web address"),
    ],
)
async def test_what_is_no_web_address_is_refused(url, why):
    assert why in await refused(url)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://a/", "http://me:secret@page.test/", "http://[", ""])
async def test_a_redirect_is_checked_as_the_first_address_is(to):
    said = await refused_page(redirect(to))
    assert "127.0.0.1" in said
    assert "secret" not in said


async def test_a_password_is_refused_and_not_repeated():
    said = await refused("http://me:secret@page.test/page")
    assert "page.test/page: has a user name or password" in said
    assert "secret" not in said


# answers that are refused


async def test_redirects_without_end_are_refused():
    async with serving({"/": redirect("/")}) as (host, asked):
        assert "more than 5 times" in await refused(f"http://{host}/", allow_private=True)
    assert len(asked) == 6


async def test_a_page_that_is_not_there_says_so():
    assert "404 Not Found" in await refused_page(answer(status="404 Not Found"))


@pytest.mark.parametrize("kind", ["image/png", "application/zip", ""])
async def test_another_kind_is_refused_by_its_name(kind):
    assert (kind or "of no kind that it names") in await refused_page(answer(b"x", kind=kind))


async def test_a_compressed_answer_is_refused():
    bomb = gzip.compress(bytes(10_000_000))
    assert "compressed ('gzip')" in await refused_page(answer(bomb, Content_Encoding="gzip"))


async def test_an_empty_page_is_refused():
    assert "holds no text" in await refused_page(answer(b""))


async def test_an_endless_answer_is_ended_at_the_limit():
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    assert "larger than 50,000 bytes" in await refused_page(endless, max_bytes=50_000)


async def test_a_slow_answer_is_ended_in_time():
    async def slow(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(200):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    before = time.monotonic()
    assert "after 0.3 seconds" in await refused_page(slow, timeout=0.3)
    assert time.monotonic() - before < 3


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nContent-Type: text/plain\r\n\r\nx"]
)
async def test_a_broken_answer_is_refused(raw):
    assert "cannot be fetched" in await refused_page(raw)


async def test_a_page_that_is_no_tls_is_refused():
    async def talk(reader, writer):
        writer.write(b"no tls\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert "cannot be fetched" in await refused(f"https://127.0.0.1:{port}/", allow_private=True)
    server.close()
