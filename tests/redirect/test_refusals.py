"""Nothing leaves the machine: whatever is neither routed nor loopback is refused, by name."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
from collections.abc import Awaitable, Callable
from socket import getaddrinfo

import aiodns
import pytest
import trio
import uvloop
from support.http_clients import Fetch, causes

from pytest_azcred.azcred import Azcred
from pytest_azcred.redirect.routes import OutsideConnectionError

Ask = Callable[[asyncio.AbstractEventLoop], Awaitable[object]]


def refusal(attempt: Callable[[], object]) -> OutsideConnectionError:
    """Return the refusal that an attempt ends in, from within the group that a task group makes of it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- trio and anyio raise groups
        attempt()
    (refused,) = {error for error in causes(caught.value) if isinstance(error, OutsideConnectionError)}
    return refused


@pytest.mark.parametrize(
    ("url", "host"),
    [
        pytest.param("https://myvault.vault.azure.net/secrets", "myvault.vault.azure.net", id="name"),
        pytest.param("http://example.com/", "example.com", id="plain-http"),
        pytest.param("http://8.8.8.8/", "8.8.8.8", id="ipv4"),
        pytest.param("http://[2001:db8::1]/", "2001:db8::1", id="ipv6"),
        pytest.param("https://login.microsoftonline.com:8443/", "login.microsoftonline.com", id="another-port"),
    ],
)
def test_every_client_is_refused(azcred: Azcred, client: Fetch, url: str, host: str) -> None:
    """No client reaches a host outside, and none takes the refusal for a network failure."""
    refused = refusal(lambda: client(url))
    assert refused.host == host
    assert f"azcred refused a connection to '{url.split('/')[2].removesuffix(':8443')}" in str(refused)
    assert "call azcred." in str(refused)
    assert azcred.journal.requests() == []


def test_an_old_client_is_refused(old_client: Fetch, azcred: Azcred) -> None:
    """A client made before the test started is refused as well."""
    assert refusal(lambda: old_client("https://example.com/")).host == "example.com"


@pytest.mark.parametrize(
    "look_up",
    [
        pytest.param(getaddrinfo, id="imported-getaddrinfo"),
        pytest.param(lambda name, port: socket.getaddrinfo(name, port), id="getaddrinfo"),
        pytest.param(lambda name, _: socket.gethostbyname(name), id="gethostbyname"),
        pytest.param(lambda name, _: socket.gethostbyname_ex(name), id="gethostbyname_ex"),
        pytest.param(lambda name, _: socket.gethostbyaddr(name), id="gethostbyaddr"),
        pytest.param(lambda name, _: socket.getfqdn(name), id="getfqdn"),
        pytest.param(lambda *host: on_asyncio(lambda loop: loop.getaddrinfo(*host)), id="asyncio"),
        pytest.param(lambda *host: on_uvloop(lambda loop: loop.getaddrinfo(*host)), id="uvloop"),
        pytest.param(lambda *host: trio.run(trio.socket.getaddrinfo, *host), id="trio"),
        pytest.param(lambda name, _: ask_aiodns(lambda resolver: resolver.getaddrinfo(name)), id="aiodns"),
        pytest.param(lambda name, _: ask_aiodns(lambda resolver: resolver.query_dns(name, "TXT")), id="aiodns-query"),
    ],
)
def test_no_look_up_leaves_the_machine(azcred: Azcred, look_up: Callable[[str, int], object]) -> None:
    """No function asks a name server for a name, which would learn it."""
    assert refusal(lambda: look_up("example.com", 443)).host == "example.com"


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888"])
@pytest.mark.parametrize(
    "look_up",
    [
        pytest.param(lambda address: socket.gethostbyaddr(address), id="gethostbyaddr"),
        pytest.param(lambda address: socket.getfqdn(address), id="getfqdn"),
        pytest.param(lambda address: socket.getnameinfo((address, 53), 0), id="getnameinfo"),
        pytest.param(lambda address: on_asyncio(lambda loop: loop.getnameinfo((address, 53))), id="asyncio"),
        pytest.param(lambda address: on_uvloop(lambda loop: loop.getnameinfo((address, 53))), id="uvloop"),
        pytest.param(lambda address: ask_aiodns(lambda resolver: resolver.gethostbyaddr(address)), id="aiodns"),
    ],
)
def test_no_reverse_look_up_leaves_the_machine(azcred: Azcred, look_up: Callable[[str], object], address: str) -> None:
    """No function asks a name server for the name of an address."""
    assert refusal(lambda: look_up(address)).host == address


async def datagram_endpoint(loop: asyncio.AbstractEventLoop) -> None:
    """Make an endpoint for datagrams to a name server."""
    await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("8.8.8.8", 53))


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda udp: udp.connect(("8.8.8.8", 53)), id="connect"),
        pytest.param(lambda udp: udp.connect_ex(("8.8.8.8", 53)), id="connect_ex"),
        pytest.param(lambda udp: udp.sendto(b"?", ("8.8.8.8", 53)), id="sendto"),
        pytest.param(lambda udp: udp.sendto(b"?", socket.MSG_DONTWAIT, ("8.8.8.8", 53)), id="sendto-with-flags"),
        pytest.param(lambda udp: udp.sendmsg([b"?"], [], 0, ("8.8.8.8", 53)), id="sendmsg"),
        pytest.param(lambda _: on_asyncio(datagram_endpoint), id="asyncio"),
        pytest.param(lambda _: on_uvloop(datagram_endpoint), id="uvloop"),
    ],
)
def test_no_datagram_leaves_the_machine(azcred: Azcred, send: Callable[[socket.socket], object]) -> None:
    """Datagrams are refused as connections are."""
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        assert refusal(lambda: send(udp)).host == "8.8.8.8"


@pytest.mark.parametrize("resolver", ["127.0.0.53", "127.0.0.11", "127.0.0.1"])
def test_a_local_name_server_is_refused(azcred: Azcred, resolver: str) -> None:
    """The stub resolvers of systemd and Docker listen on loopback and ask the world."""
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        assert refusal(lambda: udp.sendto(b"?", (resolver, 53))).host == resolver


def test_numeric_look_ups_are_not_refused(azcred: Azcred) -> None:
    """A program may ask whether a text is an address, which no name server hears of."""
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("example.com", 443, flags=socket.AI_NUMERICHOST)
    assert socket.getnameinfo(("8.8.8.8", 443), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV) == ("8.8.8.8", "443")


def test_malformed_addresses_are_left_to_python(azcred: Azcred) -> None:
    """An address that is none gets Python's own error."""
    with socket.socket() as connection, pytest.raises(TypeError):
        connection.connect("example.com")
    with socket.socket() as connection, pytest.raises(TypeError):
        connection.connect(("example.com",))


def test_a_refusal_survives_the_way_between_processes(azcred: Azcred) -> None:
    """A worker process hands its refusal to the parent as it is."""
    refused = refusal(lambda: socket.create_connection(("example.com", 8443)))
    copy = pickle.loads(pickle.dumps(refused))
    assert (copy.host, copy.port, str(copy)) == ("example.com", 8443, str(refused))


def on_asyncio(ask: Ask) -> object:
    """Call a coroutine function with asyncio's loop."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        try:
            return loop.run_until_complete(ask(loop))
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())


def on_uvloop(ask: Ask) -> object:
    """Call a coroutine function with uvloop's loop."""
    with contextlib.closing(uvloop.new_event_loop()) as loop:
        return loop.run_until_complete(ask(loop))


def ask_aiodns(ask: Callable[[aiodns.DNSResolver], Awaitable[object]]) -> object:
    """Call a method of aiodns' resolver."""

    async def main() -> object:
        async with aiodns.DNSResolver() as resolver:
            return await ask(resolver)

    return asyncio.run(main())
