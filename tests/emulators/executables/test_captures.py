"""The fake `az` prints what the real one printed, byte for byte, apart from what varies. See captures/README.md."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.az_output import normalized

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import (
    Application,
    ClientSecret,
    FederatedCredential,
    ManagedIdentity,
    User,
    contoso,
    identifiers,
)
from azcred_emulators.emulators import Emulators
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.executables.executable import Invocation
from azcred_emulators.executables.token_client import TokenServiceFailed
from azcred_emulators.tokens.keys import SigningKey

pytestmark = pytest.mark.slow

CAPTURES = sorted((Path(__file__).parent / "captures").glob("*.txt"))
CLIENT_ID = identifiers.SERVICE_PRINCIPAL_CLIENT_ID
ISSUER, SUBJECT = "https://cluster.example/", "system:serviceaccount:default:sa"
# The sentences that the token service was told to refuse with.
REFUSALS = {
    "42": (
        7000222,
        f"The provided client secret keys for app '{CLIENT_ID}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
    ),
    "52": (
        700082,
        "The refresh token has expired due to inactivity. The token was issued on 2024-01-01T00:00:00.0000000Z and was "
        "inactive for 90.00:00:00.",
    ),
    "53": (
        50076,
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '797f4846-ba00-4fd7-ba43-dac1f8f63013'.",
    ),
    "55": (
        65001,
        "The user or administrator has not consented to use the application with ID "
        f"'{identifiers.AZURE_CLI_CLIENT_ID}' named 'Microsoft Azure CLI'.",
    ),
}


@dataclass(frozen=True)
class Capture:
    """A call of the real `az`, and what it printed."""

    variables: dict[str, str]
    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str


def read(path: Path) -> Capture:
    """Read a capture."""
    match = re.fullmatch(
        r"\$ (.*?)\n\[exit code\] (\d+)\n\[stdout\]\n(.*)\[stderr\]\n(.*)", path.read_text(encoding="utf-8"), re.DOTALL
    )
    assert match, path
    words = shlex.split(match[1])
    at = words.index("az")
    variables = dict(word.split("=", 1) for word in words[:at])
    return Capture(variables, tuple(words[at + 1 :]), int(match[2]), match[3], match[4])


@pytest.fixture
def directory(emulators: Emulators, application: Application) -> None:
    """What the real `az` was run against: an application with a known secret, certificate and issuer, and a user."""
    emulators.directory.replace(
        application,
        secrets=(ClientSecret("s3cr3t~Value"),),
        certificates=(SigningKey("unused").certificate,),
        federated_credentials=(FederatedCredential(ISSUER, SUBJECT),),
    )
    emulators.directory.add(
        User(
            name="User",
            tenant_id=contoso.TENANT.id,
            principal_name="user@contoso.onmicrosoft.com",
            password="pw",
        )
    )


@pytest.fixture
def run(az: AzureCli, emulators: Emulators, directory: None, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Call the fake `az` in a folder of its own and return exit code, standard output and standard error."""

    def call(*arguments: str, **variables: str) -> tuple[int, str, str]:
        environ = {"AZURE_CONFIG_DIR": str(tmp_path / "config"), **variables}
        words = [token_of(emulators) if word == "TOKEN" else word for word in arguments]
        result = az.run(Invocation(arguments=tuple(words), environ=environ, folder=str(tmp_path)), {})
        return result.exit_code, result.stdout, result.stderr

    return call


def token_of(emulators: Emulators) -> str:
    """Return a token of the cluster that the application is federated with."""
    return emulators.issuers.get(ISSUER).assertion(SUBJECT)


def prepare(name: str, az: AzureCli, emulators: Emulators, run: Callable[..., object], folder: Path) -> None:
    """Bring about the state in which the call was made."""
    application = emulators.directory.principal(CLIENT_ID)
    assert isinstance(application, Application)
    number = int(name[:2]) if name[:2].isdigit() else None
    if number is None:
        if name.startswith(("show", "list", "query", "shortened", "subscription-", "service-principal", "set-")):
            write_profile(folder / "config")
    elif 13 <= number <= 45:
        az.sign_in(application)
    elif 49 <= number <= 55:
        user = emulators.directory.user("user@contoso.onmicrosoft.com")
        assert user
        az.sign_in(user)
    elif 56 <= number <= 66:
        emulators.directory.remove(application)
        for identity in emulators.directory.assigned("imds"):
            emulators.directory.unassign("imds", identity)
        if number != 66:
            identity = ManagedIdentity(
                name="identity",
                tenant_id=contoso.TENANT.id,
                resource_id="/subscriptions/x",
                client_id=CLIENT_ID,
                object_id="44444444-4444-4444-8444-444444444444",
                system_assigned=number < 61,
            )
            emulators.directory.assign("imds", emulators.directory.add(identity))
            if number in (57, 58, 60, 63):
                az.sign_in(identity)
    elif number in (70, 71):
        key = SigningKey("client")
        emulators.directory.replace(application, certificates=(key.certificate,))
        (folder / "client.pem").write_bytes(key.pem())
        if number == 71:
            run(*read(CAPTURES[0].with_name("70-login-cert.txt")).arguments)
    elif number == 46:
        az.sign_in(application)
        run("logout")
    if name[:2] in REFUSALS:
        code, text = REFUSALS[name[:2]]
        refusal = EntraError(code)
        refusal.text = f"AADSTS{code}: {text}"
        az.token_errors.add(refusal)
    if number == 43:
        az.token_errors.add(TokenServiceFailed(503))


def write_profile(folder: Path) -> None:
    """Write the profile of the calls that needed no network: three subscriptions, one of them disabled."""
    tenant = contoso.TENANT.id
    user = {"name": "dana@contoso.com", "type": "user"}
    common = {"environmentName": "AzureCloud", "tenantId": tenant, "homeTenantId": tenant, "managedByTenants": []}
    subscriptions = [
        {
            **common,
            "id": identifiers.SUBSCRIPTION_ID,
            "name": "Emulated Subscription",
            "state": "Enabled",
            "isDefault": True,
            "user": user,
            "tenantDefaultDomain": "contoso.onmicrosoft.com",
            "tenantDisplayName": "Contoso",
        },
        {
            **common,
            "id": "33333333-3333-4333-8333-444444444444",
            "name": "Ünother",
            "state": "Disabled",
            "isDefault": False,
            "user": user,
        },
        {
            **common,
            "id": "33333333-3333-4333-8333-555555555555",
            "name": "Third",
            "state": "Enabled",
            "isDefault": False,
            "user": {"name": CLIENT_ID, "type": "servicePrincipal"},
            "managedByTenants": [{"tenantId": "99999999-9999-4999-8999-999999999999"}],
        },
    ]
    folder.mkdir()
    content = json.dumps({"subscriptions": subscriptions}, ensure_ascii=False)
    (folder / "azureProfile.json").write_text(content, encoding="utf-8")


@pytest.mark.parametrize("path", CAPTURES, ids=[path.stem for path in CAPTURES])
def test_prints_what_the_real_one_printed(
    path: Path, az: AzureCli, emulators: Emulators, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Exit code and both outputs are the same, after the same placeholders have been put in."""
    capture = read(path)
    prepare(path.stem, az, emulators, run, tmp_path)
    if path.stem == "login-bad-certificate":
        (tmp_path / "bad.pem").write_text("garbage")
    exit_code, stdout, stderr = run(*capture.arguments, **capture.variables)
    assert (normalized(stdout), normalized(stderr), exit_code) == (capture.stdout, capture.stderr, capture.exit_code)
