"""Look-ups of routed names, and connections, in all the forms that Python's socket module takes."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any

import pytest
from support.servers import served

from pytest_azcred.azcred import Azcred

NAME = "login.microsoftonline.com"


def is_here(address: str) -> bool:
    """Whether an address is loopback."""
    return ipaddress.ip_address(address).is_loopback


@pytest.mark.parametrize("name", [NAME, NAME.upper(), f"{NAME}.", NAME.encode(), bytearray(NAME.encode())])
@pytest.mark.parametrize("port", [443, "443", "https", b"https", None])
def test_getaddrinfo(azcred: Azcred, name: Any, port: Any) -> None:
    """A name in any spelling and a service in any form give an address on this machine."""
    (found,) = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    assert found[:3] == (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    assert is_here(str(found[4][0]))
    assert found[4][1] == (443 if port else 0)


def test_getaddrinfo_by_family(azcred: Azcred) -> None:
    """A routed name has no IPv6 address, unless mapped ones are asked for."""
    assert socket.getaddrinfo(NAME, 443, family=socket.AF_INET)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(NAME, 443, family=socket.AF_INET6)
    (found, *_) = socket.getaddrinfo(NAME, 443, family=socket.AF_INET6, flags=socket.AI_V4MAPPED)
    assert str(found[4][0]).startswith("::ffff:127.")


def test_getaddrinfo_without_a_network(azcred: Azcred) -> None:
    """A machine whose only network is loopback finds routed names even if it looks for what its networks offer."""
    assert socket.getaddrinfo(NAME, 443, family=socket.AF_INET, flags=socket.AI_ADDRCONFIG)


def test_other_look_ups(azcred: Azcred) -> None:
    """The older functions agree, and lead back to the name."""
    address = socket.gethostbyname(NAME)
    assert is_here(address)
    assert socket.gethostbyname_ex(NAME)[2] == [address]
    assert socket.gethostbyaddr(NAME) == socket.gethostbyaddr(address) == (NAME, [], [address])
    assert socket.getnameinfo((address, 443), 0) == (NAME, "https")
    assert socket.getnameinfo((address, 443), socket.NI_NUMERICHOST) == (address, "https")
    assert socket.getfqdn(NAME) == NAME


def test_every_name_has_an_address_of_its_own(azcred: Azcred) -> None:
    """Two names with different routes are told apart by the addresses that their look-ups give."""
    with served() as one, served() as two:
        azcred.route("one.example.com", to=one)
        azcred.route("two.example.com", to=two)
        for name, url in (("one.example.com", one), ("two.example.com", two)):
            with socket.create_connection((socket.gethostbyname(name), 80)) as connection:
                assert f"http://127.0.0.1:{connection.getpeername()[1]}" == url


@pytest.mark.parametrize("host", [NAME, NAME.upper(), f"{NAME}.", NAME.encode()])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_connect(azcred: Azcred, host: Any, family: socket.AddressFamily) -> None:
    """Sockets of both families connect to a name, and to the address that a look-up gave."""
    (address, _) = socket.getaddrinfo(host, 443, family, socket.SOCK_STREAM, flags=socket.AI_V4MAPPED)[0][4][:2]
    for place in (host, address):
        with socket.socket(family) as connection:
            connection.connect((place, 443))
        with socket.socket(family) as connection:
            assert connection.connect_ex((place, 443)) == 0


def test_connect_to_the_metadata_service(azcred: Azcred) -> None:
    """The address of the metadata service is unreachable outside Azure, in either family's form."""
    for family, host in ((socket.AF_INET, "169.254.169.254"), (socket.AF_INET6, "::ffff:169.254.169.254")):
        with socket.socket(family) as connection:
            with pytest.raises(OSError, match="unreachable"):
                connection.connect((host, 80))
            assert connection.connect_ex((host, 80)) != 0
    azcred.environment("virtual-machine")
    for family, host in ((socket.AF_INET, "169.254.169.254"), (socket.AF_INET6, "::ffff:169.254.169.254")):
        with socket.socket(family) as connection:
            assert connection.connect_ex((host, 80)) == 0


@pytest.mark.parametrize("port", [40342, 50342])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_agents_of_this_machine_are_unreachable(azcred: Azcred, host: str, port: int) -> None:
    """The identity agents of Azure Arc and Cloud Shell would give the developer's own identity."""
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection((host, port))


@pytest.mark.parametrize("host", [NAME, NAME.encode()])
@pytest.mark.parametrize("port", [443, "https"])
def test_asyncio(azcred: Azcred, host: Any, port: Any) -> None:
    """asyncio takes the same forms."""

    async def main() -> None:
        _, writer = await asyncio.open_connection(host, port, family=socket.AF_INET)
        writer.close()
        await writer.wait_closed()

    asyncio.run(main())
