"""HTTP to the outside, behind a guard: what an inbox or a message names must not reach our own network.

Every connection passes the guard at the last moment, when its socket is made for an address that is already resolved.
So it does not matter how the address came about: a name, a name that answers differently the second time, a literal
in any spelling. Redirects are not followed: a provider's API does not need them, and an attacker does.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from comptoir.infra.metrics import count_refusal

if TYPE_CHECKING:
    import aiohttp

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
DEFAULT_LIMIT = 10 * 1024 * 1024
_CHUNK = 64 * 1024

# NAT64 carries any IPv4 address, private ones included, and Python calls its addresses global; so do 6to4's relays.
_TUNNELS = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)
# Clouds hand out credentials here; refused even to who allows private ranges. 169.254/16 and fe80::/10 are link-local.
_METADATA = tuple(ipaddress.ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254"))


class AddressRefused(OSError):
    """The guard does not let us go to this address; nothing was sent."""


class AnswerTooLarge(Exception):
    """The answer has more bytes than we read. `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit} bytes")
        self.limit = limit


class Answer(msgspec.Struct, frozen=True):
    """What came back: status, headers (names in lower case, the first of several values) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def address_allowed(text: str, *, private: bool = False) -> bool:
    """Whether we may connect to an IP address. `private` opens private ranges and this machine, never link-local."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address_allowed(str(address.ipv4_mapped), private=private)
        if any(address in network for network in _TUNNELS) and not (private and address.is_loopback):
            return False
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if private and address.is_loopback:
        return True  # before the reserved ranges, among which Python counts ::1
    if private and address.is_private:
        return not address.is_reserved
    return address.is_global and not address.is_reserved


def check_url(url: str) -> None:
    """Refuse what is not plain http or https. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
        parts = urlsplit("")
    if wrong or parts.username is not None or any(ord(character) <= 32 for character in url):
        _refuse("url")


def _refuse(what: str) -> None:
    count_refusal("http_address_refused")
    raise AddressRefused(f"this address may not be called: {what}")


class HttpClient:
    """The one client of a process. Open it inside the running loop; close it at the end.

    `allow_private` lets it reach private ranges and this machine (COMPTOIR_ALLOW_PRIVATE_HTTP). `timeout` is in
    seconds, for a whole exchange; connecting may take five of them. Many inboxes share one provider's host, so `per_host`
    is generous: how much one inbox may have under way is for its channel to say.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout: float = 20.0,
        connections: int = 400,
        per_host: int = 100,
    ) -> None:
        self._private = allow_private
        self._timeout = timeout
        self._connections = connections
        self._per_host = per_host
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The guarded session, for the rare caller that streams; it must pass `allow_redirects=False`."""
        if self._session is None:
            raise RuntimeError("the HTTP client is not open")
        return self._session

    async def open(self) -> None:
        import aiohttp

        connector = aiohttp.TCPConnector(
            limit=self._connections,
            limit_per_host=self._per_host,
            ttl_dns_cache=60,
            socket_factory=self._socket,
            resolver=aiohttp.ThreadedResolver(),
            # Below the shortest idle limit that servers commonly have (5 s): a request written to a connection that is
            # just being closed has an unknown outcome, which is worse than opening another.
            keepalive_timeout=4,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._timeout, connect=5.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # a proxy from the environment would resolve names out of the guard's sight
            auto_decompress=True,
            headers={"User-Agent": "Comptoir"},
            read_bufsize=_CHUNK,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = info
        if not address_allowed(str(target[0]), private=self._private):
            # The same words for every address of a name: the connector keeps an error's kind only where all of them say the same.
            _refuse("an address of a closed network")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Answer:
        """One exchange; the answer is read whole, at most `limit` bytes (after decompression).

        A redirect comes back as the answer it is. Raises AddressRefused, AnswerTooLarge, TimeoutError, or
        aiohttp.ClientError; of these only AddressRefused and a failed connection promise that nothing was sent.
        """
        import aiohttp

        check_url(url)
        budget = aiohttp.ClientTimeout(total=timeout or self._timeout, connect=5.0)
        try:
            async with self.session.request(
                method, url, headers=headers, data=body, allow_redirects=False, timeout=budget
            ) as answer:
                content = bytearray()
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    content += chunk
                    if len(content) > limit:
                        answer.close()
                        raise AnswerTooLarge(limit)
                names = {name.lower(): value for name, value in reversed(list(answer.headers.items()))}
                return Answer(status=answer.status, headers=names, body=bytes(content))
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, AddressRefused):
                raise error.os_error from None
            raise
