"""Reads the PowerShell scripts with which SDKs ask Azure PowerShell for a token.

A script is read, not run: tables list what differs between the scripts, and a script that does anything else is not
understood. Sources: azure-identity 1.15 to 1.27 for Python, @azure/identity 3.4 to 4.14, azidentity 1.15,
com.azure:azure-identity 1.15 to 1.18 and Azure.Identity for .NET, as published.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from azcred_emulators.executables.versions import Version, version


class UnknownScript(Exception):
    """A script that no SDK sends; the text says what in it is unknown."""


class Shape(Enum):
    """What a script prints."""

    LINE = auto()  # azsdk%, the token and the seconds
    XML_TICKS = auto()
    XML_SECONDS = auto()
    JSON_SECONDS = auto()
    JSON_COMPACT = auto()  # in one line; the time is a date
    JSON = auto()  # the time is a date
    OBJECT = auto()  # everything that Get-AzAccessToken returns, as JSON
    TOKEN = auto()  # the token and nothing else
    MODULE = auto()  # the module that was imported


class Conversion(Enum):
    """When a script turns a secure string into text."""

    NEVER = auto()
    IF_REQUESTED = auto()  # if it asked for a secure string
    IF_SECURE = auto()  # if it got one


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a script asks of Azure PowerShell, and what it does with the answer.

    `secure_since` and `secure_before` are the versions of Az.Accounts from which and before which it asks for a secure
    string. `without_module` is what it prints when the module is not there, as an error if `fails_without_module`;
    None if it goes on. `stops` tells that it ends at the first error. `names` are the properties in the order in which
    they are printed. `needs_core` tells that it converts in a way that Windows PowerShell does not know, `quiet` that
    it ignores warnings.
    """

    shape: Shape
    resource: str | None = None
    tenant_id: str | None = None
    imports: bool = False
    secure_since: Version | None = None
    secure_before: Version | None = None
    conversion: Conversion = Conversion.NEVER
    without_module: str | None = None
    fails_without_module: bool = False
    stops: bool = False
    names: tuple[str, ...] = ("Token", "ExpiresOn")
    needs_core: bool = False
    quiet: bool = False

    def asks_for_secure_string(self, module: Version) -> bool:
        """Tell whether it passes `-AsSecureString` to this version of Az.Accounts."""
        if self.secure_since is None or module < self.secure_since:
            return False
        return self.secure_before is None or module < self.secure_before


_AS_XML = r"\$x = \$\w+ \| ConvertTo-Xml\s+return \$x\.Objects\.FirstChild\.OuterXml"
# How a script ends, which tells what it prints; the first that fits.
_ENDS = tuple(
    (re.compile(pattern + r"\s*\Z", re.IGNORECASE | re.DOTALL), shape)
    for pattern, shape in (
        (r'Write-Output "`nazsdk%\$\([^%\n]+\)%\$\(\$token\.ExpiresOn\.ToUnixTimeSeconds\(\)\)`n"', Shape.LINE),
        (r"UtcDateTime\.Ticks\s+" + _AS_XML, Shape.XML_TICKS),
        (r"ToUnixTimeSeconds\(\)\s+" + _AS_XML, Shape.XML_SECONDS),
        (r"ToUnixTimeSeconds\(\)\s+\$\w+ = \$\w+ \| ConvertTo-Json\s+return \$\w+", Shape.JSON_SECONDS),
        (r"\$token\.ExpiresOn\s+\$\w+ \| ConvertTo-Json -Compress -Depth 10", Shape.JSON_COMPACT),
        (r"\$token\.ExpiresOn\s+return \$\w+ \| ConvertTo-Json", Shape.JSON),
        (r"\bAdd-Member\b.*Write-Output \(ConvertTo-Json \$\w+\)", Shape.JSON),
        (r"\A\s*Get-AzAccessToken\b[^|;\n]*\| ConvertTo-Json", Shape.OBJECT),
        (r"\A\s*\(Get-AzAccessToken\b[^|;\n)]*\)\.Token", Shape.TOKEN),
        (r"\A\s*Import-Module Az\.Accounts\b[^|;\n]*", Shape.MODULE),
    )
)
_COMMANDS = frozenset(
    name.lower()
    for name in (
        "Add-Member",
        "ConvertFrom-SecureString",
        "ConvertTo-Json",
        "ConvertTo-Xml",
        "Get-AzAccessToken",
        "Import-Module",
        "New-Object",
        "Write-Error",
        "Write-Output",
    )
)
_COMMAND = re.compile(r"(?<![\w$.'\"/:-])([A-Za-z]+-[A-Za-z]+)\b")
_TOKEN_COMMAND = re.compile(r"Get-AzAccessToken\b([^|;\n)]*)", re.IGNORECASE)
_PARAMETER = re.compile(r"(?<=\s)-([A-Za-z]+)")
_PARAMETERS = frozenset({"assecurestring", "erroraction", "resourceurl", "tenantid", "warningaction"})
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_VALUE = r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"$`]*)"|\$env:(?P<env>\w+)|\$(?P<variable>\w+)|(?P<bare>[\w:/.-]+))"""
_NAMES = {
    "ResourceUrl": r"'?\bResourceUrl'?\s*=|-ResourceUrl\b",
    "TenantId": r"\[['\"]TenantId['\"]\]\s*=|-TenantId\b",
}
_MODULE_TEST = re.compile(
    r"if \((?:! ?|-not )\$\w+\) \{\s*Write-(?P<stream>Output|Error) '?(?P<text>[^'\n]+?)'?\s+(?:exit\s+)?\}",
    re.IGNORECASE,
)
_SINCE = re.compile(r"-ge \[version\]'([\d.]+)'", re.IGNORECASE)
_BEFORE = re.compile(r"-lt \[version\]'([\d.]+)'", re.IGNORECASE)


def read_script(text: str, environ: Mapping[str, str]) -> Script:
    """Return what a script does; raises UnknownScript.

    `environ` are the caller's variables: some SDKs pass the values of parameters in them.
    """
    text = _COMMENT.sub("", text.replace("\r\n", "\n"))
    unknown = sorted({name for name in _COMMAND.findall(text) if name.lower() not in _COMMANDS})
    if unknown:
        raise UnknownScript(f"{unknown[0]} is unknown to it")
    for parameters in _TOKEN_COMMAND.findall(text):
        for parameter in _PARAMETER.findall(parameters):
            if parameter.lower() not in _PARAMETERS:
                raise UnknownScript(f"-{parameter} of Get-AzAccessToken is unknown to it")
    shape = next((shape for end, shape in _ENDS if end.search(text)), None)
    if shape is None:
        last = text.strip().rpartition("\n")[2].strip()
        raise UnknownScript(f"the last line is unknown to it: {last[:80]}")
    secure = "AsSecureString" in text
    test = _MODULE_TEST.search(text)
    return Script(
        shape=shape,
        resource=_value("ResourceUrl", text, environ),
        tenant_id=_value("TenantId", text, environ) or None,
        imports="Import-Module" in text,
        secure_since=(_version(_SINCE, text) or (0,)) if secure else None,
        secure_before=_version(_BEFORE, text) if secure else None,
        conversion=_conversion(text),
        without_module=test["text"] if test else None,
        fails_without_module=test is not None and test["stream"].lower() == "error",
        stops="$ErrorActionPreference = 'Stop'" in text,
        names=("ExpiresOn", "Token")
        if "-Name ExpiresOn" in text.partition("-Name Token")[0]
        else ("Token", "ExpiresOn"),
        needs_core="-AsPlainText" in text and "PSVersion.Major -lt 7" not in text,
        quiet=re.search(r"WarningAction'?\s*=\s*'Ignore'", text) is not None,
    )


def _conversion(text: str) -> Conversion:
    if "-is [System.Security.SecureString]" in text:
        return Conversion.IF_SECURE
    return Conversion.IF_REQUESTED if "ConvertFrom-SecureString" in text else Conversion.NEVER


def _version(pattern: re.Pattern[str], text: str) -> Version | None:
    match = pattern.search(text)
    return version(match[1]) if match else None


def _value(name: str, text: str, environ: Mapping[str, str]) -> str | None:
    """Return the value of a parameter, a string or a variable's string; None if the script does not pass it.

    Raises UnknownScript if the value is anything else.
    """
    parameter = re.search(_NAMES[name], text, re.IGNORECASE)
    if parameter is None:
        return None
    match = re.compile(rf"\s*{_VALUE}").match(text, parameter.end())
    if match and match["variable"]:
        match = re.search(rf"\${match['variable']}\s*=\s*{_VALUE}", text, re.IGNORECASE)
    if not match or match["variable"]:
        raise UnknownScript(f"the value of {name} is unknown to it")
    if match["env"]:
        return environ.get(match["env"], "")
    return next(value for name in ("single", "double", "bare") if (value := match[name]) is not None)
