"""What SDKs pass to PowerShell: azure-identity's own script, and for the other SDKs what theirs come down to.

The scripts of @azure/identity, azidentity and azure-identity for Java themselves are run by tests/node, tests/go and
tests/java.
"""

from __future__ import annotations

import base64
import shlex

from azure.identity._credentials.azure_powershell import get_command_line

VAULT = "https://vault.azure.net"


def encoded(script: str, *options: str) -> tuple[str, ...]:
    """Return the arguments of a caller that encodes its script."""
    return (
        "-NoProfile",
        "-NonInteractive",
        *options,
        "-EncodedCommand",
        base64.b64encode(script.encode("utf-16-le")).decode(),
    )


def command(script: str) -> tuple[str, ...]:
    """Return the arguments of a caller that does not."""
    return ("-NoProfile", "-NonInteractive", "-Command", script)


def python(tenant_id: str = "") -> tuple[str, ...]:
    """Return the arguments that the installed azure-identity passes."""
    _, _, line = get_command_line((f"{VAULT}/.default",), tenant_id)
    return tuple(shlex.split(line)[1:])


_STOP = "$ErrorActionPreference = 'Stop'"
_IMPORT = "$m = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru -ErrorAction SilentlyContinue"
_ASK = """\
if ($m.Version -ge [version]'2.17.0' -and $m.Version -lt [version]'5.0.0') { $params['AsSecureString'] = $true }
$token = Get-AzAccessToken @params
if ($token.Token -is [System.Security.SecureString]) {
    $plain = $token.Token | ConvertFrom-SecureString -AsPlainText
}"""
_PARAMETERS = f"$params = @{{ ResourceUrl = '{VAULT}'; WarningAction = 'Ignore' }}"
_ADD = "$custom | Add-Member -MemberType NoteProperty -Name"

_XML = "$x = $custom | ConvertTo-Xml\nreturn $x.Objects.FirstChild.OuterXml"


def _checked(marker: str) -> str:
    return f"if (! $m) {{\n    Write-Output '{marker}'\n    exit\n}}"


def _dotnet(time: str) -> str:
    end = f"{_ADD} ExpiresOn -Value $token.ExpiresOn.{time}\n{_XML}"
    return "\n".join(
        [_STOP, _IMPORT, _checked("NoAzAccountModule"), _PARAMETERS, _ASK, f"{_ADD} Token -Value $plain", end]
    )


DOTNET = _dotnet("UtcDateTime.Ticks")
DOTNET_SECONDS = _dotnet("ToUnixTimeSeconds()")
GO = f"""{_STOP}
{_IMPORT}
if (-not $m) {{
    Write-Error 'Az.Accounts module not found'
}}
{_PARAMETERS}
{_ASK}
{_ADD} Token -Value $plain
{_ADD} ExpiresOn -Value $token.ExpiresOn.ToUnixTimeSeconds()
$json = $custom | ConvertTo-Json
return $json
"""
JAVA = f"""{_STOP}
{_IMPORT}
{_checked("VersionTooOld")}
{_PARAMETERS}
{_ASK}
{_ADD} Token -Value $plain
{_ADD} ExpiresOn -Value $token.ExpiresOn
$custom | ConvertTo-Json -Compress -Depth 10"""
JAVASCRIPT = f"""
$tenantId = $env:AZURE_IDENTITY_POWERSHELL_TENANT_ID
$resource = $env:AZURE_IDENTITY_POWERSHELL_RESOURCE
$m = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru
$params = @{{ ResourceUrl = $resource }}
if ($tenantId.Length -gt 0) {{ $params["TenantId"] = $tenantId }}
{_ASK}
{_ADD} ExpiresOn -Value $token.ExpiresOn
{_ADD} Token -Value $plain
Write-Output (ConvertTo-Json $custom)
"""
MODULE = "Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru"
OBJECT = f'Get-AzAccessToken  -ResourceUrl "{VAULT}" | ConvertTo-Json'
TOKEN = f"(Get-AzAccessToken -ResourceUrl {VAULT}).Token"
