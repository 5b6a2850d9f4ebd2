"""The real Azure CLI signs in against the emulators, and the fake one prints what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import jwt
import pytest
from support.az_output import normalized

from azcred_emulators.directory import (
    Application,
    ClientSecret,
    ConditionalAccessPolicy,
    ManagedIdentity,
    Subscription,
    Tenant,
    User,
    contoso,
    identifiers,
)
from azcred_emulators.emulators import Emulators
from azcred_emulators.environments.processes import connection
from azcred_emulators.tokens.keys import SigningKey

AZ = Path(__file__).parents[2] / ".venv-az" / ("Scripts/az.bat" if sys.platform == "win32" else "bin/az")
VAULT = "https://vault.azure.net"
TENANT = contoso.TENANT.id
OTHER = Tenant("99999999-9999-4999-8999-999999999999", ("fabrikam.com",), "Fabrikam")
TOKEN = ("account", "get-access-token")
SHOW = (("account", "show"), ("account", "list"), ("account", "list", "-o", "table"))

pytestmark = [
    pytest.mark.skipif(not AZ.exists(), reason="the Azure CLI is not installed; run: make test-az"),
    pytest.mark.timeout(300),  # each call of the real one takes half a second, and more on a busy machine
]


@pytest.fixture
def emulators(azcred_emulators: Emulators) -> Iterator[Emulators]:
    """The emulators in the state they start in, with the fake `az` installed."""
    azcred_emulators.executables.install("az")
    yield azcred_emulators
    azcred_emulators.reset()


class Both:
    """The real `az` and the fake, each with a configuration folder of its own, that do the same."""

    def __init__(self, emulators: Emulators, folder: Path) -> None:
        self._emulators = emulators
        self._folder = folder
        self._fake = emulators.executables.install("az") / "az"
        self._variables = {
            **connection(emulators, {}),
            "HOME": str(folder),
            "PATH": os.defpath,
            "TZ": "Asia/Kolkata",
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
        }

    def real(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the real one."""
        return self._run(AZ, "real", arguments)

    def fake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the fake one."""
        return self._run(self._fake, "fake", arguments)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run both, check that they print the same, and return the result of the real one."""
        real, fake = self.real(*arguments), self.fake(*arguments)
        printed = [(normalized(result.stdout), normalized(result.stderr), result.returncode) for result in (real, fake)]
        assert printed[1] == printed[0]
        return real

    def _run(self, az: Path, name: str, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [az, *arguments],
            cwd=self._folder,
            env={**self._variables, "AZURE_CONFIG_DIR": str(self._folder / name)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def both(emulators: Emulators, tmp_path: Path) -> Both:
    """The real `az` and the fake."""
    return Both(emulators, tmp_path)


@pytest.fixture
def application(emulators: Emulators) -> Application:
    """The service principal of the directory that a run starts with."""
    principal = emulators.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(principal, Application)
    return principal


@pytest.fixture
def user(emulators: Emulators) -> User:
    """The user of the directory that a run starts with."""
    dana = emulators.directory.user(identifiers.USER_PRINCIPAL_NAME)
    assert dana
    return dana


def claims_of(result: subprocess.CompletedProcess[str], emulators: Emulators) -> dict[str, object]:
    """Verify the token that was printed and return its claims."""
    token = json.loads(result.stdout)["accessToken"]
    return dict(jwt.decode(token, emulators.tokens.key.public, algorithms=["RS256"], options={"verify_aud": False}))


def service_principal(application: Application, *proof: str) -> tuple[str, ...]:
    """Return the command that signs an application in."""
    return ("login", "--service-principal", "-u", application.client_id, "--tenant", TENANT, *proof)


def test_a_secret(both: Both, emulators: Emulators, application: Application) -> None:
    """Signing in, tokens by every argument, the subscription, and signing out."""
    secret = application.secrets[0].value
    both(*TOKEN)
    both(*service_principal(application, "-p", "wrong"))
    both(*service_principal(application, "-p", secret))
    both(*service_principal(application, "-p", "wrong"))  # which msal does not try yet: it has a token
    both(*service_principal(application, "-p", secret))
    claims = claims_of(both(*TOKEN, "--output", "json", "--resource", VAULT), emulators)
    assert (claims["appid"], claims["aud"]) == (application.client_id, VAULT)
    for command in SHOW:
        both(*command)
    both(*TOKEN, "--scope", "https://storage.azure.com/.default", "-o", "yaml")
    both(*TOKEN, "--resource-type", "ms-graph", "--query", "tokenType", "-o", "tsv")
    both(*TOKEN, "--tenant", "contoso.onmicrosoft.com")
    both(*TOKEN, "--tenant", OTHER.id)
    both(*TOKEN, "--resource", "https://nowhere.example")
    both(*TOKEN, "-s", "nope")
    emulators.directory.replace(application, secrets=(ClientSecret(secret, expires=emulators.clock.now() - 1),))
    both(*TOKEN, "--resource", "https://servicebus.azure.net")
    both("logout")
    both(*TOKEN)
    entries = emulators.journal.requests(emulator="authority", operation="token", status=200)
    assert {entry.identity for entry in entries} == {application.name}


def test_a_certificate(both: Both, emulators: Emulators, application: Application, tmp_path: Path) -> None:
    """The real `az` reads the file, signs an assertion and gets a token."""
    key = SigningKey("client")
    (tmp_path / "client.pem").write_bytes(key.pem())
    both(*service_principal(application, "--certificate", "client.pem"))
    emulators.directory.replace(application, certificates=(key.certificate,))
    both(*service_principal(application, "--certificate", "client.pem"))
    assert claims_of(both(*TOKEN, "--resource", VAULT), emulators)["appidacr"] == "2"


def test_a_federated_token(both: Both, emulators: Emulators) -> None:
    """A service account's token signs the workload identity in."""
    issuer = emulators.issuers.get(identifiers.CLUSTER_ISSUER)
    login = ("login", "--service-principal", "-u", identifiers.WORKLOAD_CLIENT_ID, "-t", TENANT, "--federated-token")
    both(*login, issuer.assertion("system:serviceaccount:default:another"))
    both(*login, issuer.assertion(identifiers.SERVICE_ACCOUNT))
    assert claims_of(both(*TOKEN), emulators)["appid"] == identifiers.WORKLOAD_CLIENT_ID


@pytest.mark.parametrize("selector", [None, "client_id", "object_id", "resource_id"])
def test_a_managed_identity(both: Both, emulators: Emulators, selector: str | None) -> None:
    """Signing in by the metadata service, with the system's identity and by each id of a user-assigned one."""
    for identity in emulators.directory.assigned("imds"):
        emulators.directory.unassign("imds", identity)
    both("login", "--identity")
    identity = emulators.directory.add(
        ManagedIdentity(
            name="identity",
            tenant_id=TENANT,
            resource_id=f"{identifiers.RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/identity",
            system_assigned=selector is None,
        )
    )
    emulators.directory.assign("imds", identity)
    option = (f"--{selector.replace('_', '-')}", str(getattr(identity, selector))) if selector else ()
    both("login", "--identity", *option)
    assert claims_of(both(*TOKEN, "--resource", VAULT), emulators)["oid"] == identity.object_id
    both("account", "show")
    both(*TOKEN, "--tenant", OTHER.id)
    emulators.directory.unassign("imds", identity)
    both(*TOKEN, "--resource", "https://storage.azure.com")
    assert emulators.journal.requests(host="imds", operation="token", status=200)


def test_a_user(both: Both, emulators: Emulators, user: User) -> None:
    """A password, two tenants of which one asks for more, and a session that ends."""
    emulators.directory.add(OTHER)
    emulators.directory.add(Subscription(name="Theirs", tenant_id=OTHER.id))
    emulators.directory.replace(user, guest_in=(OTHER.id,))
    both("login", "-u", user.principal_name, "-p", "wrong")
    both("login", "-u", user.principal_name, "-p", user.password)
    assert claims_of(both(*TOKEN, "--resource", VAULT), emulators)["oid"] == user.object_id
    both("account", "set", "-s", "Theirs")
    both("account", "show")
    both(*TOKEN)
    emulators.directory.add(ConditionalAccessPolicy(name="mfa", tenant_id=OTHER.id, built_in_controls=("mfa",)))
    both(*TOKEN, "--resource", VAULT)
    both("login", "-u", user.principal_name, "-p", user.password)
    emulators.directory.replace(user, tokens_valid_from=emulators.clock.now() + 60)
    both(*TOKEN, "--resource", "https://storage.azure.com")
    both("logout")
    both("account", "list")


def test_a_device_code(both: Both, emulators: Emulators, user: User) -> None:
    """A person types in the code that the real one shows, and it is signed in."""
    codes = emulators.authority.context.device_codes

    def approve(az: Callable[..., subprocess.CompletedProcess[str]]) -> subprocess.CompletedProcess[str]:
        with ThreadPoolExecutor(1) as pool:
            process = pool.submit(az, "login", "--use-device-code")
            while not process.done():  # the code is there as soon as the tool has asked for one
                for code in codes.pending():
                    codes.approve(code.user_code, emulators.authority.sign_in(user, mfa=True))
                wait([process], timeout=0.05)
            return process.result()

    real, fake = approve(both.real), approve(both.fake)
    assert normalized(fake.stdout) == normalized(real.stdout)
    assert [result.stderr.partition(" enter the code ")[0] for result in (fake, real)] == [
        "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and"
    ] * 2
    assert claims_of(both(*TOKEN), emulators)["amr"] == ["pwd", "mfa"]


def test_no_subscriptions(both: Both, emulators: Emulators, application: Application) -> None:
    """Whoever sees none signs in to the tenant only, if they ask for that."""
    emulators.directory.remove(contoso.SUBSCRIPTION)
    secret = application.secrets[0].value
    both(*service_principal(application, "-p", secret))
    both(*service_principal(application, "-p", secret, "--allow-no-subscriptions"))
    both(*TOKEN)
    both("login", "--identity")


def test_subscriptions_to_choose_from(both: Both, emulators: Emulators, application: Application) -> None:
    """One of several is the default if it is named; discovery can be skipped."""
    second = emulators.directory.add(Subscription(name="Second", tenant_id=TENANT))
    emulators.directory.add(Subscription(name="Third", tenant_id=TENANT, state="Disabled"))
    secret = application.secrets[0].value
    both(*service_principal(application, "-p", secret, "--subscription", "second"))
    for command in SHOW:
        both(*command)
    both(*service_principal(application, "-p", secret, "-s", "nope"))
    both("account", "clear")
    both(*service_principal(application, "-p", secret, "--skip-sub", "-s", second.id))
    both(*service_principal(application, "-p", secret, "--skip-sub"))
    both("account", "list", "--refresh")


@pytest.mark.parametrize("output", ["json", "yaml", "table", "tsv"])
def test_formats_and_queries(both: Both, emulators: Emulators, application: Application, output: str) -> None:
    """What a query finds looks the same in every format."""
    emulators.directory.add(Subscription(name="yes: #1 - 'Quoted' \"twice\"", tenant_id=TENANT))
    emulators.directory.add(Subscription(name="1e5", tenant_id=TENANT))
    both.real(*service_principal(application, "-p", application.secrets[0].value))
    both.fake(*service_principal(application, "-p", application.secrets[0].value))
    queries = ("[1]", "[].name", "[2].name", "[].{N:name, user:user, D:isDefault}", "[].[name, isDefault]", "[9]")
    for query in (*queries, "[0].managedByTenants", "[?isDefault].user", "[?name=='none']"):
        both("account", "list", "-o", output, "--query", query)
