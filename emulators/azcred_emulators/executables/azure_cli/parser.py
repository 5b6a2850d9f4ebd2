"""The command line of `az`: which command it names, its arguments, and the words for what is wrong with it."""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from azcred_emulators.executables.azure_cli.command import Argument, Command
from azcred_emulators.executables.azure_cli.query import BadQuery, compile_query

_REFERENCE = "https://aka.ms/cli_ref\nRead more about the command in reference docs"
_ALIKE = 0.7  # how alike a suggestion is at least


class UsageError(Exception):
    """A command line that `az` does not understand; the text is all that it prints."""


def find(commands: Mapping[str, Command], words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command or group that a command line names, and what follows; raises UsageError for an unknown one."""
    path: list[str] = []
    rest = list(words)
    while True:
        name = " ".join(path)
        if name in commands:
            return name, rest
        below = members(commands, name)
        if not rest or rest[0].startswith("-"):
            return name, rest
        if rest[0] not in below:
            error = [f"'{rest[0]}' is misspelled or not recognized by the system."]
            near = difflib.get_close_matches(rest[0], below, cutoff=_ALIKE) if path else []
            raise UsageError(_text(*error, *(f"Did you mean '{one}' ?" for one in near[:1])))
        path.append(rest.pop(0))


def members(commands: Mapping[str, Command], group: str) -> list[str]:
    """Return the names of the commands and groups in a group, "" for the outermost."""
    depth = len(group.split())
    inside = [name.split() for name in commands if f"{name} ".startswith(f"{group} ".lstrip())]
    return list(dict.fromkeys(words[depth] for words in inside))


def missing_command(group: str) -> UsageError:
    """Return the error for a group without a command."""
    missing = "_subcommand" if group else "_command_package"
    return UsageError(_text(f"the following arguments are required: {missing}"))


def parse(command: Command, words: Sequence[str], default_output: str) -> argparse.Namespace:
    """Return the arguments of a command, the query compiled; raises UsageError."""
    parser = _Parser(command, words)
    for argument in command.every_argument:
        _add(parser, argument)
    parser.set_defaults(output=default_output)
    arguments, unknown = parser.parse_known_args(list(words))
    if unknown:
        raise UsageError(_text(f"unrecognized arguments: {' '.join(unknown)}"))
    return arguments


def _add(parser: "_Parser", argument: Argument) -> None:
    options: dict[str, Any] = {"dest": argument.attribute}
    if argument.flag:
        options["action"] = "store_true"
    else:
        options |= {"nargs": argument.nargs, "required": argument.required}
        if argument.choices:
            options |= {"choices": argument.choices}
        if argument.attribute == "output":
            options["type"] = str.lower
        if argument.attribute == "query":
            options["type"] = jmespath_type
    parser.add_argument(*argument.options, **options)


def jmespath_type(text: str) -> object:
    """Read the value of `--query`; argparse puts this function's name into its message."""
    try:
        return compile_query(text)
    except BadQuery as error:
        raise ValueError(text) from error


class _Parser(argparse.ArgumentParser):
    """Python's parser, which `az` is made with as well, with az's words for what is wrong."""

    def __init__(self, command: Command, words: Sequence[str]) -> None:
        super().__init__(prog=f"az {command.name}", add_help=False)
        self._command = command
        self._words = words

    def error(self, message: str) -> NoReturn:
        """Raise what `az` prints for a message of argparse's."""
        if "--query" in message:
            link = "'https://learn.microsoft.com/cli/azure/query-azure-cli'"
            raise UsageError(f"ERROR: {message}\nTo learn more about --query, please visit: {link}\n")
        raise UsageError(_text(message, examples=self._examples()))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        lines = [
            f"{self.prog}: '{value}' is not a valid value for '{action.option_strings[0]}'. "
            f"Allowed values: {', '.join(choices)}."
        ]
        near = difflib.get_close_matches(str(value), choices, cutoff=_ALIKE)
        raise UsageError(_text(*lines, *(f"Did you mean '{one}' ?" for one in near[:1]), examples=self._examples()))

    def _examples(self) -> list[tuple[str, str]]:
        """Return up to three examples of the help: those with most of the caller's options, then the shorter ones."""
        given = {self._longest(word) for word in self._words if word.startswith("-")} - {None}
        ranked = []
        for title, text in self._command.examples:
            options = [self._longest(word) for word in text.split() if word.startswith("-")]
            ranked.append((-len(given.intersection(options)), len(options), title, text.strip()))
        ranked.sort(key=lambda one: one[:2])
        return [(title, text) for _, _, title, text in ranked[:3]]

    def _longest(self, option: str) -> str | None:
        for argument in self._command.arguments:
            if option in argument.options:
                return max(argument.options, key=len)
        return None


def _text(*lines: str, examples: Sequence[tuple[str, str]] = ()) -> str:
    """Return an error as `az` prints it: what is wrong, suggestions, examples, and where to read on."""
    parts = [f"ERROR: {lines[0]}", *lines[1:], ""]
    if examples:
        parts.append("Examples from command's help:")
        for title, text in examples:
            parts += [text, title, ""]
    return "\n".join([*parts, _REFERENCE, ""])
