"""Every endpoint under requests that are nearly right, and under tokens that are validly signed and odd.

A few seconds as a test; `make fuzz` sends 30,000 requests and 8,000 tokens.
"""

import contextlib
import os
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from support.fuzzing import Sent, mutated, odd_claims, signed
from werkzeug.test import Client

from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.clouds import PUBLIC
from azcred_emulators.directory import (
    ADMIN_CONSENT,
    Application,
    ClientSecret,
    FederatedCredential,
    contoso,
    identifiers,
)
from azcred_emulators.directory.entities import TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.emulators import Emulators
from azcred_emulators.standalone.configuration import Configuration
from azcred_emulators.standalone.server import StandaloneServer
from azcred_emulators.tokens.claims import issuer

pytestmark = pytest.mark.slow

REQUESTS = int(os.environ.get("AZCRED_FUZZ_REQUESTS", "300"))
TOKENS = int(os.environ.get("AZCRED_FUZZ_TOKENS", "200"))
SEED = int(os.environ.get("AZCRED_FUZZ_SEED", "24"))
ENTRA = "login.microsoftonline.com"
VAULT = "https://vault.azure.net"
IMDS = "169.254.169.254"
REDIRECT = "http://localhost/back"
_FORGET = 200  # requests after which the server is reset, so that the right ones stay right


class Sender:
    """Sends requests to a server, each over a connection of its own."""

    def __init__(self, server: StandaloneServer) -> None:
        self._server = server
        self._tls = ssl.create_default_context(cadata=server.certificate_authority.pem)
        self._tls.check_hostname = False

    def send(self, request: Sent) -> int | None:
        """Return the status of the answer, None if the server closes the connection; fails if it does neither."""
        emulators = self._server.main.emulators
        address = (emulators.http if request.port == "http" or request.tunnel else emulators.https).address
        with socket.create_connection(address, timeout=30) as plain, contextlib.suppress(ConnectionError, ssl.SSLError):
            if request.tunnel:
                plain.sendall(f"CONNECT {request.tunnel} HTTP/1.1\r\n\r\n".encode())
                if (status := _status(plain)) != 200:
                    return status
            connection = self._tls.wrap_socket(plain, server_hostname=ENTRA) if request.port == "https" else plain
            with connection:
                connection.sendall(request.encoded())
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_WR)
                return _status(connection)
        return None


def _status(connection: socket.socket) -> int | None:
    answer = b""
    while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
        answer += piece
    words = answer.split(None, 2)
    return int(words[1]) if len(words) > 2 else None


def right_requests(server: StandaloneServer) -> Sequence[Sent]:
    """Return a request to each endpoint that is answered with 2xx."""
    emulators = server.main.emulators
    shop = Application(
        name="shop",
        tenant_id=contoso.TENANT.id,
        client_id="77777777-7777-4777-8777-777777777777",
        secrets=(ClientSecret("s3cret"),),
        permission_grants=(ADMIN_CONSENT,),
        redirect_uris=(REDIRECT,),
    )
    if emulators.directory.principal(shop.client_id) is None:
        emulators.directory.add(shop)
        emulators.directory.keep()
    client = (("client_id", shop.client_id),)
    secret = (*client, ("client_secret", "s3cret"))
    user = emulators.directory.user(identifiers.USER_ID)
    assert user
    person = {"oid": user.object_id, "scp": "User.Read", "appid": shop.client_id}
    bearer = {
        audience: (("Authorization", f"Bearer {emulators.tokens.mint({**person, 'aud': audience}).value}"),)
        for audience in ("https://graph.microsoft.com", "https://management.azure.com", VAULT)
    }
    emulators.resources.add("shop.vault.azure.net").answer("GET", "/secrets/x", json={})
    names = {"client_credentials": secret, "password": client}
    scope = ("scope", f"{VAULT}/.default")
    signing_in = (*client, ("response_type", "code"), ("redirect_uri", REDIRECT), ("scope", "openid"), ("state", "s"))
    imds = (("api-version", "2018-02-01"), ("resource", VAULT))
    tenant = contoso.TENANT.id
    url = emulators.http.url.removeprefix("http://")
    entra = [
        Sent("https", "POST", f"/{tenant}/oauth2/v2.0/token", ENTRA, form=(("grant_type", grant), *who, scope))
        for grant, who in names.items()
    ]
    entra += [
        Sent("https", "POST", f"/{tenant}/oauth2/token", ENTRA,
             form=(("grant_type", "client_credentials"), *secret, ("resource", VAULT))),
        Sent("https", "POST", f"/{tenant}/oauth2/v2.0/devicecode", ENTRA, form=(*client, scope)),
        Sent("https", "GET", f"/{tenant}/oauth2/v2.0/authorize", ENTRA, query=signing_in),
        Sent("https", "GET", "/common/oauth2/v2.0/logout", ENTRA, query=(("post_logout_redirect_uri", "x"),)),
        Sent("https", "GET", "/common/oauth2/deviceauth", ENTRA, query=(("otc", "ABC"),)),
        Sent("https", "GET", f"/{tenant}/v2.0/.well-known/openid-configuration", ENTRA),
        Sent("https", "GET", "/common/discovery/keys", ENTRA),
        Sent("https", "GET", f"/common/userrealm/{user.principal_name}", ENTRA, query=(("api-version", "1.0"),)),
        Sent("https", "GET", "/common/discovery/instance", ENTRA,
             query=(("api-version", "1.1"), ("authorization_endpoint", f"https://{ENTRA}/common/oauth2/v2.0/authorize"))),
        Sent("https", "GET", "/v1.0/me", "graph.microsoft.com", headers=bearer["https://graph.microsoft.com"]),
        Sent("https", "GET", "/oidc/userinfo", "graph.microsoft.com", headers=bearer["https://graph.microsoft.com"]),
        Sent("https", "GET", "/subscriptions", "management.azure.com", query=(("api-version", "2022-12-01"),),
             headers=bearer["https://management.azure.com"]),
        Sent("https", "GET", "/secrets/x", "shop.vault.azure.net", headers=bearer[VAULT]),
    ]  # fmt: skip
    hosts = [
        Sent("http", "GET", "/metadata/identity/oauth2/token", IMDS, query=imds, headers=(("Metadata", "true"),)),
        Sent("http", "GET", f"http://{IMDS}/metadata/identity/oauth2/token", IMDS, query=imds,
             headers=(("Metadata", "true"),)),
        Sent("http", "GET", "/metadata/identity/oauth2/token", IMDS, query=imds, headers=(("Metadata", "true"),),
             tunnel=f"{IMDS}:80"),
        replace_port(entra[0], f"{ENTRA}:443"),
        Sent("http", "GET", "http://www.example.com/", "www.example.com"),
        Sent("http", "GET", "/", url, tunnel="www.example.com:443"),
    ]  # fmt: skip
    for name, host in emulators.hosts.items():
        path = str(getattr(host, "path", "/"))
        hosts.append(Sent("http", "GET", f"/{name}{path}", url, query=imds, headers=(("Metadata", "true"),)))
    control = [
        *(Sent("http", "GET", path, url) for path in ("/", "/azcred/openapi.json")),
        *(
            Sent("http", "GET", f"/azcred/{name}", url)
            for name in ("health", "ca", "environments", "directory", "clock", "faults", "journal", "sessions")
        ),
        Sent("http", "PUT", "/azcred/environments", url,
             json={"environments": ["kubernetes"], "environ": {"PATH": "/bin"}}),
        Sent("http", "PATCH", "/azcred/directory", url,
             json={"users": [{"name": "Eve", "tenant_id": tenant, "principal_name": "eve@contoso.com"}]}),
        Sent("http", "POST", "/azcred/clock", url, json={"advance": "5 min"}),
        Sent("http", "DELETE", "/azcred/clock", url),
        Sent("http", "POST", "/azcred/faults", url,
             json={"kind": "Status", "code": 429, "emulator": "imds", "times": 1, "method": "GET"}),
        Sent("http", "POST", "/azcred/tokens", url, json={"claims": {"aud": VAULT}, "defect": "expired"}),
        Sent("http", "POST", "/azcred/certificates", url, json={"names": ["x.example"]}),
        Sent("http", "POST", "/azcred/resources", url,
             json={"url": "https://x.vault.azure.net", "answers": [{"path": "/a", "status": 200, "json": {}}]}),
        Sent("http", "GET", "/azcred/journal/events", url, query=(("after", "1"),)),
        Sent("http", "DELETE", "/azcred/journal", url),
    ]  # fmt: skip
    return [*entra, *hosts, *control]


def replace_port(request: Sent, tunnel: str) -> Sent:
    """Return a request that goes through the proxy."""
    return Sent(request.port, request.method, request.path, request.host, form=request.form, tunnel=tunnel)


@pytest.fixture
def defects() -> Iterator[list[BaseException]]:
    """What threads have raised, which the server would print as tracebacks."""
    raised: list[BaseException] = []
    hook = threading.excepthook
    threading.excepthook = lambda details: raised.append(details.exc_value or RuntimeError("unknown"))
    yield raised
    threading.excepthook = hook


@pytest.mark.timeout(3600)
def test_every_request_is_answered(defects: list[BaseException]) -> None:
    """None hangs, none is a server error that nobody has scripted, and a fifth or more are right in spite of all."""
    chance = random.Random(SEED)
    statuses: Counter[int | None] = Counter()
    with StandaloneServer(Configuration()) as server:
        sender = Sender(server)
        right = right_requests(server)
        for number in range(REQUESTS):
            if number % _FORGET == 0:
                server.main.reset()
                right = right_requests(server)
            request = chance.choice(right)
            if chance.random() < 0.75:
                request = mutated(request, chance)
            status = sender.send(request)
            assert not defects, (number, request)
            assert status is None or status < 500 or (status == 501 and b"gzip" in request.frame), (number, request)
            statuses[status] += 1
            for faults in server.main.emulators.faults().values():
                faults.clear()
    answered = sum(count for status, count in statuses.items() if status and 200 <= status < 300)
    print(f"{answered / REQUESTS:.0%} of {REQUESTS} requests were answered with 2xx: {statuses}")
    assert answered >= REQUESTS / 5


def test_odd_tokens_are_refused_as_others(emulators: Emulators) -> None:
    """By whoever takes one: resources, Graph, Resource Manager and every grant with an assertion."""
    chance = random.Random(SEED)
    tenant, vault = contoso.TENANT.id, "shop.vault.azure.net"
    emulators.resources.add(vault).answer("GET", "/", json={})
    shop = Application(
        name="shop",
        tenant_id=tenant,
        secrets=(ClientSecret("s3cret"),),
        permission_grants=(ADMIN_CONSENT,),
        federated_credentials=(FederatedCredential(issuer(PUBLIC, tenant, 2), "subject", TOKEN_EXCHANGE_AUDIENCE),),
    )
    emulators.directory.add(shop)
    audiences = [shop.client_id, VAULT, "https://graph.microsoft.com", "https://management.azure.com"]
    now = int(emulators.clock.now())
    client = Client(emulators.application)
    statuses: Counter[int] = Counter()
    for number in range(TOKENS):
        audience = chance.choice([*audiences, TOKEN_EXCHANGE_AUDIENCE])
        right = {
            "aud": audience,
            "iss": issuer(PUBLIC, tenant, 2),
            "sub": "subject",
            "tid": tenant,
            "oid": identifiers.USER_ID,
            "appid": shop.client_id,
            "iat": now - 10,
            "nbf": now - 10,
            "exp": now + 3000,
            "ver": "2.0",
        }
        if chance.random() < 0.8:
            right["scp"] = "User.Read"
        claims = odd_claims(right, chance) if chance.random() < 0.8 else right
        token = signed(emulators.tokens.key, claims)
        for status in sent_everywhere(client, token, shop, vault):
            assert status < 500, (number, claims)
            statuses[status] += 1
    print(f"{TOKENS} tokens, everywhere: {statuses}")
    assert statuses[200] > TOKENS / 5


def sent_everywhere(client: Client, token: str, shop: Application, vault: str) -> Iterator[int]:
    """Send a token to whoever takes one; gives the statuses."""
    bearer = {"Authorization": f"Bearer {token}"}
    for host, path in (
        (vault, "/"),
        ("graph.microsoft.com", "/v1.0/me"),
        ("graph.microsoft.com", "/oidc/userinfo"),
        ("management.azure.com", "/subscriptions?api-version=2022-12-01"),
        ("management.azure.com", "/tenants?api-version=2022-12-01"),
    ):
        yield client.get(path, base_url=f"https://{host}", headers=bearer).status_code
    secret = {"client_id": shop.client_id, "client_secret": "s3cret"}
    by_assertion = {
        "client_id": shop.client_id,
        "client_assertion": token,
        "client_assertion_type": client_assertions.TYPE,
    }
    for form in (
        {"grant_type": "client_credentials", "scope": f"{VAULT}/.default", **by_assertion},
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "requested_token_use": "on_behalf_of",
            "assertion": token,
            "scope": f"{VAULT}/.default",
            **secret,
        },
        {
            "grant_type": "user_fic",
            "user_federated_identity_credential": token,
            "user_id": identifiers.USER_ID,
            "scope": f"{VAULT}/.default",
            **secret,
        },
    ):
        path = f"/{shop.tenant_id}/oauth2/v2.0/token"
        yield client.post(path, base_url=f"https://{ENTRA}", data=form).status_code
    query = {"client_id": shop.client_id, "id_token_hint": token, "response_type": "code", "scope": token}
    for endpoint in ("authorize", "logout"):
        path = f"/common/oauth2/v2.0/{endpoint}"
        yield client.get(path, base_url=f"https://{ENTRA}", query_string=query).status_code
