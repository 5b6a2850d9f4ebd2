"""What PowerShell prints: a token in the form that a script gives it, and errors as each edition formats them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from xml.sax.saxutils import escape

from azcred_emulators.executables.powershell.scripts import Script, Shape
from azcred_emulators.executables.versions import Version

CORE: Version = (6,)  # the first version of PowerShell that is not Windows PowerShell
SECURE_STRING = "System.Security.SecureString"  # what PowerShell prints for a secure string
_TICKS_OF_1970 = 621_355_968_000_000_000  # of 100 ns since the year 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What Get-AzAccessToken returns; `token` is None for a secure string, which shows nothing but its `length`."""

    token: str | None
    length: int
    expires_on: int
    tenant_id: str
    user_id: str


def script_output(script: Script, token: AccessToken | None, edition: Version) -> str:
    """Return what a script prints for a token, or without one if it goes on after an error."""
    return _OUTPUTS[script.shape](script, token, edition)


def _line(_: Script, token: AccessToken | None, __: Version) -> str:
    return f"\nazsdk%{token.token or SECURE_STRING}%{token.expires_on}\n\n" if token else "\nazsdk%%\n\n"


def _xml(script: Script, token: AccessToken | None, _: Version) -> str:
    if token is None:
        return ""
    number = token.expires_on
    if script.shape is Shape.XML_TICKS:
        number = token.expires_on * 10_000_000 + _TICKS_OF_1970
    kind = "System.String" if token.token else SECURE_STRING
    return (
        '<Object Type="System.Management.Automation.PSCustomObject">'
        f'<Property Name="Token" Type="{kind}">{escape(token.token or SECURE_STRING)}</Property>'
        f'<Property Name="ExpiresOn" Type="System.Int64">{number}</Property></Object>\n'
    )


def _json(script: Script, token: AccessToken | None, edition: Version) -> str:
    values: dict[str, object] = {"Token": None, "ExpiresOn": None}
    if token:
        seconds = script.shape is Shape.JSON_SECONDS
        values = {"Token": _text(token), "ExpiresOn": token.expires_on if seconds else date(token.expires_on, edition)}
    return _json_text({name: values[name] for name in script.names}, compact=script.shape is Shape.JSON_COMPACT)


def _object(_: Script, token: AccessToken | None, edition: Version) -> str:
    if token is None:
        return ""
    return _json_text(
        {
            "Token": _text(token),
            "ExpiresOn": date(token.expires_on, edition),
            "TenantId": token.tenant_id,
            "UserId": token.user_id,
            "Type": "Bearer",
        }
    )


def _token(_: Script, token: AccessToken | None, __: Version) -> str:
    return f"{token.token or SECURE_STRING}\n" if token else ""


_OUTPUTS: Mapping[Shape, Callable[[Script, AccessToken | None, Version], str]] = {
    Shape.LINE: _line,
    Shape.XML_TICKS: _xml,
    Shape.XML_SECONDS: _xml,
    Shape.JSON_SECONDS: _json,
    Shape.JSON_COMPACT: _json,
    Shape.JSON: _json,
    Shape.OBJECT: _object,
    Shape.TOKEN: _token,
}


def _text(token: AccessToken) -> object:
    return token.token if token.token is not None else {"Length": token.length}


def _json_text(value: Mapping[str, object], *, compact: bool = False) -> str:
    return json.dumps(value, **({"separators": (",", ":")} if compact else {"indent": 2})) + "\n"


def date(seconds: int, edition: Version) -> str:
    """Return a DateTimeOffset in UTC as ConvertTo-Json writes it."""
    if edition < CORE:
        return f"/Date({seconds * 1000})/"
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def module_table(version: str) -> str:
    """Return the table that shows the module Az.Accounts."""
    return (
        "\n"
        "ModuleType Version    PreRelease Name                                ExportedCommands\n"
        "---------- -------    ---------- ----                                ----------------\n"
        f"Script     {version:<10}            Az.Accounts                         {{Add-AzEnvironment…}}\n"
        "\n"
    )


def error(command: str, message: str, text: str, edition: Version) -> str:
    """Return an error of a command, with its place in the script `text` if that has several lines."""
    lines = text.split("\n")
    places = ((number, line) for number, line in enumerate(lines, 1) if command in line)
    number, line = next(places, (1, lines[0]))
    column = max(line.find(command), 0)
    underlined = "~" * len(line[column:].rstrip())
    if edition < CORE:
        return (
            f"{command} : {message}\nAt line:{number} char:{column + 1}\n+ {line.strip()}\n"
            f"+ {' ' * (column - len(line) + len(line.lstrip()))}{underlined}\n"
        )
    if len(lines) == 1:
        return f"{command}: {message}\n"
    return f"{command}: \nLine |\n{number:>4} |  {line}\n     |  {' ' * column}{underlined}\n     | {message}\n"


def serialized(text: str) -> str:
    """Return errors in the XML that PowerShell writes for a caller that encoded its command."""
    errors = "".join(f'<S S="Error">{escape(line)}_x000A_</S>' for line in text.splitlines())
    namespace = "http://schemas.microsoft.com/powershell/2004/04"
    return f'#< CLIXML\n<Objs Version="1.1.0.1" xmlns="{namespace}">{errors}</Objs>' if errors else ""
