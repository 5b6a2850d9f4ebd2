"""The proxy, which leads to the emulators and nowhere else: on the HTTP port, and without TLS on the HTTPS port."""

import socket
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection

import pytest
import requests
from support.servers import served

from azcred_emulators.directory import contoso
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import RefusedPort, TlsFailure
from azcred_emulators.serving.proxy import Proxy
from azcred_emulators.serving.server import Server

VAULT = "https://vault.azure.net"


@pytest.fixture(params=["http", "https"])
def address(emulators: Emulators, request: pytest.FixtureRequest) -> tuple[str, int]:
    """Where the proxy is."""
    found: tuple[str, int] = getattr(emulators, request.param).address
    return found


@pytest.fixture
def client(
    emulators: Emulators, address: tuple[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[requests.Session]:
    """A client with the proxy and the authority in its settings, as variables would put them there."""
    authority = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.write_text(emulators.certificate_authority.pem)
    with requests.Session() as client:
        client.trust_env = False
        client.proxies = dict.fromkeys(("http", "https"), f"http://{address[0]}:{address[1]}")
        client.verify = str(authority)
        yield client


def test_a_tunnel_leads_to_the_token_service(emulators: Emulators, client: requests.Session) -> None:
    """TLS ends in the emulator, whose certificate is for the real name; two requests share the tunnel."""
    for tenant in (contoso.TENANT.id, "contoso.com"):
        answer = client.get(f"https://login.microsoftonline.com/{tenant}/v2.0/.well-known/openid-configuration")
        assert answer.json()["issuer"] == f"https://login.microsoftonline.com/{contoso.TENANT.id}/v2.0"
    assert [entry.server_name for entry in emulators.journal.requests()] == ["login.microsoftonline.com"] * 2


def test_the_metadata_service_answers_at_its_address(emulators: Emulators, client: requests.Session) -> None:
    """A proxy is asked for the whole URL; the emulator sees the host of it."""
    answer = client.get(
        "http://169.254.169.254/metadata/identity/oauth2/token",
        params={"api-version": "2018-02-01", "resource": VAULT},
        headers={"Metadata": "true"},
    )
    assert answer.json()["resource"] == VAULT
    assert [entry.server_name for entry in emulators.journal.requests(host="imds")] == ["169.254.169.254"]


def test_the_url_decides_not_the_host_header(emulators: Emulators, client: requests.Session) -> None:
    """As RFC 9112 has it."""
    client.get("http://169.254.169.254/metadata/identity/oauth2/token", headers={"Host": "localhost"})
    assert emulators.journal.requests()[0].server_name == "169.254.169.254"


@pytest.mark.parametrize("url", ["http://www.example.com/", "http://login.microsoftonline.com/", "http://[::1]:1/"])
def test_other_hosts_are_refused(emulators: Emulators, client: requests.Session, url: str) -> None:
    """The answer says which and what to do."""
    answer = client.get(url)
    assert answer.status_code == 403
    assert "azcred refused a connection to" in answer.text
    assert "NO_PROXY" in answer.text
    assert not emulators.journal.requests()


@pytest.mark.parametrize(
    "host", ["www.example.com:443", "169.254.169.254:443", "127.0.0.1:22", "login.microsoftonline.com.evil.com:443"]
)
def test_tunnels_to_other_hosts_are_refused(address: tuple[str, int], host: str) -> None:
    """Not even this machine's own ports can be reached through it."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert f"azcred refused a connection to '{host}'".encode() in answer


@pytest.mark.parametrize("target", ["nowhere", "host:port", ":443", "[::1", "host:99999"])
def test_a_tunnel_to_no_address_is_a_bad_request(emulators: Emulators, target: str) -> None:
    """Whatever is sent, the answer is a sentence."""
    with socket.create_connection(emulators.http.address, timeout=10) as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_tunnel_to_the_metadata_service_stays_here(emulators: Emulators, address: tuple[str, int]) -> None:
    """The client goes on as who it is; were it passed on, it would seem to be on this machine, and could do more."""
    connection = HTTPConnection(*address, timeout=10)
    connection.set_tunnel("169.254.169.254", 80)
    for _ in range(2):
        connection.request("GET", "/metadata/identity/oauth2/token")
        assert connection.getresponse().read()
    connection.close()
    assert [entry.server_name for entry in emulators.journal.requests(host="imds")] == ["169.254.169.254"] * 2


def test_without_tls_the_https_port_is_a_proxy_only(emulators: Emulators) -> None:
    """Whoever has mistaken it for the HTTP port is told so."""
    connection = HTTPConnection(*emulators.https.address, timeout=10)
    connection.request("GET", f"/metadata/identity/oauth2/token?resource={VAULT}")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert (answer.status, text) == (400, "This port speaks HTTPS; without TLS it is a proxy and nothing else.")
    assert not emulators.journal.requests()


def test_a_resource_of_a_test_is_reached_by_its_name(emulators: Emulators, client: requests.Session) -> None:
    """Whatever the emulators serve at a real name, the proxy leads to."""
    emulators.resources.add("shop.vault.azure.net")
    answer = client.get("https://shop.vault.azure.net/secrets/database")
    assert answer.status_code == 401
    assert "login.microsoftonline.com" in answer.headers["WWW-Authenticate"]


def test_a_route_leads_to_a_server_of_ones_own(emulators: Emulators, client: requests.Session) -> None:
    """The local server gets the request as if it had been asked itself, without what concerns the proxy alone."""
    asked: list[Mapping[str, str]] = []

    def answer(environ: dict[str, str], start_response: object) -> list[bytes]:
        asked.append(environ)
        start_response("200 OK", [("Content-Length", "4")])  # type: ignore[operator]
        return [b"none"]

    server = Server(answer)
    server.start()
    emulators.routes["orders.contoso.com", 80] = server.address
    try:
        response = client.post(
            "http://orders.contoso.com/orders?since=1", data=b"x" * 10, headers={"Proxy-Authorization": "Basic eDp5"}
        )
        assert response.text == "none"
    finally:
        del emulators.routes["orders.contoso.com", 80]
        server.stop()
    (environ,) = asked
    assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == (
        "orders.contoso.com",
        "/orders",
        "since=1",
    )
    assert environ["CONTENT_LENGTH"] == "10"
    assert "HTTP_PROXY_AUTHORIZATION" not in environ


def test_a_route_leads_there_with_tls_as_well(emulators: Emulators, client: requests.Session) -> None:
    """A tunnel to port 443 of a host that is served at port 80 ends in TLS of the emulators' own."""
    with served() as url:
        emulators.routes["orders.contoso.com", 80] = ("127.0.0.1", int(url.rpartition(":")[2]))
        try:
            for scheme in ("https", "http"):
                assert client.get(f"{scheme}://orders.contoso.com/").text == "this is orders.contoso.com"
        finally:
            del emulators.routes["orders.contoso.com", 80]
    assert client.get("http://orders.contoso.com/").status_code == 403


def test_a_plain_route_takes_no_emulators_place(emulators: Emulators, client: requests.Session) -> None:
    """A name that the emulators answer for with TLS stays theirs."""
    emulators.routes["login.microsoftonline.com", 80] = ("127.0.0.1", 9)
    try:
        assert client.get("https://login.microsoftonline.com/common/discovery/v2.0/keys").status_code == 200
    finally:
        del emulators.routes["login.microsoftonline.com", 80]


def test_a_route_to_a_server_that_has_gone(emulators: Emulators, client: requests.Session) -> None:
    """The answer is a gateway's, and says where nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    emulators.routes["orders.contoso.com", 80] = address
    try:
        responses = [client.get(f"{scheme}://orders.contoso.com/") for scheme in ("https", "http")]
    finally:
        del emulators.routes["orders.contoso.com", 80]
    for response in responses:
        assert response.status_code == 502
        assert f"127.0.0.1:{address[1]}" in response.text


def test_open_tunnels_end_with_the_server() -> None:
    """Stopping waits for no client that keeps its tunnel."""
    with socket.create_server(("127.0.0.1", 0)) as target:
        server = Server(lambda *_: [], proxy=Proxy(lambda *_: target.getsockname()))
        server.start()
        with socket.create_connection(server.address, timeout=10) as client:
            client.sendall(b"CONNECT x:1 HTTP/1.1\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
            accepted, _ = target.accept()
            with accepted:
                client.sendall(b"ping")
                assert accepted.recv(4) == b"ping"
                accepted.sendall(b"pong")
                assert client.recv(4) == b"pong"
                stopping = threading.Thread(target=server.stop)
                stopping.start()
                assert accepted.recv(4) == b""
        stopping.join(10)
        assert not stopping.is_alive()


def test_faults_of_the_network_apply_to_tunnels(emulators: Emulators, client: requests.Session) -> None:
    """A process behind the proxy meets them as one whose sockets are redirected does, as far as a proxy can tell."""
    url = "https://login.microsoftonline.com/common/discovery/v2.0/keys"
    emulators.authority.faults.add(TlsFailure("untrusted"), RefusedPort(), operation="token")
    assert client.get(url).status_code == 200
    emulators.authority.faults.clear()
    emulators.faults_of("graph").add(TlsFailure("untrusted"), RefusedPort())
    with pytest.raises(requests.exceptions.SSLError):
        client.get("https://graph.microsoft.com/v1.0/me")
    with pytest.raises(requests.exceptions.ProxyError, match="502 Bad Gateway"):
        client.get("https://graph.microsoft.com/v1.0/me")
    assert client.get("https://graph.microsoft.com/v1.0/me").status_code == 401
