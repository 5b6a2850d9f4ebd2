"""The help of `az`, made from the table of its commands as the real one makes it from its own."""

import textwrap

from azcred_emulators.executables.azure_cli.command import Argument, Command, CommandGroup, TableEntry
from azcred_emulators.executables.azure_cli.command_table import CommandTable

_WIDTH = 100
_LAST = "Global Arguments"
_REQUIRED = "[Required]"
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
    lines = ["", "Command", *_title(command), *_paragraphs(command), "", "Arguments"]
    arguments = command.every_argument
    width = max(len(_label(argument)) for argument in arguments)
    headings = sorted({argument.group for argument in arguments} - {"Arguments", _LAST})
    for heading in ("Arguments", *headings, _LAST):
        if heading != "Arguments":
            lines.append(heading)
        members = [argument for argument in arguments if argument.group == heading]
        for argument in sorted(members, key=lambda argument: (not argument.required, _names(argument))):
            lines += _entry(_label(argument, width), _explanation(argument), width)
        lines.append("")
    if command.examples:
        lines.append("Examples")
        for title, text in command.examples:
            lines += [*_wrap(title, 1), *(line for part in text.split("\n") for line in _wrap(part, 2)), ""]
    return "\n".join([*lines, ""])


def group_help(table: CommandTable, group: CommandGroup) -> str:
    """Return what `--help` prints for a group: the groups and the commands that are directly in it."""
    members = sorted(table.members(group), key=lambda member: member.last_word)
    width = max(len(member.last_word) for member in members)
    lines = ["", "Group", *_title(group), *_paragraphs(group), ""]
    for heading, kind in (("Subgroups:", CommandGroup), ("Commands:", Command)):
        if listed := [member for member in members if isinstance(member, kind)]:
            lines.append(heading)
            for member in listed:
                lines += _entry(member.last_word.ljust(width), member.summary, width)
            lines.append("")
    return "\n".join([*lines, ""])


def _title(entry: TableEntry) -> list[str]:
    name = f"az {entry.name}".strip()
    return _wrap(f"{name} : {entry.summary}" if entry.summary else name, 1)


def _paragraphs(entry: TableEntry) -> list[str]:
    """Return the lines of the description, none if it is empty."""
    if not entry.description:
        return []
    return [line for paragraph in entry.description.split("\n") for line in _wrap(paragraph, 2)]


def _names(argument: Argument) -> str:
    """Return the names of an argument, the long ones first."""
    return " ".join(sorted(argument.options, key=lambda option: (not option.startswith("--"), option)))


def _label(argument: Argument, width: int = 0) -> str:
    """Return the names of an argument as wide as this; at the end it says so if the argument is required."""
    names = _names(argument)
    if not argument.required:
        return names.ljust(width)
    return f"{names.ljust(width - len(_REQUIRED) - 1)} {_REQUIRED}"


def _explanation(argument: Argument) -> str:
    text = argument.help
    if argument.choices:
        text += f"  Allowed values: {', '.join(sorted(argument.choices))}."
    return f"{text}  Default: json." if argument.attribute == "output" else text


def _entry(label: str, text: str, width: int) -> list[str]:
    """Return a line of a list, continued below its text; without a text the label stands alone."""
    return textwrap.wrap(
        f"{label} : {text}" if text else label,
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
