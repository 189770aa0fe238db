"""HTTP to the outside: what may not be called is not called, however it is written."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientError, web

from comptoir.infra.http import AddressRefused, AnswerTooLarge, HttpClient, address_allowed


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient(timeout=3)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def local_client() -> AsyncIterator[HttpClient]:
    made = HttpClient(allow_private=True, timeout=3)
    await made.open()
    yield made
    await made.close()


class Provider:
    """A server on this machine that counts who comes."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.path)
        match request.path:
            case "/redirect":
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")
            case "/large":
                return web.Response(body=b"x" * 200_000)
            case "/bomb":
                return web.Response(body=gzip.compress(b"0" * 20_000_000), headers={"Content-Encoding": "gzip"})
            case "/slow":
                await asyncio.sleep(10)
        return web.json_response({"method": request.method, "body": (await request.read()).decode()})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0", "0.0.0.0", "[::1]", "[::]", "10.0.0.1",
     "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]",
     "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255"],
)  # fmt: skip
async def test_our_own_network_is_out_of_reach_in_every_spelling(
    client: HttpClient, provider: Provider, host: str
) -> None:
    port = provider.url.rpartition(":")[2]
    with pytest.raises((AddressRefused, ClientError)):
        await client.request("GET", f"http://{host}:{port}/secret")
    assert provider.seen == []


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "file:///etc/passwd", "//example.com", "http://", "http://me:pw@example.com/", "http://a b/",
            "http://example.com/\r\nHost: x", "http://[::1", "gopher://127.0.0.1/", ""],
)  # fmt: skip
async def test_only_plain_addresses_are_called(client: HttpClient, url: str) -> None:
    with pytest.raises(AddressRefused):
        await client.request("GET", url)


async def test_a_redirect_is_an_answer_and_is_not_followed(local_client: HttpClient, provider: Provider) -> None:
    answer = await local_client.request("GET", f"{provider.url}/redirect")
    assert answer.status == 302
    assert answer.headers["location"].startswith("http://169.254.169.254")
    assert provider.seen == ["/redirect"]


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "100.100.100.200",
        "fd00:ec2::254",
        "64:ff9b::7f00:1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
    ],
)
def test_what_stays_closed_even_where_private_ranges_are_open(address: str) -> None:
    assert not address_allowed(address, private=True)


@pytest.mark.parametrize(
    ("address", "open_to_all", "open_where_private"),
    [("93.184.215.14", True, True), ("2606:2800:21f:cb07::1", True, True), ("10.1.2.3", False, True), ("127.0.0.1", False, True),
     ("::1", False, True), ("fd12::1", False, True), ("::ffff:10.0.0.1", False, True), ("::ffff:93.184.215.14", True, True),
     ("nonsense", False, False), ("", False, False)],
)  # fmt: skip
def test_which_addresses_are_open(address: str, *, open_to_all: bool, open_where_private: bool) -> None:
    assert address_allowed(address) is open_to_all
    assert address_allowed(address, private=True) is open_where_private


async def test_an_exchange_comes_back_whole(local_client: HttpClient, provider: Provider) -> None:
    answer = await local_client.request("POST", f"{provider.url}/send", body=b"hello", headers={"X-Test": "1"})
    assert answer.status == 200
    assert answer.body == b'{"method": "POST", "body": "hello"}'
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("path", ["/large", "/bomb"])
async def test_an_answer_over_the_limit_is_broken_off_also_when_it_is_compressed(
    local_client: HttpClient, provider: Provider, path: str
) -> None:
    with pytest.raises(AnswerTooLarge):
        await local_client.request("GET", provider.url + path, limit=100_000)


async def test_a_slow_answer_is_given_up(local_client: HttpClient, provider: Provider) -> None:
    with pytest.raises(TimeoutError):
        await local_client.request("GET", f"{provider.url}/slow", timeout=0.2)


async def test_nobody_listening_is_not_a_refusal_of_ours(local_client: HttpClient) -> None:
    with pytest.raises(ClientError):
        await local_client.request("GET", "http://127.0.0.1:1/")
