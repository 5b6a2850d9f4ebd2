"""The help of `az`, made from the table of its commands as the real one makes it from its own."""

import textwrap
from collections.abc import Mapping

from azcred_emulators.executables.azure_cli.command import Argument, Command
from azcred_emulators.executables.azure_cli.parser import members

_WIDTH = 100
_GROUPS = {"": "", "account": "Manage Azure subscription information."}
_LAST = "Global Arguments"
WELCOME = """
     /\\
    /  \\    _____   _ _  ___ _
   / /\\ \\  |_  / | | | \\'__/ _\\
  / ____ \\  / /| |_| | | |  __/
 /_/    \\_\\/___|\\__,_|_|  \\___|


Welcome to the cool new Azure CLI!

Use `az --version` to display the current version.
Here are the base commands:

"""


def command_help(command: Command) -> str:
    """Return what `--help` prints for a command."""
    lines = ["", "Command", *_wrap(f"az {command.name} : {command.summary}", 1)]
    for paragraph in command.description.split("\n"):
        lines += _wrap(paragraph, 2) if command.description else []
    lines += ["", "Arguments"]
    arguments = command.every_argument
    width = max(len(_names(argument)) for argument in arguments)
    groups = sorted({argument.group for argument in arguments} - {"Arguments", _LAST})
    for group in ("Arguments", *groups, _LAST):
        if group != "Arguments":
            lines.append(group)
        for argument in sorted((one for one in arguments if one.group == group), key=_names):
            lines += _entry(_names(argument), _explanation(argument), width)
        lines.append("")
    if command.examples:
        lines.append("Examples")
        for title, text in command.examples:
            lines += [*_wrap(title, 1), *(line for part in text.split("\n") for line in _wrap(part, 2)), ""]
    return "\n".join([*lines, ""])


def group_help(commands: Mapping[str, Command], group: str) -> str:
    """Return what `--help` prints for a group of commands, "" for the outermost."""
    names = members(commands, group)
    summaries = {name: _summary(commands, f"{group} {name}".strip()) for name in names}
    width = max(map(len, names))
    title = f"az {group} : {_GROUPS[group]}" if group else "az"
    lines = ["", "Group", *_wrap(title, 1), ""]
    for heading, are_commands in (("Subgroups:", False), ("Commands:", True)):
        found = sorted(name for name in names if (f"{group} {name}".strip() in commands) is are_commands)
        if found:
            lines += [heading, *(line for name in found for line in _entry(name, summaries[name], width)), ""]
    return "\n".join([*lines, ""])


def _summary(commands: Mapping[str, Command], name: str) -> str:
    return commands[name].summary if name in commands else _GROUPS[name]


def _names(argument: Argument) -> str:
    """Return the names of an argument, the long ones first."""
    names = " ".join(sorted(argument.options, key=lambda option: (not option.startswith("--"), option)))
    return f"{names} [Required]" if argument.required else names


def _explanation(argument: Argument) -> str:
    text = argument.help
    if argument.choices:
        text += f"  Allowed values: {', '.join(sorted(argument.choices))}."
    return f"{text}  Default: json." if argument.attribute == "output" else text


def _entry(name: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        f"{name.ljust(width)} : {text}",
        _WIDTH,
        initial_indent="    ",
        subsequent_indent=" " * (width + 7),
        replace_whitespace=False,
    )


def _wrap(text: str, indent: int) -> list[str]:
    margin = "    " * indent
    return textwrap.wrap(text, _WIDTH, initial_indent=margin, subsequent_indent=margin, replace_whitespace=False) or [
        ""
    ]
