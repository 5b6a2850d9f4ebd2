"""The fake `az` in a shell: signing in and out, subscriptions, tokens, and where its state is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.executables import Call

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
from azcred_emulators.executables.azure_cli import az as az_module
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.executables.executable import Invocation
from azcred_emulators.executables.token_client import TokenServiceFailed
from azcred_emulators.tokens.keys import SigningKey
from azcred_emulators.tokens.mint import LONG_LIFETIME

TENANT = contoso.TENANT.id
OTHER = Tenant("99999999-9999-4999-8999-999999999999", ("fabrikam.com",), "Fabrikam")
Az = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(call: Call, tmp_path: Path) -> Az:
    """Call `az` with a configuration folder of the test's own."""

    def az(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return call("az", *arguments, variables={"AZURE_CONFIG_DIR": str(tmp_path / "config"), **variables})

    return az


def claims_of(result: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """Read the claims of the token that was printed."""
    assert result.returncode == 0, result.stderr
    return dict(jwt.decode(json.loads(result.stdout)["accessToken"], options={"verify_signature": False}))


def log_in(run: Az, application: Application, *more: str) -> subprocess.CompletedProcess[str]:
    """Sign the application in with its secret."""
    secret = application.secrets[-1].value
    return run("login", "--service-principal", "-u", application.client_id, "-p", secret, "-t", TENANT, *more)


def test_a_token_is_the_directorys(run: Az, az: AzureCli, user: User, emulators: Emulators) -> None:
    """It is signed with the run's key and for the resource, and it acts for the user through the Azure CLI."""
    az.sign_in(user)
    token = json.loads(run("account", "get-access-token", "--resource", "https://vault.azure.net").stdout)
    claims = jwt.decode(
        token["accessToken"], emulators.tokens.key.public, algorithms=["RS256"], audience="https://vault.azure.net"
    )
    assert (claims["oid"], claims["appid"]) == (user.object_id, identifiers.AZURE_CLI_CLIENT_ID)
    assert (token["expires_on"], token["tenant"]) == (claims["exp"], TENANT)


def test_a_token_is_kept_until_it_nears_its_end(
    run: Az, az: AzureCli, application: Application, emulators: Emulators
) -> None:
    """As with msal, the same token is printed again; five minutes before its end it is not, nor past half its life."""
    az.sign_in(application)

    def token() -> object:
        return claims_of(run("account", "get-access-token"))["uti"]

    first = token()
    assert token() == first
    emulators.clock.advance(hours=13)
    second = token()
    assert second != first
    emulators.directory.replace(application, secrets=())
    emulators.clock.advance(hours=13)
    assert token() == second  # it could not be renewed, but is still good
    emulators.clock.advance(hours=10, minutes=58)
    assert "AADSTS7000215" in run("account", "get-access-token").stderr


def test_log_in_and_out(run: Az, application: Application, emulators: Emulators) -> None:
    """A service principal signs in, has tokens, and signs out; the journal shows the calls without the secret."""
    secret = application.secrets[-1].value
    assert [subscription["name"] for subscription in json.loads(log_in(run, application).stdout)] == [
        "Emulated Subscription"
    ]
    assert claims_of(run("account", "get-access-token"))["appid"] == application.client_id
    assert run("logout").returncode == 0
    assert run("account", "get-access-token").stderr == "ERROR: Please run 'az login' to setup account.\n"
    assert [entry.operation for entry in emulators.journal.requests(provider="azure-cli")] == [
        "login",
        "token",
        None,
        "token",
    ]
    assert [entry.exit_code for entry in emulators.journal.requests(provider="azure-cli")] == [0, 0, 0, 1]
    assert secret not in repr(emulators.journal.requests())
    assert emulators.journal.requests()[0].identity == application.name


def test_a_certificate(run: Az, application: Application, emulators: Emulators, tmp_path: Path) -> None:
    """The tool signs its assertions with the key of the file, and needs the file only once."""
    key = SigningKey("client")
    emulators.directory.replace(application, secrets=(), certificates=(key.certificate,))
    (tmp_path / "client.pem").write_bytes(key.pem())
    arguments = ("login", "--service-principal", "-u", application.client_id, "--tenant", TENANT)
    result = run(*arguments, "--certificate", str(tmp_path / "client.pem"), "--use-cert-sn-issuer")
    assert json.loads(result.stdout)[0]["user"]["useCertSNIssuerAuth"] is True
    assert claims_of(run("account", "get-access-token"))["appidacr"] == "2"
    emulators.directory.replace(application, certificates=(SigningKey("other").certificate,))
    assert "AADSTS700027" in run("account", "get-access-token", "--resource", "https://vault.azure.net").stderr


def test_a_federated_token(run: Az, emulators: Emulators) -> None:
    """The token of its Kubernetes service account signs the workload identity in, that of another does not."""
    issuer = emulators.issuers.get(identifiers.CLUSTER_ISSUER)
    arguments = (
        "login",
        "--service-principal",
        "-u",
        identifiers.WORKLOAD_CLIENT_ID,
        "-t",
        TENANT,
        "--federated-token",
    )
    assert "AADSTS700213" in run(*arguments, issuer.assertion("system:serviceaccount:other:app")).stderr
    assert run(*arguments, issuer.assertion(identifiers.SERVICE_ACCOUNT)).returncode == 0
    assert claims_of(run("account", "get-access-token"))["appid"] == identifiers.WORKLOAD_CLIENT_ID


def test_a_user_with_a_password(run: Az, user: User, emulators: Emulators) -> None:
    """They sign in to each of their tenants; a warning names the tenant that requires more than a password."""
    emulators.directory.add(OTHER)
    emulators.directory.add(Subscription(name="Theirs", tenant_id=OTHER.id))
    emulators.directory.replace(user, guest_in=(OTHER.id,))
    result = run("login", "-u", user.principal_name, "-p", user.password)
    assert [subscription["name"] for subscription in json.loads(result.stdout)] == ["Emulated Subscription", "Theirs"]
    emulators.directory.add(
        ConditionalAccessPolicy(name="mfa", tenant_id=OTHER.id, include_users=("All",), built_in_controls=("mfa",))
    )
    run("logout")  # else the tokens from before would do
    result = run("login", "-u", user.principal_name, "-p", user.password)
    assert [subscription["name"] for subscription in json.loads(result.stdout)] == ["Emulated Subscription"]
    assert f"WARNING: Authentication failed against tenant {OTHER.id} 'Fabrikam': AADSTS50076" in result.stderr
    assert "AADSTS50126" in run("login", "-u", user.principal_name, "-p", "wrong").stderr


def test_a_token_service_in_trouble(run: Az, az: AzureCli, user: User, emulators: Emulators) -> None:
    """The tool does not foresee a status such as 503, whenever it comes; the second request is for the first tenant."""
    for requests_before in (0, 1):
        az.token_errors.add(TokenServiceFailed(503), nth=requests_before + 1)
        result = run("login", "-u", user.principal_name, "-p", user.password)
        assert "ERROR: HTTP Error: 503\n" in result.stderr
        assert result.returncode == 1
    assert not az.token_errors.unspent


def test_a_device_code(emulators: Emulators, user: User, call: Call, tmp_path: Path) -> None:
    """The tool shows a code, waits for the person who types it in, and has tokens for them."""
    path = emulators.executables.install("az") / "az"
    variables = {"AZURE_CONFIG_DIR": str(tmp_path / "config")}
    command = [str(path), "login", "--use-device-code"]
    with subprocess.Popen(
        command, cwd="/bin", env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        assert process.stdout
        words = process.stderr.readline().split()
        code = words[words.index("code") + 1]
        emulators.authority.context.device_codes.approve(code, emulators.authority.sign_in(user, mfa=True))
        subscriptions = json.loads(process.stdout.read())
        assert process.wait() == 0
    assert subscriptions[0]["user"] == {"name": user.principal_name, "type": "user"}
    claims = claims_of(call("az", "account", "get-access-token", variables=variables))
    assert (claims["oid"], claims["amr"]) == (user.object_id, ["pwd", "mfa"])


def test_a_device_code_that_is_declined(emulators: Emulators) -> None:
    """The tool fails with what the token service says."""
    path = emulators.executables.install("az") / "az"
    with subprocess.Popen(
        [path, "login"], env={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        words = process.stderr.readline().split()
        emulators.authority.context.device_codes.decline(words[words.index("code") + 1])
        assert process.stderr.read().startswith("ERROR: AADSTS65004")
        assert process.wait() == 1


@pytest.mark.parametrize(
    ("challenge", "error"), [("e30=", ""), ("WzFd", "AADSTS9002313"), ("abc", "Incorrect padding")]
)
def test_a_claims_challenge(az: AzureCli, emulators: Emulators, user: User, challenge: str, error: str) -> None:
    """The challenge of a resource is part of the token request; a value that is not a challenge is an error."""
    arguments = ("login", "--use-device-code", "--claims-challenge", challenge)
    code = az.run(Invocation(arguments=arguments), {}).resume
    [waiting] = emulators.authority.context.device_codes.pending()
    emulators.authority.context.device_codes.approve(waiting.user_code, emulators.authority.sign_in(user))
    result = az.run(Invocation(arguments=arguments, resume=code), {})
    assert error in result.stderr
    assert (result.exit_code == 0) is (challenge == "e30=")


def test_a_managed_identity(run: Az, identity: ManagedIdentity, emulators: Emulators) -> None:
    """The machine's identity signs in, an identity that the machine does not have is an error."""
    [subscription] = json.loads(run("login", "--identity").stdout)
    assert subscription["user"]["assignedIdentityInfo"] == "MSI"
    assert claims_of(run("account", "get-access-token"))["appid"] == identity.client_id
    assert run("login", "--identity", "--client-id", "nobody").stderr.startswith("ERROR: Identity not found\n")
    refused = run("account", "get-access-token", "--tenant", OTHER.id)
    assert refused.stderr.startswith("ERROR: For managed identity account, getting access token for non-current ten")
    emulators.directory.unassign("imds", identity)
    assert run("account", "get-access-token").stderr.startswith("ERROR: Identity not found\n")


def test_the_default_subscription(run: Az, az: AzureCli, user: User, emulators: Emulators) -> None:
    """`az account set` chooses by id or name, and tokens are those of its account and tenant."""
    second = emulators.directory.add(Subscription(name="Second", tenant_id=TENANT))
    az.sign_in(user)
    assert json.loads(run("account", "show").stdout)["name"] == "Emulated Subscription"
    assert run("account", "set", "-s", "second").returncode == 0
    assert json.loads(run("account", "show").stdout)["id"] == second.id
    assert json.loads(run("account", "get-access-token").stdout)["subscription"] == second.id


def test_two_accounts(run: Az, user: User, application: Application, emulators: Emulators) -> None:
    """Each subscription has its own account; signing one out leaves the other."""
    [first] = emulators.directory.subscriptions(TENANT, user.object_id)
    emulators.directory.replace(first, readers=(user.object_id,))
    second = emulators.directory.add(Subscription(name="Second", tenant_id=TENANT, readers=(application.object_id,)))
    run("login", "-u", user.principal_name, "-p", user.password)
    log_in(run, application)
    assert claims_of(run("account", "get-access-token"))["appid"] == application.client_id
    assert claims_of(run("account", "get-access-token", "-s", first.name))["oid"] == user.object_id
    assert run("logout", "--username", user.principal_name).returncode == 0
    assert [subscription["id"] for subscription in json.loads(run("account", "list").stdout)] == [second.id]


def test_no_subscriptions(run: Az, application: Application, emulators: Emulators) -> None:
    """Whoever may see none signs in to the tenant only, if they ask for that."""
    [subscription] = emulators.directory.subscriptions(TENANT, application.object_id)
    emulators.directory.remove(subscription)
    assert log_in(run, application).stderr == f"ERROR: No subscriptions found for {application.client_id}.\n"
    [tenant] = json.loads(log_in(run, application, "--allow-no-subscriptions").stdout)
    assert (tenant["id"], tenant["name"]) == (TENANT, "N/A(tenant level account)")
    assert claims_of(run("account", "get-access-token"))["appid"] == application.client_id


def test_subscription_discovery_can_be_skipped(run: Az, application: Application, emulators: Emulators) -> None:
    """Then the tool looks up only the subscription that the arguments name, or none."""
    emulators.directory.add(Subscription(name="Second", tenant_id=TENANT))
    [subscription] = json.loads(log_in(run, application, "--skip-sub", "-s", identifiers.SUBSCRIPTION_ID).stdout)
    assert subscription["name"] == "Emulated Subscription"
    assert "could not be retrieved" in log_in(run, application, "--skip-sub", "-s", OTHER.id).stderr
    run("logout")
    [tenant] = json.loads(log_in(run, application, "--skip-sub").stdout)
    assert tenant["name"] == "N/A(tenant level account)"


def test_subscriptions_are_refreshed(run: Az, az: AzureCli, user: User, emulators: Emulators) -> None:
    """`az account list` shows what was there at the sign-in until it is told to look again."""
    az.sign_in(user)
    run("account", "list")
    emulators.directory.add(Subscription(name="New", tenant_id=TENANT))
    assert len(json.loads(run("account", "list").stdout)) == 1
    assert [subscription["name"] for subscription in json.loads(run("account", "list", "--refresh").stdout)][1:] == [
        "New"
    ]


def test_another_tenant(run: Az, user: User, application: Application, emulators: Emulators) -> None:
    """A domain stands for its tenant; a tenant that does not exist, or that the user is not in, is an error."""
    run("login", "-u", user.principal_name, "-p", user.password, "-t", "contoso.com")
    assert json.loads(run("account", "show").stdout)["tenantId"] == TENANT
    nowhere = run("account", "get-access-token", "--tenant", OTHER.id)
    assert "Unable to get authority configuration" in nowhere.stderr
    emulators.directory.add(OTHER)
    assert "AADSTS50020" in run("account", "get-access-token", "--tenant", "fabrikam.com").stderr
    emulators.directory.replace(user, guest_in=(OTHER.id,))
    assert claims_of(run("account", "get-access-token", "--tenant", "fabrikam.com"))["tid"] == OTHER.id
    failed = run("login", "--service-principal", "-u", "x", "-p", "y", "-t", "nowhere.example")
    assert failed.stderr.startswith("ERROR: Failed to resolve tenant 'nowhere.example'.\n\nError detail: {")


def test_an_expired_session(run: Az, az: AzureCli, user: User, emulators: Emulators) -> None:
    """The token service's text says why, and the tool what to run."""
    az.sign_in(user)
    emulators.directory.replace(user, tokens_valid_from=emulators.clock.now() + 1)
    result = run("account", "get-access-token")
    assert result.stderr.startswith("ERROR: AADSTS50173: ")
    assert result.stderr.endswith(
        f'az logout\naz login --tenant "{TENANT}" --scope "https://management.core.windows.net//.default"\n'
    )
    assert str(emulators.journal.requests()[-1].error).startswith("AADSTS50173: ")
    emulators.directory.replace(user, tokens_valid_from=0.0)
    emulators.clock.advance(days=91)
    assert "AADSTS700082" in run("account", "get-access-token").stderr


def test_an_expired_secret(run: Az, az: AzureCli, application: Application, emulators: Emulators) -> None:
    """An expired secret of a service principal has another error than a wrong secret."""
    emulators.directory.replace(application, secrets=(ClientSecret("s", expires=emulators.clock.now() - 1),))
    changed = emulators.directory.principal(application.client_id)
    assert isinstance(changed, Application)
    az.sign_in(changed)
    assert "AADSTS7000222" in run("account", "get-access-token").stderr


def test_an_application_without_a_secret(az: AzureCli, application: Application, emulators: Emulators) -> None:
    """A test cannot sign it in, and is told so."""
    bare = emulators.directory.replace(application, secrets=())
    with pytest.raises(ValueError, match="the application 'service-principal' has no secret to sign in with"):
        az.sign_in(bare)


def test_an_old_version(run: Az, az: AzureCli, user: User) -> None:
    """Releases before 2.54 print the local time of the caller only."""
    az.sign_in(user)
    az.version = "2.50.0"
    token = json.loads(run("account", "get-access-token", TZ="America/New_York").stdout)
    assert sorted(token) == ["accessToken", "expiresOn", "subscription", "tenant", "tokenType"]
    assert json.loads(run("version").stdout)["azure-cli"] == "2.50.0"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "2026-11-01 06:30"),
        ("America/New_York", "2026-11-01 01:30"),  # for the second time in that night
        ("Asia/Tokyo", "2026-11-01 15:30"),
    ],
)
def test_local_times(run: Az, az: AzureCli, user: User, emulators: Emulators, zone: str, expected: str) -> None:
    """`expiresOn` is the caller's local time, also in the night in which clocks go back."""
    az.sign_in(user)
    half_past_six = 1_793_514_600  # UTC; clocks went back half an hour ago in New York
    emulators.clock.advance(seconds=half_past_six - LONG_LIFETIME + 10 - emulators.clock.now())
    token = json.loads(run("account", "get-access-token", TZ=zone).stdout)
    assert half_past_six <= token["expires_on"] < half_past_six + 50
    assert token["expiresOn"].startswith(expected)


def test_each_configuration_folder_is_on_its_own(call: Call, application: Application, tmp_path: Path) -> None:
    """An account is signed in in its own configuration folder only, which has the profile."""
    first, second = ({"AZURE_CONFIG_DIR": str(tmp_path / name)} for name in ("first", "second"))
    secret = application.secrets[-1].value
    call("az", "login", "--service-principal", "-u", application.client_id, "-p", secret, "-t", TENANT, variables=first)
    assert call("az", "account", "show", variables=first).returncode == 0
    assert call("az", "account", "show", variables=second).returncode == 1
    profile = json.loads((tmp_path / "first" / "azureProfile.json").read_text(encoding="utf-8-sig"))
    assert profile["subscriptions"][0]["user"]["name"] == application.client_id
    assert secret not in (tmp_path / "first" / "azureProfile.json").read_text(encoding="utf-8-sig")
    (tmp_path / "first" / "azureProfile.json").unlink()
    assert call("az", "account", "show", variables=first).returncode == 1


@pytest.mark.parametrize("content", ["", "[]", '{"subscriptions": [{"id": 1}]}', "\x00\xff", '{"subscriptions": 5}'])
def test_a_profile_that_is_none(run: Az, tmp_path: Path, content: str) -> None:
    """Whatever somebody wrote into the file, nobody is signed in then."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "azureProfile.json").write_text(content, encoding="latin-1")
    assert run("account", "show").stderr == "ERROR: Please run 'az login' to setup account.\n"


def test_a_folder_that_cannot_be_written(run: Az, az: AzureCli, user: User, tmp_path: Path) -> None:
    """It is an error of the tool, with the reason."""
    (tmp_path / "config").write_text("this is a file")
    az.sign_in(user)
    result = run("account", "show")
    assert result.returncode == 1
    assert result.stderr.startswith("ERROR: The command failed with an unexpected error.")
    assert "FileExistsError" in result.stderr or "NotADirectoryError" in result.stderr


WORDS = [
    *("account", "login", "logout", "version", "show", "list", "set", "clear", "get-access-token", "-h", "--version"),
    *("-o", "json", "table", "tsv", "yaml", "--query", "[0]", "name", "-s", "--subscription", "--tenant", TENANT),
    *("--scope", "--resource", "https://vault.azure.net", "--resource-type", "arm", "--all", "--refresh", "--debug"),
    *("--service-principal", "-u", "-p", "--identity", "--client-id", "--certificate", "/", "--federated-token"),
    *("--allow-no-subscriptions", "--skip-sub", "--username", identifiers.SERVICE_PRINCIPAL_CLIENT_ID, "contoso.com"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    arguments=st.lists(st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\x00")), max_size=9),
    signed_in=st.booleans(),
)
def test_any_arguments(az: AzureCli, user: User, arguments: list[str], signed_in: bool, tmp_path: Path) -> None:
    """For any arguments the tool exits with 0, 1 or 2, and prints an error unless that is 0."""
    az.reset()
    if signed_in:
        az.sign_in(user)
    environ = {"AZURE_CONFIG_DIR": str(tmp_path / "config")}
    result = az.run(Invocation(arguments=tuple(arguments), environ=environ), {})
    assert result.exit_code in (0, 1, 2)
    assert not result.exit_code or result.stderr


def test_the_real_configuration_is_left_alone(
    call: Call, az: AzureCli, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who names the real configuration folder, or no folder, gets the folder of the fake."""
    own = tmp_path / ".azure"
    monkeypatch.setattr(az_module, "_own_folder", lambda: own)
    az.sign_in(user)
    for variables in ({"AZURE_CONFIG_DIR": str(own)}, {}):
        assert call("az", "account", "set", "-s", identifiers.SUBSCRIPTION_ID, variables=variables).returncode == 0
    assert not own.exists()


def test_signing_out_holds_everywhere(run: Az, az: AzureCli, user: User) -> None:
    """What a test does to the tool holds for every folder, also after commands have been run there."""
    az.sign_in(user)
    assert run("account", "set", "-s", identifiers.SUBSCRIPTION_ID).returncode == 0
    az.sign_out()
    assert run("account", "show").returncode == 1
    az.sign_in(user)
    assert run("account", "show").returncode == 0


def test_versions(run: Az) -> None:
    """`az --version` starts as scripts expect it to."""
    assert run("--version").stdout.startswith("azure-cli                         2.91.0\n\ncore ")


def test_help_lists_what_is_there(run: Az) -> None:
    """The help of groups names the commands of the fake."""
    assert "Welcome to the cool new Azure CLI!" in run().stdout
    outermost, account = run("--help").stdout, run("account", "-h").stdout
    assert "    account : Manage Azure subscription information.\n" in outermost
    assert "    version : Show the versions" in outermost
    assert "    get-access-token : Get a token for utilities to access Azure.\n" in account


def test_the_output_format_of_the_environment(run: Az, az: AzureCli, user: User) -> None:
    """`AZURE_CORE_OUTPUT` is what `--output` is by default."""
    az.sign_in(user)
    assert run("account", "show", "--query", "name", AZURE_CORE_OUTPUT="tsv").stdout == "Emulated Subscription\n"
    assert run("account", "show", "--query", "name", AZURE_CORE_OUTPUT="nonsense").stdout.startswith('"')


def test_only_errors(run: Az) -> None:
    """`--only-show-errors` leaves warnings out."""
    assert run("account", "list").stderr == 'WARNING: Please run "az login" to access your accounts.\n'
    assert run("account", "list", "--only-show-errors").stderr == ""
