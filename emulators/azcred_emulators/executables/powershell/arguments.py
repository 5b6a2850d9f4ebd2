"""The command line of `pwsh`, whose parameters may be cut short and written in any case."""

import base64
from dataclasses import dataclass

# The parameters that SDKs and people pass, whether a value follows, and the short forms beside their beginnings.
_PARAMETERS = {
    "command": True,
    "encodedcommand": True,
    "executionpolicy": True,
    "file": True,
    "help": False,
    "inputformat": True,
    "interactive": False,
    "login": False,
    "noexit": False,
    "nologo": False,
    "noninteractive": False,
    "noprofile": False,
    "noprofileloadtime": False,
    "outputformat": True,
    "sta": False,
    "version": False,
    "windowstyle": True,
    "workingdirectory": True,
}
_ALIASES = {
    "?": "help",
    "ec": "encodedcommand",
    "ep": "executionpolicy",
    "ex": "executionpolicy",
    "i": "interactive",
    "of": "outputformat",
    "wd": "workingdirectory",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What `pwsh` is asked to do: one of `help`, `version` or a script; `text` tells that errors are to be text.

    `options` are the arguments before the script.
    """

    script: str = ""
    options: tuple[str, ...] = ()
    help: bool = False
    version: bool = False
    encoded: bool = False
    text: bool = False


class Refused(Exception):
    """A command line that `pwsh` refuses; the text says why."""


def read(arguments: tuple[str, ...]) -> Call:
    """Read a command line; raises Refused."""
    text = False
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name = _name(argument)
        if name == "help":
            return Call(help=True)
        if name == "version":
            return Call(version=True)
        if name is None:
            raise Refused(
                f"The argument '{argument}' is not recognized as the name of a script file. Check the spelling of the "
                "name, or if a path was included, verify that the path is correct and try again."
            )
        if name == "command":
            return Call(script=" ".join(rest), options=_before(arguments, rest), text=text)
        if not _PARAMETERS[name]:
            continue
        if not rest:
            raise Refused(f"Cannot process the command because of a missing parameter. A value must follow -{name}.")
        options = _before(arguments, rest)
        value = rest.pop(0)
        if name == "encodedcommand":
            return Call(script=_decoded(value), options=options, encoded=True, text=text or _asks_for_text(rest))
        if name == "outputformat":
            text = value.lower() == "text"
        if name == "file":
            raise Refused(f"The argument '{value}' to the -File parameter does not exist.")
    raise Refused("azcred's pwsh answers the scripts of SDKs; it has no prompt.")


def _before(arguments: tuple[str, ...], rest: list[str]) -> tuple[str, ...]:
    return arguments[: len(arguments) - len(rest)]


def _name(argument: str) -> str | None:
    """Return the full name of a parameter, None for what is none."""
    if argument[:1] not in ("-", "/") or len(argument) < 2:
        return None
    given = argument.lstrip("-/").lower()
    return _ALIASES.get(given) or next((name for name in _PARAMETERS if name.startswith(given)), None)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-16-le")
    except ValueError:
        raise Refused(
            "Cannot process the command because the value specified with -EncodedCommand is not properly encoded. The "
            "value must be Base64 encoded."
        ) from None


def _asks_for_text(rest: list[str]) -> bool:
    names = [_name(argument) for argument in rest]
    return any(name == "outputformat" and value.lower() == "text" for name, value in zip(names, rest[1:], strict=False))
