"""The command line of `az`: which command it names, its arguments, and the messages for what is wrong with it."""

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from azcred_emulators.executables.azure_cli.command import Argument, Command, CommandGroup
from azcred_emulators.executables.azure_cli.command_table import CommandTable
from azcred_emulators.executables.azure_cli.query import BadQuery, compile_query

_REFERENCE = "https://aka.ms/cli_ref\nRead more about the command in reference docs"
_ALIKE = 0.7  # how similar a suggestion is at least


class UsageError(Exception):
    """A command line that `az` does not understand; the text is everything that it prints."""


def find(table: CommandTable, words: Sequence[str]) -> tuple[Command | CommandGroup, list[str]]:
    """Return the command or group that a command line names, and what follows; raises UsageError for an unknown one."""
    entry: Command | CommandGroup = table.groups[""]
    rest = list(words)
    while isinstance(entry, CommandGroup) and rest and not rest[0].startswith("-"):
        members = {member.last_word: member for member in table.members(entry)}
        word = rest.pop(0)
        if word not in members:
            suggestions = _suggestions(word, members) if entry.name else []
            raise UsageError(_text(f"'{word}' is misspelled or not recognized by the system.", *suggestions))
        entry = members[word]
    return entry, rest


def missing_command(group: CommandGroup) -> UsageError:
    """Return the error for a command line that names a group and no command of it."""
    missing = "_subcommand" if group.name else "_command_package"
    return UsageError(_text(f"the following arguments are required: {missing}"))


def parse(command: Command, words: Sequence[str], default_output: str) -> argparse.Namespace:
    """Return the arguments of a command, the query compiled; raises UsageError."""
    parser = _ArgumentParser(command, words)
    for argument in command.every_argument:
        _add(parser, argument)
    parser.set_defaults(output=default_output)
    arguments, unknown = parser.parse_known_args(list(words))
    if unknown:
        raise UsageError(_text(f"unrecognized arguments: {' '.join(unknown)}"))
    return arguments


def _add(parser: "_ArgumentParser", argument: Argument) -> None:
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


class _ArgumentParser(argparse.ArgumentParser):
    """Python's parser, which the real `az` uses as well, with az's messages."""

    def __init__(self, command: Command, words: Sequence[str]) -> None:
        super().__init__(prog=f"az {command.name}", add_help=False)
        self._command = command
        self._words = words

    def error(self, message: str) -> NoReturn:
        """Raise what `az` prints for a message of argparse."""
        if "--query" in message:
            link = "'https://learn.microsoft.com/cli/azure/query-azure-cli'"
            raise UsageError(f"ERROR: {message}\nTo learn more about --query, please visit: {link}\n")
        raise UsageError(_text(message, examples=self._examples()))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        error = (
            f"{self.prog}: '{value}' is not a valid value for '{action.option_strings[0]}'. "
            f"Allowed values: {', '.join(choices)}."
        )
        raise UsageError(_text(error, *_suggestions(str(value), choices), examples=self._examples()))

    def _examples(self) -> list[tuple[str, str]]:
        """Return up to three examples of the help: those with most of the caller's options, then the shorter ones."""
        present = {self._longest(word) for word in self._words if word.startswith("-")} - {None}
        ranked = []
        for title, text in self._command.examples:
            options = [self._longest(word) for word in text.split() if word.startswith("-")]
            ranked.append((-len(present.intersection(options)), len(options), title, text.strip()))
        ranked.sort(key=lambda example: example[:2])
        return [(title, text) for _, _, title, text in ranked[:3]]

    def _longest(self, option: str) -> str | None:
        for argument in self._command.arguments:
            if option in argument.options:
                return max(argument.options, key=len)
        return None


def _suggestions(word: str, possibilities: Iterable[str]) -> list[str]:
    """Return what `az` asks when a word is like one that it knows."""
    matches = difflib.get_close_matches(word, list(possibilities), n=1, cutoff=_ALIKE)
    return [f"Did you mean '{match}' ?" for match in matches]


def _text(*lines: str, examples: Sequence[tuple[str, str]] = ()) -> str:
    """Return an error as `az` prints it: what is wrong, suggestions, examples, and where to read on."""
    parts = [f"ERROR: {lines[0]}", *lines[1:], ""]
    if examples:
        parts.append("Examples from command's help:")
        for title, text in examples:
            parts += [text, title, ""]
    return "\n".join([*parts, _REFERENCE, ""])
