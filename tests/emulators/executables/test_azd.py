"""What the fake `azd` answers, by direct calls."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import Application, ConditionalAccessPolicy, ManagedIdentity, User, contoso, identifiers
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.emulators import Emulators
from azcred_emulators.executables.accounts import user_account
from azcred_emulators.executables.azd.azd import AzureDeveloperCli
from azcred_emulators.executables.executable import Invocation

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TOKEN = ("auth", "token", "--output", "json", "--no-prompt", "--scope", SCOPE)
SUGGESTION = f"reauthentication required, run `azd auth login --scope {SCOPE}` to acquire a new token."
CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"%d"}}}'


def run(azd: AzureDeveloperCli, *arguments: str) -> CommandResult:
    """Call the fake without a process."""
    return azd.run(Invocation(arguments=arguments), {})


def claims_of(token: str) -> dict[str, object]:
    """Read a token."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def lines_of(result: CommandResult) -> list[dict[str, object]]:
    """Read the JSON lines on standard error."""
    return [dict(json.loads(line)) for line in result.stderr.splitlines()]


def encoded(claims: str) -> str:
    """Return claims as SDKs pass them."""
    return base64.b64encode(claims.encode()).decode()


@pytest.fixture
def refused(azd: AzureDeveloperCli, user: User, emulators: Emulators) -> AzureDeveloperCli:
    """`azd` with a user who has to sign in again: a policy wants a second factor, and there was none."""
    emulators.directory.add(
        ConditionalAccessPolicy(name="mfa", tenant_id=contoso.TENANT.id, built_in_controls=("mfa",))
    )
    azd.account = user_account(azd.client, user, emulators.authority.sign_in(user))
    return azd


def test_a_token(azd: AzureDeveloperCli, user: User) -> None:
    """It is the user's, and its time is in UTC and in the form that SDKs insist on."""
    azd.sign_in(user)
    result = run(azd, *TOKEN)
    answer = json.loads(result.stdout)
    assert list(answer) == ["token", "expiresOn"]
    claims = claims_of(answer["token"])
    assert (claims["aud"], claims["upn"], claims["appid"]) == (
        VAULT,
        user.principal_name,
        identifiers.AZURE_CLI_CLIENT_ID,
    )
    expires = datetime.strptime(answer["expiresOn"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert expires.timestamp() == claims["exp"]
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("who", ["user", "application", "identity"])
def test_whoever_is_signed_in(azd: AzureDeveloperCli, request: pytest.FixtureRequest, who: str) -> None:
    """A user, a service principal or the machine's managed identity."""
    identity = request.getfixturevalue(who)
    azd.sign_in(identity)
    assert claims_of(json.loads(run(azd, *TOKEN).stdout)["token"])["oid"] == identity.object_id


@pytest.mark.parametrize(
    "flags", [("-o", "json"), ("-ojson",), ("--output=json",), ("--output", "json", "--no-prompt")]
)
def test_flags_as_programs_write_them(azd: AzureDeveloperCli, user: User, flags: tuple[str, ...]) -> None:
    """Long and short, with the value beside or within; without a scope the token is for Azure Resource Manager."""
    azd.sign_in(user)
    answer = json.loads(run(azd, "auth", "token", *flags).stdout)
    assert claims_of(answer["token"])["aud"] == "https://management.azure.com/"


@pytest.mark.parametrize(("version", "bare"), [("1.23.13", False), ("1.23.14", True)])
def test_without_an_output_format(azd: AzureDeveloperCli, user: User, version: str, bare: bool) -> None:
    """Newer versions print the token alone, older ones nothing."""
    azd.version = version
    azd.sign_in(user)
    result = run(azd, "auth", "token", "--scope", SCOPE)
    assert result.exit_code == 0
    assert result.stdout.startswith("eyJ") == bare


@pytest.mark.parametrize("version", ["1.0.0", "1.11.1", "1.20.2", "1.23.7", "1.24.0", "1.29.0"])
def test_nobody_is_signed_in(azd: AzureDeveloperCli, version: str) -> None:
    """Every version prints an error in one line of JSON for a program, and as text for a person."""
    azd.version = version
    result = run(azd, *TOKEN)
    [line] = lines_of(result)
    assert line["type"] == "consoleMessage"
    assert line["data"] == {"message": "\nERROR: not logged in, run `azd auth login` to login\n"}
    assert (result.stdout, result.exit_code) == ("", 1)
    assert run(azd, "auth", "token").stderr == "\nERROR: not logged in, run `azd auth login` to login\n"


@pytest.mark.parametrize("version", ["1.11.0", "1.0.0"])
def test_the_oldest_say_only_what_to_do(refused: AzureDeveloperCli, version: str) -> None:
    """The cause is not told."""
    refused.version = version
    [line] = lines_of(run(refused, *TOKEN))
    text = f"fetching token: reauthentication required, run `azd auth login --scope {SCOPE}` to log in"
    assert line["data"] == {"message": f"\nERROR: {text}\n"}


@pytest.mark.parametrize("version", ["1.11.1", "1.20.1"])
def test_then_two_messages(refused: AzureDeveloperCli, version: str) -> None:
    """The error and the suggestion have a line each."""
    refused.version = version
    messages = [str(line["data"]) for line in lines_of(run(refused, *TOKEN))]
    assert "ERROR: fetching token: AADSTS50076: " in messages[0]
    assert messages[1] == str({"message": f"Suggestion: {SUGGESTION}\n"})


@pytest.mark.parametrize("version", ["1.20.2", "1.23.6"])
def test_then_one_message(refused: AzureDeveloperCli, version: str) -> None:
    """Both are in one line."""
    refused.version = version
    [line] = lines_of(run(refused, *TOKEN))
    assert "ERROR: fetching token: AADSTS50076: " in str(line["data"])
    assert f"\\nSuggestion: {SUGGESTION}" in str(line["data"])


@pytest.mark.parametrize(
    ("version", "blank"), [("1.23.7", True), ("1.23.15", True), ("1.24.0", False), ("1.29.0", False)]
)
def test_then_an_object(refused: AzureDeveloperCli, version: str, blank: bool) -> None:
    """Newer versions write the error as an object, for a while after an empty message."""
    refused.version = version
    *before, answer = lines_of(run(refused, *TOKEN))
    assert [line["data"] for line in before] == ([{"message": "\n"}] if blank else [])
    assert list(answer) == ["error", "suggestion"]
    assert str(answer["error"]).startswith("fetching token: AADSTS50076: ")
    assert answer["suggestion"] == SUGGESTION


def test_for_a_person(refused: AzureDeveloperCli) -> None:
    """Without JSON it is plain text."""
    result = run(refused, "auth", "token", "--scope", SCOPE)
    assert result.stderr.startswith("\nERROR: fetching token: AADSTS50076: ")
    assert result.stderr.endswith(f"\nSuggestion: {SUGGESTION}\n")


@pytest.mark.parametrize(("version", "advice"), [("1.23.6", False), ("1.24.0", True)])
def test_a_wrong_tenant(azd: AzureDeveloperCli, user: User, version: str, advice: bool) -> None:
    """What signing in again does not mend has the error's kind in it; newer versions add advice all the same."""
    azd.version = version
    azd.sign_in(user)
    [line] = lines_of(run(azd, *TOKEN, "--tenant-id", "nowhere.com"))
    start = "fetching token: failed to authenticate:\n(invalid_tenant) AADSTS90002: Tenant 'nowhere.com' not found."
    if advice:
        assert list(line) == ["error", "links", "message", "suggestion"]
        assert str(line["error"]).startswith(start)
        assert line["message"] == "Authentication with Azure failed."
    else:
        assert str(line["data"]).startswith(str({"message": f"\nERROR: {start}"})[:-2])


def test_a_session_that_has_expired(azd: AzureDeveloperCli, user: User, emulators: Emulators) -> None:
    """After 90 days without use the refresh token is worth nothing any more."""
    azd.sign_in(user)
    emulators.clock.advance(days=91)
    [line] = lines_of(run(azd, *TOKEN))
    assert str(line["error"]).startswith("fetching token: AADSTS700082: ")
    assert str(line["suggestion"]).startswith("login expired, run `azd auth login --scope ")


def test_claims_of_a_challenge(azd: AzureDeveloperCli, user: User, emulators: Emulators) -> None:
    """They reach the token service, and no token from before them is handed out."""
    azd.sign_in(user)
    first = json.loads(run(azd, *TOKEN).stdout)["token"]
    assert json.loads(run(azd, *TOKEN).stdout)["token"] == first
    challenge = CHALLENGE % int(emulators.clock.now())
    assert json.loads(run(azd, *TOKEN, "--claims", encoded(challenge)).stdout)["token"] != first


def test_claims_are_unknown_to_older_versions(azd: AzureDeveloperCli, user: User) -> None:
    """SDKs look for these words to advise an update."""
    azd.version = "1.18.0"
    azd.sign_in(user)
    result = run(azd, *TOKEN, "--claims", encoded("{}"))
    assert "unknown flag: --claims" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


@pytest.mark.parametrize(
    ("claims", "error"), [("%", "--claims must be a base64-encoded"), (encoded("["), "AADSTS9002313")]
)
def test_claims_that_are_none(azd: AzureDeveloperCli, user: User, claims: str, error: str) -> None:
    """What is no JSON in base64 is refused."""
    azd.sign_in(user)
    assert error in run(azd, *TOKEN, "--claims", claims).stderr


def test_html_is_escaped_as_go_does(azd: AzureDeveloperCli, user: User) -> None:
    """Angle brackets do not stand in the JSON, but they are in the text."""
    azd.sign_in(user)
    result = run(azd, "auth", "token", "-o", "json", "--scope", "https://<&>/.default")
    assert "<" not in result.stderr
    assert "<&>" in str(lines_of(result)[0])


def test_signing_in_as_a_service_principal(azd: AzureDeveloperCli, application: Application) -> None:
    """The secret is tried at once."""
    login = ("auth", "login", "--client-id", application.client_id, "--tenant-id", contoso.TENANT.id)
    secret = application.secrets[0].value
    assert run(azd, *login, "--client-secret", secret).stdout == f"Logged in to Azure as {application.client_id}\n"
    assert claims_of(json.loads(run(azd, *TOKEN).stdout)["token"])["appid"] == application.client_id
    assert "AADSTS7000215" in run(azd, *login, "--client-secret", "wrong").stderr


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (("--client-id", "x"), "must set both `client-id` and `tenant-id` for service principal login"),
        (("--client-id", "x", "--tenant-id", "y"), "must set exactly one of client-secret, client-certificate, "),
        (("--client-id", "x", "--tenant-id", "y", "--client-certificate", "z"), "by --client-secret only"),
        (("--managed-identity", "--client-id", "x"), "the requested identity isn't assigned to this resource"),
    ],
)
def test_signing_in_takes_more_than_that(azd: AzureDeveloperCli, flags: tuple[str, ...], error: str) -> None:
    """What is missing, or is not there, is told."""
    result = run(azd, "auth", "login", *flags)
    assert error in result.stderr
    assert (result.stdout, result.exit_code, azd.account) == ("", 1, None)


def test_signing_in_as_the_managed_identity(azd: AzureDeveloperCli, identity: ManagedIdentity) -> None:
    """It is the machine's."""
    assert run(azd, "auth", "login", "--managed-identity").exit_code == 0
    assert claims_of(json.loads(run(azd, *TOKEN).stdout)["token"])["oid"] == identity.object_id


def test_signing_in_and_out_as_the_user(azd: AzureDeveloperCli, user: User) -> None:
    """The directory's user is the person at the browser; the status tells who that is and until when."""
    status = ("auth", "login", "--check-status")
    assert run(azd, *status).stdout == "Not logged in, run `azd auth login` to login to Azure\n"
    assert json.loads(run(azd, *status, "-o", "json").stdout) == {"status": "unauthenticated"}
    assert run(azd, "auth", "login").stdout == f"Logged in to Azure as {user.principal_name}\n"
    assert run(azd, *status).stdout == f"Logged in to Azure as {user.principal_name}\n"
    answer = json.loads(run(azd, *status, "-o", "json").stdout)
    assert (answer["status"], answer["account"], answer["loginType"]) == ("success", user.principal_name, "User")
    azd.version = "1.17.2"
    assert list(json.loads(run(azd, *status, "-o", "json").stdout)) == ["status", "expiresOn"]
    assert run(azd, "auth", "logout").exit_code == 0
    assert run(azd, *TOKEN).exit_code == 1


def test_a_flag_may_be_denied(azd: AzureDeveloperCli, user: User) -> None:
    """As azd itself advises: `--use-device-code=false`."""
    assert run(azd, "auth", "login", "--use-device-code=false", "--managed-identity=false").exit_code == 0
    assert azd.account
    assert azd.account.name == user.principal_name


def test_the_version(azd: AzureDeveloperCli) -> None:
    """As text and as JSON."""
    azd.version = "1.17.2"
    assert run(azd, "version").stdout.startswith("azd version 1.17.2 (commit ")
    assert json.loads(run(azd, "version", "--output", "json").stdout)["azd"]["version"] == "1.17.2"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("up",), 'the fake azd has no command "up"; it knows how to sign in'),
        ((), 'the fake azd has no command ""'),
        (("auth", "token", "--resource", "x"), "unknown flag: --resource"),
        (("auth", "token", "-x"), "unknown shorthand flag: 'x'"),
        (("auth", "token", "--scope"), "flag needs an argument: --scope"),
    ],
)
def test_what_it_does_not_know(azd: AzureDeveloperCli, arguments: tuple[str, ...], error: str) -> None:
    """It fails and says why."""
    result = run(azd, *arguments)
    assert error in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(arguments=st.lists(st.text() | st.sampled_from(["auth", "token", "login", "-o", "json", "--scope", "--claims"])))
def test_no_command_line_is_too_much(azd: AzureDeveloperCli, arguments: list[str]) -> None:
    """Whatever it is called with, it answers."""
    assert run(azd, *arguments).exit_code in (0, 1)


def test_token_errors_go_with_the_test(azd: AzureDeveloperCli, user: User, emulators: Emulators) -> None:
    """A reset clears them."""
    azd.client.token_errors.add(EntraError(50076), times=2)
    azd.sign_in(user)
    assert run(azd, *TOKEN).exit_code == 1
    emulators.reset()
    azd.sign_in(user)
    assert run(azd, *TOKEN).exit_code == 0
