"""Azure PowerShell in which a developer has signed in."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING

from pytest_azcred.credentials.request import TokenRequest

from .developer_tool import DeveloperToolCredential, find, unavailable

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo
    from azure.core.exceptions import ClientAuthenticationError

    from .process import Output

NOT_FOUND = "PowerShell is not installed"
NO_MODULE = "Az.Account module >= 2.2.0 is not installed"
NOT_SIGNED_IN = 'Please run "Connect-AzAccount" to set up account'
BLOCKED = "Execution policy prevented invoking Azure PowerShell"

_WITHOUT_MODULE = "NO_AZ_ACCOUNT_MODULE"
_MARK = "azsdk%"
_SCRIPT = """\
$ErrorActionPreference = 'Stop'
$module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru -ErrorAction SilentlyContinue
if (! $module) {
    Write-Output %(without_module)s
    exit
}
$arguments = @{ 'ResourceUrl' = '%(resource)s'; 'WarningAction' = 'Ignore' }
if ('%(tenant_id)s') {
    $arguments['TenantId'] = '%(tenant_id)s'
}
if ($module.Version -ge [version]'2.17.0' -and $module.Version -lt [version]'5.0.0') {
    $arguments['AsSecureString'] = $true
}
$token = Get-AzAccessToken @arguments
$text = $token.Token
if ($text -is [System.Security.SecureString]) {
    $text = (New-Object System.Net.NetworkCredential('', $text)).Password
}
Write-Output "`n%(mark)s$($text)%%$($token.ExpiresOn.ToUnixTimeSeconds())`n"
"""
"""Prints a line with the token and its expiry. What is put in has no quotes: scopes and tenants were checked.

From Az.Accounts 2.17 on a token may be a secure string, and from 5.0 on it always is. A NetworkCredential reads it in
Windows PowerShell as well as in PowerShell 7.
"""


class AzurePowerShellCredential(DeveloperToolCredential):
    """Authenticates as the account that has signed in to Azure PowerShell with ``Connect-AzAccount``.

    :keyword tenant_id: the tenant to ask; by default that of the current context.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all. Without a
        ``tenant_id`` every tenant is allowed.
    :keyword process_timeout: how long PowerShell may take, in seconds.
    :raises ValueError: the tenant is malformed.
    """

    label = "PowerShell"

    def _arguments(self, request: TokenRequest) -> list[str]:
        if request.claims:
            raise unavailable(_how_to_answer(request))
        script = _SCRIPT % {
            "without_module": _WITHOUT_MODULE,
            "resource": request.resource,
            "tenant_id": request.tenant_id or "",
            "mark": _MARK,
        }
        encoded = base64.b64encode(script.encode("utf-16-le")).decode()
        return ["-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]

    def _path(self) -> str | None:
        return find("pwsh", "powershell") if sys.platform == "win32" else find("pwsh")

    def _read(self, stdout: str) -> AccessTokenInfo | None:
        from azure.core.credentials import AccessTokenInfo

        if _WITHOUT_MODULE in stdout:
            raise unavailable(NO_MODULE)
        line = next((line.strip() for line in stdout.splitlines() if line.strip().startswith(_MARK)), "")
        token, _, expires_on = line.removeprefix(_MARK).partition("%")
        return AccessTokenInfo(token, int(expires_on)) if token and expires_on.isdecimal() else None

    def _not_found(self) -> str:
        return NOT_FOUND

    def _refusal(self, output: Output) -> ClientAuthenticationError:
        if output.exit_code == 127 or "' is not recognized" in output.stderr:
            return unavailable(NOT_FOUND)
        if "Run Connect-AzAccount to login" in output.stderr:
            return unavailable(NOT_SIGNED_IN)
        if "AuthorizationManager check failed" in output.stderr:
            return unavailable(BLOCKED)
        return unavailable(f"Failed to invoke PowerShell: it ended with exit code {output.exit_code}.")


def _how_to_answer(request: TokenRequest) -> str:
    """What to do about a claims challenge, which takes a person."""
    claims = base64.b64encode((request.claims or "").encode()).decode()
    tenant = f" -Tenant {request.tenant_id}" if request.tenant_id else ""
    return (
        "A service asks for claims that Azure PowerShell gets only at sign-in. "
        f"Run: Connect-AzAccount -ClaimsChallenge {claims}{tenant}"
    )
