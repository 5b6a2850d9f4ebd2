"""What the fake `pwsh` answers to the scripts of SDKs, by direct calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from xml.etree import ElementTree

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import powershell_sdk_scripts as sdk
from support.powershell_sdk_scripts import VAULT, command, encoded

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import Application, ConditionalAccessPolicy, ManagedIdentity, User, contoso
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.emulators import Emulators
from azcred_emulators.executables.accounts import user_account
from azcred_emulators.executables.azd.azd import AzureDeveloperCli
from azcred_emulators.executables.executable import Invocation
from azcred_emulators.executables.powershell.pwsh import PLAIN_TEXT, PowerShell
from azcred_emulators.executables.token_client import TokenServiceFailed

JAVASCRIPT_VARIABLES = {"AZURE_IDENTITY_POWERSHELL_RESOURCE": VAULT, "AZURE_IDENTITY_POWERSHELL_TENANT_ID": ""}
EPOCH_IN_TICKS = 621_355_968_000_000_000


def run(powershell: PowerShell, arguments: tuple[str, ...], **variables: str) -> CommandResult:
    """Call the fake without a process."""
    return powershell.run(Invocation(arguments=arguments, environ={**JAVASCRIPT_VARIABLES, **variables}), {})


def claims_of(token: str) -> dict[str, object]:
    """Read a token."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def of_line(text: str) -> tuple[str, int]:
    """Read what azure-identity for Python looks for."""
    _, token, seconds = text.strip().split("%")
    return token, int(seconds)


def of_xml(text: str, *, ticks: bool) -> tuple[str, int]:
    """Read what Azure.Identity for .NET looks for."""
    values = {field.get("Name"): field.text or "" for field in ElementTree.fromstring(text)}
    number = int(values["ExpiresOn"])
    return values["Token"], (number - EPOCH_IN_TICKS) // 10_000_000 if ticks else number


def of_json(text: str) -> tuple[str, int]:
    """Read what the other SDKs look for."""
    answer = json.loads(text)
    expires = answer["ExpiresOn"]
    return answer["Token"], expires if isinstance(expires, int) else int(datetime.fromisoformat(expires).timestamp())


@pytest.mark.parametrize("module", ["2.2.0", "2.17.0", "4.0.2", "5.0.0", "5.3.0"])
@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        pytest.param(sdk.python(), of_line, id="python"),
        pytest.param(encoded(sdk.DOTNET), lambda text: of_xml(text, ticks=True), id="dotnet"),
        pytest.param(encoded(sdk.DOTNET_SECONDS), lambda text: of_xml(text, ticks=False), id="dotnet-seconds"),
        pytest.param(encoded(sdk.GO, "-OutputFormat", "Text"), of_json, id="go"),
        pytest.param(encoded(sdk.JAVA), of_json, id="java"),
        pytest.param(command(sdk.JAVASCRIPT), lambda text: of_json(text[text.index("{") :]), id="javascript"),
    ],
)
def test_each_sdk_gets_its_own_form(
    powershell: PowerShell, user: User, arguments: tuple[str, ...], read: Callable[[str], tuple[str, int]], module: str
) -> None:
    """The token is the user's, for Azure PowerShell, and its time is the token's own, whatever the module returns."""
    powershell.module_version = module
    powershell.sign_in(user)
    result = run(powershell, arguments)
    token, expires_on = read(result.stdout)
    claims = claims_of(token)
    assert (claims["aud"], claims["upn"], claims["appid"]) == (
        VAULT,
        user.principal_name,
        powershell.client.client_id,
    )
    assert claims["exp"] == expires_on
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("module", "variables", "secure"),
    [
        ("2.2.0", {}, False),
        ("4.0.2", {}, False),
        ("5.0.0", {}, True),
        ("5.3.0", {PLAIN_TEXT: "true"}, False),
    ],
)
def test_a_script_that_does_not_convert(
    powershell: PowerShell, user: User, module: str, variables: dict[str, str], secure: bool
) -> None:
    """From Az.Accounts 5.0 on it prints a secure string, which shows nothing but its length."""
    powershell.module_version = module
    powershell.sign_in(user)
    whole = run(powershell, command(sdk.OBJECT), **variables).stdout
    token = json.loads(whole[whole.index("{") :])["Token"]
    alone = run(powershell, command(sdk.TOKEN), **variables).stdout.splitlines()[-1]
    if secure:
        assert list(token) == ["Length"]
        assert alone == "System.Security.SecureString"
    else:
        assert claims_of(token)["aud"] == claims_of(alone)["aud"] == VAULT


def test_everything_that_get_azaccesstoken_returns(powershell: PowerShell, application: Application) -> None:
    """The whole object as JSON; Windows PowerShell writes dates in a form of its own."""
    powershell.module_version = "2.2.0"
    powershell.sign_in(application)
    answer = json.loads(run(powershell, command(sdk.OBJECT)).stdout)
    assert list(answer) == ["Token", "ExpiresOn", "TenantId", "UserId", "Type"]
    assert (answer["TenantId"], answer["UserId"]) == (contoso.TENANT.id, application.client_id)
    powershell.version = "5.1.22621.2506"
    legacy = json.loads(run(powershell, command(sdk.OBJECT)).stdout)
    seconds = int(datetime.fromisoformat(answer["ExpiresOn"]).timestamp())
    assert legacy["ExpiresOn"] == f"/Date({seconds * 1000})/"


@pytest.mark.parametrize("who", ["user", "application", "identity"])
def test_whoever_is_signed_in(powershell: PowerShell, request: pytest.FixtureRequest, who: str) -> None:
    """A user, a service principal or the machine's managed identity."""
    identity = request.getfixturevalue(who)
    powershell.sign_in(identity)
    token, _ = of_line(run(powershell, sdk.python()).stdout)
    assert claims_of(token)["oid"] == identity.object_id


@pytest.mark.parametrize(
    "arguments", [sdk.python("nowhere.com"), command(sdk.JAVASCRIPT)], ids=["python", "javascript"]
)
def test_the_tenant_is_the_callers(powershell: PowerShell, user: User, arguments: tuple[str, ...]) -> None:
    """It stands in the script, or in a variable where the SDK passes it so."""
    powershell.sign_in(user)
    details: dict[str, object] = {}
    variables = {**JAVASCRIPT_VARIABLES, "AZURE_IDENTITY_POWERSHELL_TENANT_ID": "nowhere.com"}
    result = powershell.run(Invocation(arguments=arguments, environ=variables), details)
    assert "AADSTS90002: Tenant 'nowhere.com' not found." in result.stderr
    assert details["error"] == "AADSTS90002"
    assert str(details["command"]).endswith(f"<Get-AzAccessToken -ResourceUrl {VAULT} -TenantId nowhere.com>")


def test_nobody_is_signed_in(powershell: PowerShell) -> None:
    """A script that stops at errors fails; another script succeeds and prints no token."""
    login = "Run Connect-AzAccount to login."
    python = run(powershell, sdk.python())
    assert python.exit_code == 1
    assert python.stdout == ""
    assert python.stderr.startswith("#< CLIXML\n<Objs ")  # who encodes a command gets errors as objects
    assert login in python.stderr
    go = run(powershell, encoded(sdk.GO, "-OutputFormat", "Text"))
    assert go.exit_code == 1
    assert go.stderr.startswith("Get-AzAccessToken: \nLine |\n")
    assert go.stderr.endswith(f"     | {login}\n")
    javascript = run(powershell, command(sdk.JAVASCRIPT))
    assert javascript.exit_code == 0
    assert json.loads(javascript.stdout) == {"ExpiresOn": None, "Token": None}
    assert login in javascript.stderr
    assert run(powershell, command(sdk.OBJECT)).stderr == f"Get-AzAccessToken: {login}\n"
    powershell.version = "5.1.22621.2506"
    assert run(powershell, command(sdk.OBJECT)).stderr.startswith(f"Get-AzAccessToken : {login}\nAt line:1 char:1\n")


@pytest.mark.parametrize("module", [None, "2.1.2"], ids=["missing", "too old"])
@pytest.mark.parametrize(
    ("arguments", "stdout", "stderr", "exit_code"),
    [
        pytest.param(sdk.python(), "NO_AZ_ACCOUNT_MODULE", "", 0, id="python"),
        pytest.param(encoded(sdk.DOTNET), "NoAzAccountModule", "", 0, id="dotnet"),
        pytest.param(encoded(sdk.JAVA), "VersionTooOld", "", 0, id="java"),
        pytest.param(encoded(sdk.GO), "", "Az.Accounts module not found", 1, id="go"),
        pytest.param(command(sdk.JAVASCRIPT), '"Token": null', "no valid module file was found", 0, id="javascript"),
        pytest.param(command(sdk.MODULE), "", "no valid module file was found", 1, id="javascript-4.4"),
    ],
)
def test_the_module_is_not_there(
    powershell: PowerShell,
    user: User,
    module: str | None,
    arguments: tuple[str, ...],
    stdout: str,
    stderr: str,
    exit_code: int,
) -> None:
    """Each script says so in its own way, also of a module older than it needs."""
    powershell.module_version = module
    powershell.sign_in(user)
    result = run(powershell, arguments)
    assert stdout in result.stdout
    assert stderr in result.stderr
    assert result.exit_code == exit_code


def test_the_module_is_there(powershell: PowerShell) -> None:
    """Importing it alone shows its version."""
    result = run(powershell, command(sdk.MODULE))
    assert "Script     5.3.0 " in result.stdout
    assert (result.stderr, result.exit_code) == ("", 0)


def test_an_execution_policy(powershell: PowerShell, user: User) -> None:
    """It keeps the module from being loaded, signed in or not."""
    powershell.execution_policy = "Restricted"
    powershell.sign_in(user)
    result = run(powershell, sdk.python())
    assert "AuthorizationManager check failed." in result.stderr
    assert result.exit_code == 1


def test_a_policy_that_wants_more_of_the_user(powershell: PowerShell, user: User, emulators: Emulators) -> None:
    """Azure PowerShell does not name the cause; it tells what to run, by resource or, for ARM, by tenant."""
    emulators.directory.add(
        ConditionalAccessPolicy(name="mfa", tenant_id=contoso.TENANT.id, built_in_controls=("mfa",))
    )
    powershell.account = user_account(powershell.client, user, emulators.authority.sign_in(user))
    result = run(powershell, command(sdk.OBJECT))
    assert f"Authentication failed against resource {VAULT}. User interaction is required." in result.stderr
    assert f"-AuthScope {VAULT}'" in result.stderr
    result = run(powershell, command("Get-AzAccessToken | ConvertTo-Json"))
    assert f"Authentication failed against tenant {contoso.TENANT.id}." in result.stderr


def test_a_revoked_secret(powershell: PowerShell, application: Application, emulators: Emulators) -> None:
    """A service principal is refused with Entra ID's own words."""
    powershell.sign_in(application)
    emulators.directory.replace(application, secrets=())
    result = run(powershell, sdk.python())
    assert "ClientSecretCredential authentication failed: AADSTS7000215: Invalid client secret" in result.stderr


def test_a_refusal_that_a_test_asks_for(powershell: PowerShell, user: User, emulators: Emulators) -> None:
    """It is the answer to one request for a token; a reset of the emulators clears it."""
    """It applies to one request for a token, and none after the emulators' reset."""
    powershell.sign_in(user)
    powershell.token_errors.add(EntraError(90033))
    assert "AADSTS90033" in run(powershell, sdk.python()).stderr
    assert "azsdk%" in run(powershell, sdk.python()).stdout
    powershell.token_errors.add(EntraError(90033))
    emulators.reset()
    powershell.sign_in(user)
    assert "azsdk%" in run(powershell, sdk.python()).stdout


def test_a_token_service_that_fails(powershell: PowerShell, azd: AzureDeveloperCli, user: User) -> None:
    """Whatever it answers instead of a token, the tool says so."""
    for tool in (powershell, azd):
        tool.sign_in(user)
        tool.token_errors.add(TokenServiceFailed(503))
    assert "authentication failed: HTTP Error: 503" in run(powershell, sdk.python()).stderr
    arguments = ("auth", "token", "-o", "json")
    assert "failed to authenticate: HTTP Error: 503" in azd.run(Invocation(arguments=arguments), {}).stderr


def test_an_identity_that_the_machine_has_lost(
    powershell: PowerShell, identity: ManagedIdentity, emulators: Emulators
) -> None:
    """So is a managed identity that is gone."""
    powershell.sign_in(identity)
    emulators.directory.remove(identity)
    assert "ManagedIdentityCredential authentication unavailable." in run(powershell, sdk.python()).stderr


@pytest.mark.parametrize(
    ("module", "announced"), [("2.17.0", None), ("3.0.0", "4.0.0"), ("4.0.2", "5.0.0"), ("5.0.0", None)]
)
def test_the_announcement_of_secure_strings(
    powershell: PowerShell, user: User, module: str, announced: str | None
) -> None:
    """Some versions warn on standard output, before the JSON, unless the script ignores warnings."""
    powershell.module_version = module
    powershell.sign_in(user)
    loud, quiet = run(powershell, command(sdk.JAVASCRIPT)), run(powershell, encoded(sdk.GO))
    assert quiet.stdout.startswith("{")
    if announced:
        assert loud.stdout.startswith("WARNING: Upcoming breaking changes in the cmdlet 'Get-AzAccessToken'")
        assert f"in Az.Accounts version : '{announced}'" in loud.stdout
    else:
        assert loud.stdout.startswith("{")


def test_windows_powershell_cannot_convert_as_older_sdks_do(powershell: PowerShell, user: User) -> None:
    """Their scripts ask for a secure string and turn it into text in a way that came with PowerShell 7."""
    powershell.version = "5.1.22621.2506"
    powershell.sign_in(user)
    result = run(powershell, encoded(sdk.GO, "-OutputFormat", "Text"))
    assert "A parameter cannot be found that matches parameter name 'AsPlainText'." in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("script", "unknown"),
    [
        ("Get-AzAccessToken | ConvertTo-Json; Invoke-RestMethod https://x", "Invoke-RestMethod is unknown to it"),
        ("$token = Get-AzAccessToken\nfoo $token", "the last line is unknown to it: foo $token"),
        ("", "the last line is unknown to it"),
        (
            "(Get-AzAccessToken -ResourceTypeName MSGraph).Token",
            "-ResourceTypeName of Get-AzAccessToken is unknown to it",
        ),
        ('(Get-AzAccessToken -ResourceUrl "$vault").Token', "the value of ResourceUrl is unknown to it"),
        ("Get-AzAccessToken -ResourceUrl $vault | ConvertTo-Json", "the value of ResourceUrl is unknown to it"),
    ],
)
def test_another_script_is_not_understood(powershell: PowerShell, user: User, script: str, unknown: str) -> None:
    """The fake runs no PowerShell; it says what it does not know."""
    powershell.sign_in(user)
    result = run(powershell, command(script))
    assert result.stderr.startswith("the fake pwsh answers the scripts by which the Azure SDKs ask for a token")
    assert unknown in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


@pytest.mark.parametrize("arguments", [command("$x = 's3cret'"), encoded("Connect-It -Password 's3cret'")])
def test_what_is_not_understood_stays_out_of_the_journal(powershell: PowerShell, arguments: tuple[str, ...]) -> None:
    """A person's script may hold secrets."""
    details: dict[str, object] = {}
    powershell.run(Invocation(arguments=arguments), details)
    assert details["error"] == "a script that is not understood"
    assert str(details["command"]).endswith("ommand <a script>")


def test_the_rest_of_the_command_line(powershell: PowerShell) -> None:
    """Help, version and errors are those of PowerShell."""
    assert "Usage: pwsh" in run(powershell, ("/?",)).stdout
    assert run(powershell, ("--version",)).stdout == "PowerShell 7.5.4\n"
    for arguments, refusal in (
        (("-EncodedCommand", "%"), "is not properly encoded"),
        (("-NoProfile", "-EncodedCommand"), "A value must follow -encodedcommand"),
        (("deploy.ps1",), "The argument 'deploy.ps1' is not recognized as the name of a script file."),
        (("-NoProfile",), "it has no prompt"),
    ):
        result = run(powershell, arguments)
        assert refusal in result.stderr
        assert (result.stdout, result.exit_code) == ("", 64)


@pytest.mark.parametrize(
    "start", [("-nop", "-noni", "-c"), ("-NOPROFILE", "-Command"), ("-ep", "Bypass", "-Com"), ("/c",)]
)
def test_parameters_may_be_cut_short(powershell: PowerShell, start: tuple[str, ...]) -> None:
    """In any case, and with slashes."""
    assert "Az.Accounts" in run(powershell, (*start, *sdk.MODULE.split())).stdout


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    arguments=st.lists(
        st.text() | st.sampled_from([*sdk.python(), "-Command", sdk.OBJECT, sdk.GO[:-40], "-o", "$token"])
    )
)
def test_no_command_line_is_too_much(powershell: PowerShell, arguments: list[str]) -> None:
    """Whatever it is called with, it answers."""
    assert run(powershell, tuple(arguments)).exit_code in (0, 1, 64)
