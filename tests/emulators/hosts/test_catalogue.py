"""A host is one module and one entry in the table of environments; what is missing in it is named at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests
from support.host_requests import VAULT

from azcred_emulators import hosts
from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.directory.identifiers import client_id
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments import ENVIRONMENTS, Environment, preparations
from azcred_emulators.environments.identities import SystemAssigned
from azcred_emulators.faults import Refuse, Throttle
from azcred_emulators.hosts.catalogue import host_classes
from azcred_emulators.hosts.host import Host
from azcred_emulators.hosts.imds import Imds
from azcred_emulators.hosts.refusals import Problem, Refusal
from azcred_emulators.tokens import Token

LIGHTHOUSE = '''
from azcred_emulators.hosts.host import Host
from azcred_emulators.hosts.refusals import Problem, Refusal


class Lighthouse(Host):
    """A host that only this test knows."""

    name = "lighthouse"
    path = "/lamp/token"
    secret_header = "X-Keeper"
    selectors = ("client_id", "object_id", "resource_id")
    refusals = {
        Problem.SECRET: Refusal(403, "stranger", "You are not the keeper"),
        Problem.NO_RESOURCE: Refusal(400, "dark", "Which lamp?"),
        Problem.UNKNOWN_RESOURCE: Refusal(400, "dark", "There is no lamp {resource}"),
        Problem.SEVERAL_IDENTITIES: Refusal(400, "fog", "Which keeper?"),
        Problem.NO_IDENTITY: Refusal(404, "fog", "There is no keeper"),
        Problem.IDENTITY_NOT_FOUND: Refusal(404, "fog", "There is no such keeper"),
        Problem.THROTTLED: Refusal(429, "storm", "Too many ships"),
        Problem.PATH: Refusal(404, "sea", "There is only water"),
        Problem.METHOD: Refusal(405, "sea", "Ships do not do that"),
        Problem.MALFORMED: Refusal(400, "sea", "That is no ship"),
    }

    def variables(self, url):
        return {"LAMP": f"{url}{self.path}", "KEEPER": self.machine.secret}

    def success(self, token, identity, resource, parameters):
        return {"light": token.value}

    def error_body(self, code, message, status):
        return {"horn": code, "message": message}
'''


@pytest.fixture
def lighthouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of the package and an entry of the table; returns the environment's name."""
    (tmp_path / "lighthouse.py").write_text(LIGHTHOUSE)
    monkeypatch.setattr(hosts, "__path__", [*hosts.__path__, str(tmp_path)])
    environment = Environment(
        name="island",
        description="an island with a lighthouse",
        identity=SystemAssigned(client_id(99)),
        host="lighthouse",
        addresses=(("127.0.0.1", 50999),),
        resource_id="/subscriptions/1/resourceGroups/sea/providers/Contoso.Sea/lighthouses/1",
        variables=preparations.host_variables("lighthouse"),
    )
    monkeypatch.setitem(ENVIRONMENTS, environment.name, environment)
    yield environment.name
    sys.modules.pop("azcred_emulators.hosts.lighthouse", None)


def test_a_new_host_is_one_module_and_one_entry(lighthouse: str) -> None:
    """It has a URL, an identity, refusals by name and throttling, and its own address; the journal names it."""
    with Emulators(environment=lighthouse) as emulators:
        variables = emulators.variables({})
        url, headers = variables["LAMP"], {"X-Keeper": variables["KEEPER"]}
        assert url == f"{emulators.http.url}/lighthouse/lamp/token"
        token = requests.get(url, params={"resource": VAULT}, headers=headers, timeout=10).json()["light"]
        claims = emulators.tokens.check(token, audiences=[VAULT])
        identity = emulators.directory.principal(client_id(99))
        assert isinstance(identity, ManagedIdentity)
        assert claims["appid"] == identity.client_id

        emulators.faults_of("lighthouse").add(Throttle(retry_after=1), Refuse("several-identities"))
        throttled, refused = (requests.get(url, params={"resource": VAULT}, timeout=10) for _ in range(2))
        assert (throttled.status_code, throttled.headers["Retry-After"], throttled.json()["horn"]) == (
            429,
            "1",
            "storm",
        )
        assert (refused.status_code, refused.json()["message"]) == (400, "Which keeper?")

        real = requests.get(
            f"{emulators.http.url}/lamp/token", headers={"Host": "localhost:50999", **headers}, timeout=10
        )
        assert (real.status_code, real.json()["message"]) == (400, "Which lamp?")
        assert [entry.status for entry in emulators.journal.requests(host="lighthouse")] == [200, 429, 400, 400]


def test_every_host_of_the_table_is_there() -> None:
    """And every host has a place."""
    named = {environment.host for environment in ENVIRONMENTS.values() if environment.host}
    assert named - {"identity-binding"} == set(host_classes())


class Beacon(Host):
    """A host without a name, so it is none yet."""

    path = "/token"
    needs_metadata = True
    refusals = Imds.refusals

    def variables(self, url: str) -> Mapping[str, str]:
        """Return none."""
        return {}

    def success(
        self, token: Token, identity: ManagedIdentity, resource: str, parameters: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Return nothing."""
        return {}

    def error_body(self, code: str, message: str, status: int) -> str:
        """Return the message."""
        return message


def test_a_table_without_a_refusal_that_is_needed_is_an_error() -> None:
    """When the class is made, not at the first request that has the problem."""
    incomplete = {problem: refusal for problem, refusal in Imds.refusals.items() if problem != Problem.METADATA_HEADER}
    with pytest.raises(
        TypeError, match="the host 'beacon' has no refusal for METADATA_HEADER, SELECTOR: add it to its `refusals`"
    ):
        type("Named", (Beacon,), {"name": "beacon", "refusals": incomplete})


def test_a_message_with_an_unknown_placeholder_is_an_error() -> None:
    """When the row is written."""
    with pytest.raises(ValueError, match=re.escape("cannot hold {colour}: 'Not {colour}'")):
        Refusal(400, "no", "Not {colour}")


def test_two_hosts_of_one_name_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them would never be asked."""
    (tmp_path / "second.py").write_text(
        "from azcred_emulators.hosts.imds import Imds\n\n\nclass Second(Imds):\n    pass\n"
    )
    monkeypatch.setattr(hosts, "__path__", [*hosts.__path__, str(tmp_path)])
    with pytest.raises(TypeError, match="the hosts Imds and Second have the same name 'imds'"):
        host_classes()
    sys.modules.pop("azcred_emulators.hosts.second", None)
