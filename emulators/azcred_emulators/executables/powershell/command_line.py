"""The command line of `pwsh`, whose parameters may be abbreviated and written in any case."""

import base64
from dataclasses import dataclass

# The parameters that SDKs and people pass, and whether a value follows.
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
# The short forms that are not just the beginning of a name.
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
class CommandLine:
    """A command line of `pwsh`: it asks for `help`, for the `version`, or for a script to be run.

    `encoded` tells that the script was in base64, `text` that errors are to be printed as text. `options` are the
    arguments before the script.
    """

    script: str = ""
    options: tuple[str, ...] = ()
    help: bool = False
    version: bool = False
    encoded: bool = False
    text: bool = False


class CommandLineError(Exception):
    """A command line that `pwsh` cannot run; the text says why."""


def read_command_line(arguments: tuple[str, ...]) -> CommandLine:
    """Read a command line; raises CommandLineError."""
    text = False
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name = _name(argument)
        if name == "help":
            return CommandLine(help=True)
        if name == "version":
            return CommandLine(version=True)
        if name is None:
            raise CommandLineError(
                f"The argument '{argument}' is not recognized as the name of a script file. Check the spelling of the "
                "name, or if a path was included, verify that the path is correct and try again."
            )
        if name == "command":
            return CommandLine(script=" ".join(rest), options=_before(arguments, rest), text=text)
        if not _PARAMETERS[name]:
            continue
        if not rest:
            raise CommandLineError(
                f"Cannot process the command because of a missing parameter. A value must follow -{name}."
            )
        options = _before(arguments, rest)
        value = rest.pop(0)
        if name == "encodedcommand":
            return CommandLine(script=_decoded(value), options=options, encoded=True, text=text or _asks_for_text(rest))
        if name == "outputformat":
            text = value.lower() == "text"
        if name == "file":
            raise CommandLineError(f"The argument '{value}' to the -File parameter does not exist.")
    raise CommandLineError("azcred's pwsh answers the scripts of SDKs; it has no prompt.")


def _before(arguments: tuple[str, ...], rest: list[str]) -> tuple[str, ...]:
    return arguments[: len(arguments) - len(rest)]


def _name(argument: str) -> str | None:
    """Return the full name of a parameter, None if the argument is not a parameter."""
    if argument[:1] not in ("-", "/") or len(argument) < 2:
        return None
    prefix = argument.lstrip("-/").lower()
    return _ALIASES.get(prefix) or next((name for name in _PARAMETERS if name.startswith(prefix)), None)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-16-le")
    except ValueError:
        raise CommandLineError(
            "Cannot process the command because the value specified with -EncodedCommand is not properly encoded. The "
            "value must be Base64 encoded."
        ) from None


def _asks_for_text(rest: list[str]) -> bool:
    names = [_name(argument) for argument in rest]
    return any(name == "outputformat" and value.lower() == "text" for name, value in zip(names, rest[1:], strict=False))
