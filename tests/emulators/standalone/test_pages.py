"""The page at `/`, without a browser: what it shows, escapes and refuses."""

import http.client
from urllib.parse import urlencode

import pytest
from support.standalone import managed_identity_token

from azcred_emulators.standalone.control.client import ControlClient
from azcred_emulators.standalone.control.pages import FAULTS
from azcred_emulators.standalone.server import StandaloneServer


def ask(
    client: ControlClient, method: str, path: str, form: dict[str, str] | None = None, **headers: str
) -> tuple[int, str]:
    """Send what a browser would and return status and body."""
    connection = http.client.HTTPConnection(*client.address, timeout=20)
    given = {"Content-Type": "application/x-www-form-urlencoded", "Origin": client.url, **headers}
    connection.request(method, path, urlencode(form or {}), given)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def test_the_page_shows_who_asked_for_what(client: ControlClient) -> None:
    """With the claims of the token, and nothing that would make one."""
    token = managed_identity_token(client.url).json()["access_token"]
    status, page = ask(client, "GET", "/")
    assert status == 200
    assert "managed-identity" in page
    assert "https://vault.azure.net" in page
    assert "<dt>aud</dt>" in page
    assert token.split(".")[2] not in page
    assert "http" not in page.split("<style>")[1].split("</style>")[0]


def test_everything_shown_is_escaped(client: ControlClient, server: StandaloneServer) -> None:
    """Also what clients and the directory make up."""
    evil = '"><script>alert(1)</script>'
    identity = {"name": evil, "tenant_id": evil, "resource_id": "/x", "client_id": "evil"}
    client.patch("/directory", {"managed_identities": [identity], "hosts": {"imds": {"identities": ["evil"]}}})
    managed_identity_token(client.url)
    connection = http.client.HTTPConnection(*client.address, timeout=20)
    connection.request("GET", f"/metadata/identity/oauth2/token?{urlencode({'resource': evil})}")
    connection.getresponse().read()
    connection.close()
    assert len(server.main.emulators.journal.requests()) == 2
    _, page = ask(client, "GET", "/")
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_can_be_switched_on(client: ControlClient, name: str) -> None:
    """By its words on the page."""
    form = {"emulator": "imds", "fault": name, "times": "2"}
    assert ask(client, "POST", "/azcred/pages/fault", form)[0] == 303
    assert [one["kind"] for one in client.get("/faults")["faults"]["imds"]] == [FAULTS[name]["kind"]] * 2
    assert ask(client, "POST", "/azcred/pages/faults/none")[0] == 303
    assert client.get("/faults")["faults"]["imds"] == []


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("fault", {"emulator": "x", "fault": "500 Internal Server Error", "times": "1"}),
        ("fault", {"emulator": "imds", "fault": "x"}),
        ("fault", {"emulator": "imds", "fault": "500 Internal Server Error", "times": "many"}),
        ("clock", {"advance": "7"}),
        ("clock", {"advance": "x"}),
        ("environment", {"name": "x"}),
        ("environment", {}),
    ],
)
def test_forms_that_no_page_has(client: ControlClient, path: str, form: dict[str, str]) -> None:
    """They are refused with a reason."""
    status, answer = ask(client, "POST", f"/azcred/pages/{path}", form)
    assert status == 400
    assert "error" in answer


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_forms_of_other_pages_are_refused(client: ControlClient, headers: dict[str, str]) -> None:
    """The clock stays where it is."""
    before = client.get("/clock")["now"]
    assert ask(client, "POST", "/azcred/pages/clock", {"advance": "90000"}, **headers)[0] == 403
    assert client.get("/clock")["now"] < before + 3600
