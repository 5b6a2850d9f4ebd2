"""The control API, by its client and by hand."""

import http.client
import json
import ssl
import threading
from collections.abc import Mapping

import jwt
import pytest
from support.standalone import VAULT, managed_identity_token

from azcred_emulators.directory.contoso import TENANT
from azcred_emulators.emulation.crashes import EmulatorCrash
from azcred_emulators.emulation.criteria import CLOSED
from azcred_emulators.faults import Gone, Status
from azcred_emulators.standalone.client import remote_emulators
from azcred_emulators.standalone.control.client import ControlClient, ServerError
from azcred_emulators.standalone.server import StandaloneServer

JSON = {"Content-Type": "application/json"}


def ask(client: ControlClient, method: str, path: str, headers: Mapping[str, str], body: str = "{}") -> tuple[int, str]:
    """Send a request with these headers and return status and body."""
    connection = http.client.HTTPConnection(*client.address, timeout=20)
    connection.request(method, path, body if method != "GET" else None, dict(headers))
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def test_the_directory_is_a_document(client: ControlClient) -> None:
    """What is read can be written again, and a change is known to the token service at once."""
    before = client.get("/directory")
    tenant = before["tenants"][0]["id"]
    identity = {"name": "orders", "tenant_id": tenant, "resource_id": "/orders", "client_id": "0dde25"}
    after = client.patch(
        "/directory", {"managed_identities": [identity], "hosts": {"imds": {"identities": ["orders"]}}}
    )
    assert "orders" in [one["name"] for one in after["managed_identities"]]
    token = managed_identity_token(client.url).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["appid"] == "0dde25"
    client.put("/directory", before)
    assert client.get("/directory") == before


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"aplications": []}, "the directory has no key 'aplications'; did you mean 'applications'?"),
        ({"users": {}}, "users must be a list, not a table"),
        ({"users": [{"name": "x"}]}, "users[0] lacks 'tenant_id'"),
        ({"hosts": {"imds": {"identities": ["nobody"]}}}, "there is no managed identity 'nobody'"),
    ],
)
def test_what_is_wrong_with_a_directory_is_said(client: ControlClient, body: dict[str, object], reason: str) -> None:
    """And nothing is changed."""
    before = client.get("/directory")
    with pytest.raises(ServerError, match="refused") as refused:
        client.put("/directory", body)
    assert reason in str(refused.value)
    assert client.get("/directory") == before


def test_the_clock_moves_what_is_issued(client: ControlClient) -> None:
    """A day later the metadata service hands out another token."""
    first = managed_identity_token(client.url).json()
    client.post("/clock", {"advance": "25 hours"})
    second = managed_identity_token(client.url).json()
    assert int(second["expires_on"]) - int(first["expires_on"]) >= 25 * 3600 - 5
    moved = client.post("/clock", {"now": 2_000_000_000})["now"]
    assert 2_000_000_000 <= moved < 2_000_000_060
    moved = client.post("/clock", {"now": "2040-01-31T12:00:00+01:00"})["now"]
    assert 2_211_620_400 <= moved < 2_211_620_460
    assert client.delete("/clock")["now"] < 2_000_000_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, r"the clock moves either by a duration \('advance'\) or to a moment \('now'\)"),
        ({"advance": 1, "now": 1}, r"the clock moves either by a duration"),
        ({"now": 1e300}, "the clock moves within the years from 1970 to 2099"),
        ({"now": "5 min"}, "a moment is epoch seconds or ISO 8601 such as '2030-01-31T12:00:00Z', not '5 min'"),
        ({"now": True}, "not True"),
        ({"now": [1]}, "a moment is epoch seconds"),
        ({"advance": -3e9}, "the clock moves within the years from 1970 to 2099"),
        ({"advance": -1e12}, "the body.advance: a duration is at most a century"),
        ({"advance": "1"}, "the body.advance: a duration is .* or text such as '5 min', .*, not '1'"),
        ({"advance": "5 fortnights"}, "not '5 fortnights'"),
        ({"advance": True}, "not True"),
    ],
)
def test_a_clock_that_cannot_be_moved(client: ControlClient, body: dict[str, object], reason: str) -> None:
    """It stays where it is."""
    before = client.get("/clock")["now"]
    with pytest.raises(ServerError, match=reason):
        client.post("/clock", body)
    assert 0 <= client.get("/clock")["now"] - before < 600


def test_faults_apply_to_the_next_requests(client: ControlClient) -> None:
    """In their order; what is left is told, and can be forgotten."""
    client.post("/faults", {"emulator": "imds", "kind": "Status", "code": 429, "retry_after": 1, "times": 2})
    assert managed_identity_token(client.url).status_code == 429
    assert [fault["kind"] for fault in client.get("/faults")["faults"]["imds"]] == ["Status"]
    client.post("/faults", {"emulator": "imds", "kind": "Gone", "operation": "token"})
    client.post("/faults", {"emulator": "app-service", "kind": "Gone"})
    assert client.delete("/faults?emulator=app-service")["faults"]["app-service"] == []
    assert managed_identity_token(client.url).status_code == 429
    client.delete("/faults")
    assert managed_identity_token(client.url).status_code == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"emulator": "nobody", "kind": "Gone"}, "no emulator 'nobody'"),
        ({"emulator": "imds", "kind": "Gonne"}, "did you mean 'Gone'"),
        ({"emulator": "imds", "kind": "Gone", "times": 0}, "times must be from 1"),
        ({"emulator": "imsd", "kind": "Gone"}, "no emulator 'imsd'; did you mean 'imds'"),
        ({"emulator": "imds", "kind": "Gone", "x": 1}, "the fault Gone has no field 'x'"),
        ({"emulator": "imds", "kind": "Gone", "opration": "token"}, "no field 'opration'; did you mean 'operation'"),
        ({"emulator": "imds", "kind": "Gone", "operation": "tokn"}, "did you mean 'token'"),
        ({"emulator": "imds", "kind": "Gone", "resource": 1}, "is text or None, not 1"),
        ({"emulator": "imds", "kind": "Gone", "resource": f"{VAULT}/.default"}, f"write resource='{VAULT}'"),
        ({"emulator": "graph", "kind": "Throttle"}, "the emulator 'graph' has no answer for Throttle"),
    ],
)
def test_a_fault_that_there_is_not(client: ControlClient, body: dict[str, object], reason: str) -> None:
    """The answer says what there is."""
    with pytest.raises(ServerError, match=reason):
        client.post("/faults", body)
    assert not any(client.get("/faults")["faults"].values())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"path": "secrets/x"}, "the resource.answers: an answer is for a path alone, which starts with a slash"),
        ({"path": "/", "method": "GTE"}, "there is no method 'GTE'; did you mean 'GET'"),
        ({"path": "/", "status": 99}, "an answer has a status from 200 to 599, not 99"),
        ({"path": "/", "json": {}, "data": "{}"}, "an answer has one body"),
    ],
)
def test_an_answer_that_nobody_gets(client: ControlClient, answer: dict[str, object], reason: str) -> None:
    """The same for the answers of a resource."""
    with pytest.raises(ServerError, match=reason):
        client.post("/resources", {"url": "https://shop.vault.azure.net", "answers": [answer]})


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        (
            "DELETE",
            "/faults?emulatr=imds",
            "DELETE /azcred/faults has no parameter 'emulatr'; did you mean 'emulator'?",
        ),
        ("DELETE", "/faults?emulator=imsd", "there is no emulator 'imsd'; did you mean 'imds'"),
        ("GET", "/health?x=1", "GET /azcred/health has no parameter 'x'; there are none"),
        ("GET", "/journal?after=1&after=2", "the parameter 'after' is given 2 times"),
        ("DELETE", "/directory/user/x", "the directory has no 'user'; did you mean 'users'"),
        ("DELETE", "/directory/users/x", "the directory has none of the users with the id 'x'"),
        ("DELETE", "/resources/shop.example", "there is no resource at 'shop.example'"),
        ("GET", "/sessions/two", "there is no session 'two'"),
    ],
)
def test_what_there_is_not(client: ControlClient, method: str, path: str, reason: str) -> None:
    """Nothing is done instead."""
    status, answer = ask(client, method, f"/azcred{path}", {})
    assert status in (400, 404)
    assert reason in json.loads(answer)["error"]


def test_single_entries_are_removed(client: ControlClient) -> None:
    """Of the directory, with where they are assigned, and of the resources."""
    before = client.get("/directory")
    identity = before["managed_identities"][0]
    client.delete(f"/directory/managed_identities/{identity['client_id']}")
    after = client.get("/directory")
    assert after["managed_identities"] == before["managed_identities"][1:]
    assert all(identity["client_id"] not in host["identities"] for host in after["hosts"].values())
    client.post("/resources", {"url": VAULT})
    client.delete(f"/resources/{VAULT.removeprefix('https://')}")
    with pytest.raises(ServerError, match="there is no resource at"):
        client.delete(f"/resources/{VAULT.removeprefix('https://')}")


def test_a_place_without_the_host(client: ControlClient) -> None:
    """A process in App Service finds IMDS nevertheless, but no other host."""
    client.put("/environments", {"environments": ["app-service"]})
    client.post("/faults", {"emulator": "imds", "kind": "Gone"})
    with pytest.raises(ServerError, match="the app is in app-service, which has no 'functions'; it is in functions"):
        client.post("/faults", {"emulator": "functions", "kind": "Throttle"})


def test_the_values_of_closed_fields(client: ControlClient) -> None:
    """For whoever checks the journal in another language."""
    values = client.get("/journal/values")
    assert set(values) == CLOSED
    assert {"imds", "app-service"} <= set(values["host"])


def test_a_crash(client: ControlClient, server: StandaloneServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Its traceback is on standard error, and the session shows it until it is reset, to a test run as well."""

    class Broken(Gone):
        """A kind with a defect."""

        def answer(self) -> Status:
            raise ZeroDivisionError

    with remote_emulators(client.url) as remote:
        server.sessions[remote.name].emulators.faults_of("imds").add(Broken())
        assert managed_identity_token(remote.http.url).status_code == 500
        with pytest.raises(EmulatorCrash, match=r"'imds' crashed .*\nTraceback"):
            remote.crashes.check()
        assert "ZeroDivisionError" in capsys.readouterr().err
        remote.journal.assert_requests(status=500, provider="managed-identity", times=1)
        with pytest.raises(ValueError, match="did you mean 'managed-identity'"):
            remote.journal.requests(provider="managed-identty")
        with pytest.raises(LookupError, match="there is no emulator 'imsd'; did you mean 'imds'"):
            remote.faults_of("imsd")
        remote.reset()
        remote.crashes.check()
    assert client.get("/health")["crashes"] == []


def test_the_journal_holds_no_token(client: ControlClient) -> None:
    """It has the claims, without the signature that would make a token of them."""
    token = managed_identity_token(client.url).json()["access_token"]
    (entry,) = client.get("/journal")["entries"]
    assert (entry["emulator"], entry["status"], entry["claims"]["aud"]) == ("imds", 200, VAULT)
    assert token.split(".")[2] not in json.dumps(entry)
    assert client.get("/journal", after=1)["entries"] == []
    client.delete("/journal")
    assert client.get("/journal")["entries"] == []


def test_the_journal_can_be_followed(client: ControlClient) -> None:
    """As server-sent events: what there was already, and what comes."""
    managed_identity_token(client.url)
    connection = http.client.HTTPConnection(*client.address, timeout=20)
    connection.request("GET", "/azcred/journal/events")
    events = connection.getresponse()
    assert events.headers["Content-Type"] == "text/event-stream"
    asking = threading.Thread(target=managed_identity_token, args=(client.url,))
    asking.start()
    numbers: list[int] = []
    while len(numbers) < 2:
        line = events.readline().decode()
        if line.startswith("data: "):
            numbers.append(json.loads(line[6:])["number"])
    asking.join()
    connection.close()
    assert numbers == [1, 2]


def test_a_token_is_minted(client: ControlClient) -> None:
    """Sound or with a defect, and against the published keys."""
    minted = client.post("/tokens", {"claims": {"aud": "api://orders", "roles": ["Read"]}})
    assert jwt.decode(minted["token"], options={"verify_signature": False})["roles"] == ["Read"]
    assert minted["claims"]["aud"] == "api://orders"
    assert client.post("/tokens", {"defect": "expired"})["token"] != minted["token"]
    with pytest.raises(ServerError, match="there is no defect 'x'"):
        client.post("/tokens", {"defect": "x"})


def test_reset_returns_to_the_start(client: ControlClient) -> None:
    """Journal, directory, faults and clock."""
    start = client.get("/directory")
    managed_identity_token(client.url)
    client.put("/directory", {"tenants": [{"id": TENANT.id}]})
    client.post("/faults", {"emulator": "imds", "kind": "Gone"})
    client.post("/clock", {"advance": 1000})
    client.post("/reset")
    assert client.get("/directory") == start
    assert client.get("/journal")["entries"] == []
    assert not client.get("/faults")["faults"]["imds"]


def test_sessions_know_nothing_of_each_other(server: StandaloneServer, client: ControlClient) -> None:
    """Each has ports, directory, clock, faults, journal and signing keys of its own; the authority to trust is one."""
    one, two = (ControlClient(client.post("/sessions", {"name": name})["http"]) for name in ("one", "two"))
    one.post("/faults", {"emulator": "imds", "kind": "Status", "code": 500})
    one.post("/clock", {"advance": 86400})
    one.put("/directory", {"tenants": [{"id": TENANT.id}]})
    assert managed_identity_token(one.url).status_code == 500
    token = managed_identity_token(two.url).json()["access_token"]
    assert [entry["status"] for entry in one.get("/journal")["entries"]] == [500]
    assert [entry["status"] for entry in two.get("/journal")["entries"]] == [200]
    assert two.get("/directory")["users"]
    assert one.get("/clock")["now"] - two.get("/clock")["now"] > 86000
    other = managed_identity_token(client.url).json()["access_token"]
    assert jwt.get_unverified_header(token)["kid"] != jwt.get_unverified_header(other)["kid"]
    assert one.certificate_authority() == two.certificate_authority()
    assert [session["session"] for session in client.get("/sessions")["sessions"]] == ["main", "one", "two"]
    assert client.delete("/sessions/one") == {"closed": "one"}
    with pytest.raises(ServerError, match="there is no session 'one'"):
        client.delete("/sessions/one")
    with pytest.raises(ServerError, match="there is no session 'main' that could be closed"):
        client.delete("/sessions/main")
    assert client.get("/sessions/two")["http"] != client.url
    with pytest.raises(ServerError, match="there is a session 'two' already"):
        client.post("/sessions", {"name": "two"})
    with pytest.raises(ServerError, match="a session's name"):
        client.post("/sessions", {"name": "../two"})


def test_environments_follow_one_another(client: ControlClient) -> None:
    """Only where the app has a metadata service does that have an identity."""
    client.put("/environments", {"environments": ["app-service"]})
    assert managed_identity_token(client.url).status_code == 400
    place = client.put("/environments", {"environments": ["virtual-machine"]})
    assert "IDENTITY_ENDPOINT" not in place["environ"]
    assert place["environ"]["HTTP_PROXY"] == client.url
    assert managed_identity_token(client.url).status_code == 200
    place = client.put("/environments", {"environments": ["functions", "on-premises-secret"]})
    assert {"IDENTITY_ENDPOINT", "AZURE_CLIENT_SECRET", "FUNCTIONS_WORKER_RUNTIME"} <= set(place["environ"])
    active = [one["name"] for one in client.get("/environments")["environments"] if one["active"]]
    assert active == ["functions", "on-premises-secret"]
    with pytest.raises(ServerError, match="did you mean 'kubernetes'"):
        client.put("/environments", {"environments": ["kubernets"]})
    place = client.put("/environments", {"environments": ["managed-identity"]})
    assert [setup["environment"] for setup in place["setups"]] == ["virtual-machine"]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {**JSON, "Origin": "https://evil.example"}, 403),
        ("POST", {**JSON, "Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", {"Content-Type": "text/plain"}, 415),
        ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("OPTIONS", {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}, 403),
        ("GET", {"Host": "evil.example"}, 404),
        ("GET", {"Host": "login.microsoftonline.com"}, 404),
        ("GET", {"Host": "169.254.169.254"}, 404),
    ],
)
def test_no_page_of_others_controls_it(
    client: ControlClient, method: str, headers: dict[str, str], status: int
) -> None:
    """Neither by a form or script of another origin, nor under another name, nor under one that is emulated."""
    answered, body = ask(client, method, "/azcred/clock", headers, '{"advance": 1}')
    assert answered == status
    assert '"now"' not in body


def test_the_emulated_names_do_not_lead_to_it(client: ControlClient, server: StandaloneServer) -> None:
    """Neither through the proxy nor at the HTTPS port, whatever the Host header says."""
    assert ask(client, "GET", f"{client.url}/azcred/directory", {})[0] == 403
    assert ask(client, "GET", "http://169.254.169.254/azcred/directory", {})[0] == 404
    assert ask(client, "GET", "http://169.254.169.254/azcred/directory", {"Host": "localhost"})[0] == 404
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(*server.main.emulators.https.address, context=context, timeout=20)
    connection.request("GET", "/azcred/directory")
    response = connection.getresponse()
    assert response.status == 404
    assert b"tenants" not in response.read()
    connection.close()


@pytest.mark.parametrize("body", ["", "[]", "{", '"x"', "{}x", "NaN", "[" * 100_000, '{"advance": Infinity}', "\xff"])
def test_bodies_that_are_none(client: ControlClient, body: str) -> None:
    """The answer is a sentence."""
    status, answer = ask(client, "POST", "/azcred/clock", JSON, body)
    assert status == 400
    assert json.loads(answer)["error"].startswith(("the body", "the clock"))


def test_the_document_describes_every_operation(client: ControlClient) -> None:
    """It is OpenAPI's, and names what each operation takes."""
    document = client.get("/openapi.json")
    assert document["openapi"] == "3.0.3"
    assert set(document["paths"]["/azcred/clock"]) == {"get", "post", "delete"}
    body = document["paths"]["/azcred/directory"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert "client_id" in body["properties"]["applications"]["items"]["properties"]
