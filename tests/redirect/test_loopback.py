"""What stays on this machine works as it always does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import uvloop
from support.servers import served

from pytest_azcred.azcred import Azcred


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.9.9.9", "0.0.0.0", "app.localhost", ""])
def test_a_server_on_every_interface(azcred: Azcred, host: str) -> None:
    """A server that listens everywhere is reached under each name and address of this machine."""
    with socket.create_server(("", 0)) as server, socket.socket() as client:
        client.connect((host, server.getsockname()[1]))
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"ping")
            assert accepted.recv(4) == b"ping"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_server_on_one_address(azcred: Azcred, host: str) -> None:
    """A server listens on the loopback address that it names, and create_connection finds it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as server,
        socket.create_connection((host, server.getsockname()[1]), timeout=10) as client,
    ):
        assert client.gettimeout() == 10


def test_http_server(azcred: Azcred) -> None:
    """An app's own server answers under its own address and under localhost."""
    with served() as url:
        assert requests.get(url).status_code == 200
        assert requests.get(url.replace("127.0.0.1", "localhost")).status_code == 200


def test_this_machines_name(azcred: Azcred) -> None:
    """This machine's own name leads to it, without a name server."""
    name = socket.gethostname()
    assert socket.gethostbyname(name) == "127.0.0.1"
    assert socket.gethostbyaddr("127.0.0.1")[0] == "localhost"
    assert socket.getfqdn()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect((name, server.getsockname()[1]))


def test_unix_sockets(azcred: Azcred, tmp_path: Path) -> None:
    """Unix sockets and pairs of sockets are not looked at."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        client.connect(str(tmp_path / "socket"))
    left, right = socket.socketpair()
    with left, right:
        assert left.sendmsg([b"ping"]) == 4
        assert right.recv(4) == b"ping"


def test_datagrams(azcred: Azcred) -> None:
    """Datagrams within this machine are delivered, however they are sent."""
    with socket.socket(type=socket.SOCK_DGRAM) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        client.sendto(b"1", server.getsockname())
        client.sendto(b"2", 0, server.getsockname())
        client.sendmsg([b"3"], [], 0, server.getsockname())
        client.connect(server.getsockname())
        client.sendmsg([b"4"])
        assert [server.recv(1) for _ in range(4)] == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_event_loops(azcred: Azcred, new_loop: Callable[[], asyncio.AbstractEventLoop], host: str) -> None:
    """Servers, connections and datagrams of an event loop work within this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(4))
        writer.close()

    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(answer, host, 0)
        async with server:
            reader, writer = await asyncio.open_connection(host, server.sockets[0].getsockname()[1])
            writer.write(b"ping")
            received = await reader.read()
            writer.close()
            await writer.wait_closed()
        udp, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, 9))
        udp.close()
        return received

    with contextlib.closing(new_loop()) as loop:
        assert loop.run_until_complete(main()) == b"ping"
        loop.run_until_complete(loop.shutdown_default_executor())


def test_a_closed_port(azcred: Azcred) -> None:
    """Where nothing listens the connection is refused by the machine, as an OSError."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(unused.getsockname())
