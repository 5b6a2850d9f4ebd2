"""A test adds routes of its own: local servers stand in for the app's real hosts."""

from __future__ import annotations

import pytest
import requests
from support.http_clients import CLIENTS, Fetch
from support.servers import presenting, served

from pytest_azcred.azcred import Azcred

HOST = "myservice.example.com"


def test_https(azcred: Azcred, client: Fetch) -> None:
    """A local server with a certificate of the run answers for a real https URL."""
    with served(presenting(azcred.certificate(HOST))) as url:
        azcred.route(HOST, to=url)
        assert client(f"https://{HOST}/") == (200, f"this is {HOST}")


def test_http(azcred: Azcred, client: Fetch) -> None:
    """A local server answers for a real http URL."""
    with served() as url:
        azcred.route(HOST, to=url)
        assert client(f"http://{HOST}/") == (200, f"this is {HOST}")


def test_another_port(azcred: Azcred, client: Fetch) -> None:
    """A route is for one port; the host says which if it is not the usual one."""
    with served(presenting(azcred.certificate(HOST))) as url:
        azcred.route(f"{HOST}:8443", to=url)
        assert client(f"https://{HOST}:8443/").status == 200


def test_a_server_on_ipv6(azcred: Azcred) -> None:
    """A server that listens on IPv6 only, as Node does for "localhost", is reached, too."""
    with served(presenting(azcred.certificate(HOST)), host="::1") as url:
        azcred.route(HOST, to=url)
        for name in (
            "requests",
            "httpx-asyncio",
            "httpx-trio",
            "aiohttp",
            "aiohttp-uvloop",
            "uvloop-streams",
            "socket",
        ):
            with CLIENTS[name]() as fetch:
                assert fetch(f"https://{HOST}/").status == 200, name


def test_an_address(azcred: Azcred) -> None:
    """IP addresses can be routed like names."""
    with served() as url:
        azcred.route("10.1.2.3", to=url)
        azcred.route("[2001:db8::1]:8080", to=url)
        assert requests.get("http://10.1.2.3/").text == "this is 10.1.2.3"
        assert requests.get("http://[2001:db8:0::1]:8080/").status_code == 200


def test_a_pattern(azcred: Azcred) -> None:
    """A route for a pattern takes every name under it that has no route of its own."""
    with served(presenting(azcred.certificate("*.example.com"))) as every, served() as own:
        azcred.route("*.example.com", to=every)
        azcred.route("special.example.com:443", to=own)
        assert requests.get("https://any.example.com/").text == "this is any.example.com"
        assert requests.get("http://special.example.com:443/").text == "this is special.example.com:443"


def test_the_last_route_for_a_host_counts(azcred: Azcred) -> None:
    """A test may lead a host elsewhere on its way."""
    with served() as url:
        azcred.route(HOST, to="http://127.0.0.1:9")
        azcred.route(HOST, to=url)
        assert requests.get(f"http://{HOST}/").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["MyService.Example.com", "myservice.example.com.", "bücher.example", "xn--bcher-kva.example"],
)
def test_any_spelling_of_a_name(azcred: Azcred, host: str) -> None:
    """Routes know a name in capitals, with a dot at the end, and in Unicode or not."""
    with served() as url:
        azcred.route(host, to=url)
        assert requests.get(f"http://{host}/").status_code == 200
        if "b" in host:
            assert requests.get("http://xn--bcher-kva.example/").status_code == 200


@pytest.mark.parametrize(
    "to",
    [
        "https://127.0.0.1",
        "127.0.0.1:8080",
        "localhost:8080",
        "ftp://127.0.0.1:21",
        "https://:8443",
        "https://127.0.0.1:https",
        "http://127.0.0.1:10000/devstoreaccount1",
        "",
    ],
)
def test_a_route_leads_to_a_url_with_a_port(azcred: Azcred, to: str) -> None:
    """A target that is no server's URL is an error that says what one looks like."""
    with pytest.raises(
        ValueError, match=r"^a route leads to a local server's URL such as 'https://127\.0\.0\.1:10000'"
    ):
        azcred.route(HOST, to=to)


@pytest.mark.parametrize(
    "host", ["", "https://myservice.example.com", "myservice.example.com/path", "my service", ":443"]
)
def test_a_route_is_for_a_host(azcred: Azcred, host: str) -> None:
    """What is no host is an error that says what is."""
    with pytest.raises(ValueError, match="a route is for a host name, with a port if need be, not for"):
        azcred.route(host, to="http://127.0.0.1:8080")


@pytest.mark.parametrize("to", ["https://example.com:443", "http://10.0.0.1:80", "http://[2001:db8::1]:80"])
def test_no_route_leads_outside(azcred: Azcred, to: str) -> None:
    """A route cannot be the hole through which a test leaves the machine."""
    with pytest.raises(ValueError, match="a route leads to an address of this machine, not to"):
        azcred.route(HOST, to=to)


def test_routes_end_with_the_test(azcred: Azcred) -> None:
    """What one test has routed is unknown to the next."""
    assert HOST not in [route.host for route in azcred.routes]
