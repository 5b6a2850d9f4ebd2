"""Stand-ins: found by the host name, filled by tests, TOML and the control API, and written by users."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from azcred_emulators.apis.stand_in import StandIn
from azcred_emulators.apis.stand_ins import STAND_INS
from azcred_emulators.apis.stand_ins.loading import load_stand_ins
from azcred_emulators.audiences import SERVICES
from azcred_emulators.emulators import Emulators
from azcred_emulators.standalone.configuration import load
from azcred_emulators.standalone.server import StandaloneServer
from pytest_azcred.azcred import Azcred

OWN = '''
from pytest_azcred import Answer, ReceivedRequest, StandIn, answers


class Orders(StandIn):
    """An API of orders."""

    hosts = ("orders.*.contoso.com",)
    contents = {"orders": dict}

    @answers("GET", "/orders/<number>")
    def order(self, request: ReceivedRequest) -> object:
        return self.content["orders"].get(request.parameters["number"]) or Answer(404)
'''
TOML = """
stand_ins = ["own.py:Orders"]

[[resources]]
url = "https://orders.eu.contoso.com"
content.orders."1" = { state = "made" }

[[resources]]
url = "https://shop.vault.azure.net"
allowed = ["dana@contoso.com"]

[resources.content.secrets]
database = "hunter2"

[[resources.answers]]
path = "/states"
status = 202
then = [{ json = { state = "made" } }]
anonymous = true
"""


@pytest.mark.parametrize("kind", STAND_INS, ids=lambda kind: kind.__name__)
def test_every_stand_in_is_at_known_hosts(kind: type[StandIn]) -> None:
    """Each of its patterns is one of a service in the table of audiences."""
    hosts = [host.replace("*", "shop") for service in SERVICES for host in service.hosts]
    for pattern in kind.hosts:
        assert any(fnmatchcase(host, pattern) for host in hosts), pattern


@pytest.mark.parametrize("kind", STAND_INS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"{}", b'{"value": {"a": [1]}}', b"[" * 100_000, b"\xff"])
def test_requests_of_another_form(azcred: Azcred, kind: type[StandIn], body: bytes) -> None:
    """What the app sends wrongly is its mistake: no answer of a ready-made stand-in is a crash."""
    [pattern, *_] = kind.hosts
    resource = azcred.resource(f"https://{pattern.replace('*', 'shop')}")
    token = azcred.tokens.mint({"aud": resource.audience}).value
    bearer = quote(f"type=aad&ver=1.0&sig={token}") if resource.host.startswith("shop.documents") else f"Bearer {token}"
    statuses = set()
    with requests.Session() as session:
        for rule in kind.rules(resource.stand_in):  # type: ignore[arg-type]  # it has one
            path = re.sub("<[^>]+>", "x", rule.path.text)
            answer = session.request(rule.method, f"{resource.url}{path}", data=body, headers={"Authorization": bearer})
            statuses.add(answer.status_code)
            assert answer.status_code < 500, f"{rule.method} {path}: {answer.text}"
    assert statuses - {401, 403}  # the stand-in has been asked


def test_in_toml_and_over_the_control_api(tmp_path: Path) -> None:
    """The same names in all three places; what an application has sent can be read."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "azcred.toml").write_text(TOML)
    with StandaloneServer(load(tmp_path / "azcred.toml")) as server:
        session = next(iter(server.sessions.values()))
        url, https = session.emulators.http.url, session.emulators.https
        vault = {"url": "https://shop.vault.azure.net", "content": {"secrets": {"other": "value"}}, "allowed": []}
        described = requests.post(f"{url}/azcred/resources", json=vault).json()
        assert described["content"]["secrets"] == {"database": "hunter2", "other": "value"}
        proxies = {"https": f"http://127.0.0.1:{https.address[1]}"}
        (tmp_path / "ca.pem").write_text(requests.get(f"{url}/azcred/ca").text)
        options = {"proxies": proxies, "verify": str(tmp_path / "ca.pem")}
        states = [requests.get("https://shop.vault.azure.net/states", **options).status_code for _ in range(2)]  # type: ignore[arg-type]
        assert states == [202, 200]
        token = session.emulators.tokens.mint({"aud": "https://orders.eu.contoso.com"}).value
        headers = {"Authorization": f"Bearer {token}"}
        order = requests.get("https://orders.eu.contoso.com/orders/1", headers=headers, **options)  # type: ignore[arg-type]
        assert order.json() == {"state": "made"}
        read = requests.get(f"{url}/azcred/resources/orders.eu.contoso.com").json()
        assert [(each["path"], each["parameters"], each["status"]) for each in read["requests"]] == [
            ("/orders/1", {"number": "1"}, 200)
        ]
        assert "eyJ" not in str(read)
        refused = requests.post(f"{url}/azcred/resources", json={**vault, "content": {"secretz": {}}})
        assert "has no key 'secretz'; did you mean 'secrets'" in refused.json()["error"]
        assert requests.get(f"{url}/azcred/resources/other").status_code == 404
        challenged = requests.post(
            f"{url}/azcred/resources/shop.vault.azure.net/challenge", json={"claims": {"acrs": {"value": "c1"}}}
        )
        assert challenged.status_code == 200


@pytest.mark.slow
def test_of_a_users_own(pytester: pytest.Pytester) -> None:
    """By the ini option it is found by the host name, by the argument at any host; it lasts as long as the test."""
    pytester.makepyfile(own=OWN)
    pytester.makeini("[pytest]\nazcred_stand_ins = own.py:Orders\n")
    pytester.makepyfile(
        """
        import requests
        from azure.identity import ManagedIdentityCredential
        from own import Orders

        def read(url):
            token = ManagedIdentityCredential().get_token(f"{url}/.default").token
            return requests.get(f"{url}/orders/1", headers={"Authorization": f"Bearer {token}"})

        def test_by_its_host_name(azcred, fake_app_service):
            azcred.resource("https://orders.eu.contoso.com").fill(orders={"1": {"state": "made"}})
            assert read("https://orders.eu.contoso.com").json() == {"state": "made"}

        def test_its_content_is_the_tests(azcred, fake_app_service):
            azcred.resource("https://orders.eu.contoso.com")
            assert read("https://orders.eu.contoso.com").status_code == 404

        def test_at_any_host(azcred, fake_app_service):
            azcred.resource("https://shop.contoso.com", stand_in=Orders).fill(orders={"1": {"state": "made"}})
            assert read("https://shop.contoso.com").json() == {"state": "made"}
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("own.py", "a stand-in is named 'module:Class' or 'file.py:Class', not 'own.py'"),
        ("nowhere:Orders", "the stand-in 'nowhere:Orders' cannot be imported"),
        ("missing.py:Orders", "the stand-in 'missing.py:Orders' cannot be imported"),
        ("own.py:Other", "own.py has no stand-in 'Other'"),
        ("own.py:Nowhere", "the stand-in 'own.py:Nowhere' has no hosts"),
    ],
)
def test_what_is_no_stand_in(tmp_path: Path, name: str, sentence: str) -> None:
    """Is refused in a sentence."""
    (tmp_path / "own.py").write_text(f"{OWN}\n\nclass Nowhere(StandIn):\n    pass\n")
    with pytest.raises(ValueError, match=r".") as error:
        load_stand_ins([name], tmp_path)
    assert sentence in str(error.value)


@pytest.mark.slow
def test_the_option_is_checked_before_any_test(pytester: pytest.Pytester) -> None:
    """A misspelt name ends the run."""
    pytester.makeini("[pytest]\nazcred_stand_ins = nowhere:Orders\n")
    result = pytester.runpytest_subprocess()
    result.stderr.fnmatch_lines(["*azcred_stand_ins: the stand-in 'nowhere:Orders' cannot be imported*"])


def test_another_stand_in_at_the_same_host(azcred: Azcred, emulators: Emulators) -> None:
    """Its content would be lost, so it is refused."""
    azcred.resource("https://shop.vault.azure.net")
    with pytest.raises(ValueError, match="there is another resource at shop"):
        azcred.resource("https://shop.vault.azure.net", stand_in=StandIn)
