"""The configuration file of a server."""

from pathlib import Path

import pytest
from support.standalone import managed_identity_token

from azcred_emulators.directory import Application, ManagedIdentity, TokenTimes
from azcred_emulators.standalone.configuration import load
from azcred_emulators.standalone.server import StandaloneServer
from azcred_emulators.tokens.keys import SigningKey

EVERYTHING = """
environments = ["virtual-machine"]

[[tenants]]
id = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
domains = ["fabrikam.com"]

[[applications]]
name = "orders"
tenant_id = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
client_id = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
certificates = ["orders.pem"]
token_times = { lifetime = "10 min", refresh_in = 300 }

[[applications.secrets]]
value = "a secret"
expires = 1893456000

[[applications.federated_credentials]]
issuer = "https://token.actions.githubusercontent.com"
subject = "repo:fabrikam/orders:ref:refs/heads/main"

[[managed_identities]]
name = "jobs"
tenant_id = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
resource_id = "/jobs"

[[users]]
name = "Ida"
tenant_id = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
principal_name = "ida@fabrikam.com"
mfa = "enforced"

[hosts.app-service]
identities = ["jobs"]

[[faults]]
emulator = "imds"
kind = "Status"
code = 429
times = 2

[[resources]]
url = "https://shop.vault.azure.net"

[[resources.answers]]
path = "/secrets/database"
json = { value = "hunter2" }
"""

_ANSWER = "[[resources]]\nurl = 'https://x'\n[[resources.answers]]\npath = '/'"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A place for a file."""
    return tmp_path / "azcred.toml"


def test_everything_can_be_configured(file: Path) -> None:
    """Keys are the fields of what they describe; a certificate is a file beside this one."""
    key = SigningKey("orders")
    (file.parent / "orders.pem").write_text(key.pem().decode())
    file.write_text(EVERYTHING)
    with StandaloneServer(load(file)) as server:
        emulators = server.main.emulators
        directory = emulators.directory
        orders = directory.principal("dddddddd-dddd-4ddd-8ddd-dddddddddddd")
        assert isinstance(orders, Application)
        assert orders.certificates == (key.certificate,)
        assert orders.token_times == TokenTimes(lifetime=600, refresh_in=300)
        assert (orders.secrets[0].value, orders.secrets[0].expires) == ("a secret", 1893456000.0)
        assert [identity.name for identity in directory.assigned("app-service")] == ["jobs"]
        assert directory.user("ida@fabrikam.com")
        assert isinstance(directory.assigned("imds")[0], ManagedIdentity)
        assert emulators.resources.serves("shop.vault.azure.net", "/")
        for _ in range(2):
            statuses = [managed_identity_token(emulators.http.url).status_code for _ in range(3)]
            assert statuses == [429, 429, 200]
            server.main.reset()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http_port = ", "is not TOML: Invalid value"),
        ("http_port = 'x'", ":1: http_port must be an integer, not a string"),
        ("http_port = 70000", ":1: http_port must be a port, or 0 for a free one, not 70000"),
        ("\nhttp_prt = 1", ":2: the configuration has no key 'http_prt'; did you mean 'http_port'?"),
        ("environments = ['kubernets']", ":1: environments: there is no environment 'kubernets'; did you mean"),
        ("[[applications]]\nname = 'x'\ncertificates = ['no.pem']", "the file 'no.pem' cannot be read"),
        ("faults = 3", ":1: faults must be a list of tables"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_or_key(file: Path, text: str, reason: str) -> None:
    """Before anything is served."""
    file.write_text(text)
    with pytest.raises(ValueError, match=r"azcred\.toml") as error:
        load(file)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[applications]]\nnam = 'x'", "applications[0] has no key 'nam'; did you mean 'name'?"),
        ("[[applications]]\nname = 'x'", "applications[0] lacks 'tenant_id'"),
        ("[[users]]\nname = 1", "users[0] lacks 'tenant_id'"),
        ("[hosts.imds]\nidentities = ['x']", "hosts.imds.identities: there is no managed identity 'x'"),
        ("[[faults]]\nemulator = 'imds'\nkind = 'Gone'\ntimes = 'x'", "faults[0].times must be an integer"),
        ("[[resources]]\nurl = 'http://x'", "resources[0].url must be an https URL"),
        (f"{_ANSWER}\nstatus = 1", "an answer has a status from 200 to 599, not 1"),
        (f'{_ANSWER}\nheaders = {{ x = "a\\nb" }}', "an answer cannot have the header 'x'"),
        (f"{_ANSWER}\nbody = 'x'", "resources[0].answers[0] has no key 'body'"),
    ],
)
def test_what_cannot_be_set_up_is_said_with_its_key(file: Path, text: str, reason: str) -> None:
    """And no port stays open."""
    file.write_text(text)
    server = StandaloneServer(load(file))
    with pytest.raises(ValueError, match=r".") as error, server:
        pass
    assert reason in str(error.value)
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.main.emulators.http.url
