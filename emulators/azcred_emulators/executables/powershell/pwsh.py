"""The executable `pwsh` with Azure PowerShell: it runs the scripts with which SDKs ask for a token.

Sources: Azure/azure-powershell (Get-AzAccessToken, PSAccessToken), and the words that SDKs look for in its errors.
"""

from collections.abc import Collection
from dataclasses import dataclass

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.executables.accounts import Account, ManagedIdentityAccount, UserAccount
from azcred_emulators.executables.executable import Invocation
from azcred_emulators.executables.powershell import output
from azcred_emulators.executables.powershell.command_line import CommandLine, CommandLineError, read_command_line
from azcred_emulators.executables.powershell.output import CORE, AccessToken
from azcred_emulators.executables.powershell.scripts import Conversion, Script, Shape, UnknownScript, read_script
from azcred_emulators.executables.token_client import (
    IdentityNotAssigned,
    TokenClient,
    TokenError,
    TokenServiceFailed,
)
from azcred_emulators.executables.tool import Tool
from azcred_emulators.executables.versions import Version, version

PLAIN_TEXT = "AZUREPS_OUTPUT_PLAINTEXT_AZACCESSTOKEN"  # the variable that makes tokens plain text again
_MINIMUM: Version = (2, 2, 0)  # of Az.Accounts, for every SDK: the first that has Get-AzAccessToken
_SECURE: Version = (
    5,
    0,
    0,
)  # of Az.Accounts: from this version tokens are secure strings even if the script does not ask for it
# The warnings that announce this: from which version of Az.Accounts, and the versions of Az and Az.Accounts in it.
_ANNOUNCEMENTS = (((4, 0, 0), "14.0.0", "5.0.0"), ((3, 0, 0), "13.0.0", "4.0.0"))
_RESOURCE_MANAGER = "https://management.core.windows.net/"
_USAGE = """\

Usage: pwsh[.exe] [-Login] [[-File] <filePath> [args]]
                  [-Command { - | <script-block> [-args <arg-array>]
                                | <string> [<CommandParameters>] } ]
                  [-EncodedCommand <Base64EncodedCommand>]
                  [-ExecutionPolicy <ExecutionPolicy>]
                  [-InputFormat {Text | XML}] [-Interactive]
                  [-NoExit] [-NoLogo] [-NonInteractive] [-NoProfile]
                  [-OutputFormat {Text | XML}] [-Version]

       pwsh[.exe] -h | -Help | -? | /?
"""


class _CmdletError(Exception):
    """The error of a command in a script."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(message)
        self.command = command


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a script printed, its errors and its exit code."""

    stdout: str = ""
    errors: tuple[_CmdletError, ...] = ()
    exit_code: int = 0


class PowerShell(Tool):
    """PowerShell, and the account that is signed in to its module Az.Accounts.

    `version` is PowerShell's, such as "5.1" for Windows PowerShell, `module_version` that of Az.Accounts, None if it
    is not installed. The `execution_policy` "Restricted" keeps every module from being loaded.
    """

    names: tuple[str, ...] = ("pwsh", "powershell")
    provider = "azure-powershell"
    operations: Collection[str] = ("module", "token")
    token_command: tuple[str, ...] = ("-NoProfile",)  # a call that only looks whether it is installed starts with /?

    def __init__(self, client: TokenClient) -> None:
        super().__init__(client)
        self.reset()

    def reset(self) -> None:
        """Return to the latest versions, and sign the account out."""
        super().reset()
        self.version = "7.5.4"
        self.module_version: str | None = "5.3.0"
        self.execution_policy = "Unrestricted"

    def run(self, invocation: Invocation, details: dict[str, object]) -> CommandResult:
        """Answer the command line of an SDK."""
        try:
            command_line = read_command_line(invocation.arguments)
        except CommandLineError as error:
            return CommandResult(stderr=f"{error}\n", exit_code=64)
        if command_line.help:
            return CommandResult(stdout=_USAGE)
        if command_line.version:
            return CommandResult(stdout=f"PowerShell {self.version}\n")
        try:
            script = read_script(command_line.script, invocation.environ)
        except UnknownScript as error:
            # The journal does not show the script: there may be secrets in it.
            details["command"] = _described(command_line, None)
            details["error"] = "a script that is not understood"
            reason = "the fake pwsh answers the scripts by which the Azure SDKs ask for a token; of this one,"
            return CommandResult(stderr=f"{reason} {error}\n", exit_code=1)
        details["operation"] = "module" if script.shape is Shape.MODULE else "token"
        details["command"] = _described(command_line, script)
        plain = invocation.environ.get(PLAIN_TEXT, "").lower() == "true"
        outcome = self._execute(script, details, plain=plain)
        if outcome.errors:
            details.setdefault("error", str(outcome.errors[0]))
        return CommandResult(
            stdout=outcome.stdout, stderr=self._stderr(outcome, command_line), exit_code=outcome.exit_code
        )

    def _execute(self, script: Script, details: dict[str, object], *, plain: bool) -> _Outcome:
        errors: list[_CmdletError] = []
        if script.imports and not self._module_loads:
            if self.execution_policy != "Restricted" and script.without_module is not None:
                if script.fails_without_module:
                    return _Outcome(errors=(_CmdletError("Write-Error", script.without_module),), exit_code=1)
                return _Outcome(f"{script.without_module}\n")
            errors.append(_CmdletError("Import-Module", self._not_loaded()))
            if script.stops or script.shape is Shape.MODULE:
                return _Outcome(errors=tuple(errors), exit_code=1)
        if script.shape is Shape.MODULE:
            return _Outcome(output.module_table(str(self.module_version)))
        token = None
        try:
            token = self._token(script, details, plain=plain)
        except _CmdletError as error:
            errors.append(error)
            if script.stops or script.shape in (Shape.OBJECT, Shape.TOKEN):
                return _Outcome(errors=tuple(errors), exit_code=1)
        text = output.script_output(script, token, version(self.version))
        return _Outcome(self._announcement(script) + text, tuple(errors))

    @property
    def _module_loads(self) -> bool:
        present = self.module_version is not None and version(self.module_version) >= _MINIMUM
        return present and self.execution_policy != "Restricted"

    def _not_loaded(self) -> str:
        if self.execution_policy == "Restricted":
            return "AuthorizationManager check failed."
        return (
            "The specified module 'Az.Accounts' with version '2.2.0' was not loaded because no valid module file was "
            "found in any module directory."
        )

    def _token(self, script: Script, details: dict[str, object], *, plain: bool) -> AccessToken:
        """Return what Get-AzAccessToken returns, with the token if the script sees its text; raises _CmdletError."""
        if not self._module_loads or self.module_version is None:
            raise _CmdletError(
                "Get-AzAccessToken",
                "The term 'Get-AzAccessToken' is not recognized as a name of a cmdlet, function, script file, or "
                "executable program.\nCheck the spelling of the name, or if a path was included, verify that the path "
                "is correct and try again.",
            )
        resource = script.resource or _RESOURCE_MANAGER
        details["resource"] = resource
        if self.account is None:
            raise _CmdletError("Get-AzAccessToken", "Run Connect-AzAccount to login.")
        try:
            token = self.account.token(f"{resource}/.default", details, tenant=script.tenant_id)
        except (EntraError, TokenServiceFailed, IdentityNotAssigned) as error:
            if isinstance(error, EntraError):
                details["error"] = f"AADSTS{error.code}"
            message = _message(error, self.account, resource, script.tenant_id or self.account.tenant_id)
            raise _CmdletError("Get-AzAccessToken", message) from error
        module = version(self.module_version)
        requested = script.asks_for_secure_string(module)
        secure = requested or (module >= _SECURE and not plain)
        converted = script.conversion is Conversion.IF_SECURE or (
            script.conversion is Conversion.IF_REQUESTED and requested
        )
        if secure and converted and script.needs_core and version(self.version) < CORE:
            raise _CmdletError(
                "ConvertFrom-SecureString", "A parameter cannot be found that matches parameter name 'AsPlainText'."
            )
        return AccessToken(
            token=token.value if converted or not secure else None,
            length=len(token.value),
            expires_on=token.expires_on,
            tenant_id=script.tenant_id or self.account.tenant_id,
            user_id=self.account.name,
        )

    def _announcement(self, script: Script) -> str:
        """Return the warning that secure strings will come, which PowerShell writes to standard output."""
        module = version(self.module_version or "0")
        if script.quiet or module >= _SECURE or not self._module_loads:
            return ""
        for since, az, accounts in _ANNOUNCEMENTS:
            if module >= since:
                return (
                    "WARNING: Upcoming breaking changes in the cmdlet 'Get-AzAccessToken' :\n"
                    "The Token property of the output type will be changed from String to SecureString. Add the "
                    "[-AsSecureString] switch to avoid the impact of this upcoming breaking change.\n"
                    f"- The change is expected to take effect in Az version : '{az}'\n"
                    f"- The change is expected to take effect in Az.Accounts version : '{accounts}'\n"
                    "Note : Go to https://aka.ms/azps-changewarnings for steps to suppress this breaking change "
                    "warning, and other information on breaking changes in Azure PowerShell.\n"
                )
        return ""

    def _stderr(self, outcome: _Outcome, command_line: CommandLine) -> str:
        edition = version(self.version)
        text = "".join(
            output.error(error.command, str(error), command_line.script, edition) for error in outcome.errors
        )
        return output.serialized(text) if command_line.encoded and not command_line.text else text


def _described(command_line: CommandLine, script: Script | None) -> str:
    """Return a call as the journal shows it: with what the script asks for instead of the script itself."""
    request = ["a script"]
    if script:
        request = ["Import-Module Az.Accounts" if script.shape is Shape.MODULE else "Get-AzAccessToken"]
        request += [f"-ResourceUrl {script.resource}"] if script.resource else []
        request += [f"-TenantId {script.tenant_id}"] if script.tenant_id else []
    return f"pwsh {' '.join(command_line.options)} <{' '.join(request)}>"


def _message(error: TokenError | IdentityNotAssigned, account: Account, resource: str, tenant: str) -> str:
    """Return the error of Azure PowerShell when it gets no token."""
    match account:
        case UserAccount():
            credential = "SharedTokenCacheCredential"
        case ManagedIdentityAccount():
            credential = "ManagedIdentityCredential"
        case _:
            credential = "ClientSecretCredential"
    if isinstance(error, IdentityNotAssigned):
        return (
            f"{credential} authentication unavailable. The requested identity has not been assigned to this resource."
        )
    if isinstance(error, TokenServiceFailed):
        return f"{credential} authentication failed: {error}"
    if isinstance(account, UserAccount) and error.error in ("invalid_grant", "interaction_required"):
        cause = (
            "User interaction is required. This may be due to the conditional access policy settings such as "
            "multi-factor authentication (MFA)."
        )
        if resource.rstrip("/") == _RESOURCE_MANAGER.rstrip("/"):
            return (
                f"Authentication failed against tenant {tenant}. {cause} If you need to access subscriptions in that "
                f"tenant, please rerun 'Connect-AzAccount' with additional parameter '-TenantId {tenant}'."
            )
        return (
            f"Authentication failed against resource {resource}. {cause} Please rerun 'Connect-AzAccount' with "
            f"additional parameter '-AuthScope {resource}'."
        )
    return f"{credential} authentication failed: {error.text}"
