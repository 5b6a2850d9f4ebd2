"""The table of az's commands: each command by its name, and the groups that the names imply, nested to any depth."""

from collections.abc import Mapping, Sequence

from azcred_emulators.executables.azure_cli.command import Command, CommandGroup


class CommandTable:
    """Commands, and the groups that they are in; "" is the name of the outermost group.

    A group needs an entry of its own only for its texts: "account" is a group because there is "account show". Raises
    ValueError for two entries of the same name, for a group without commands, and for a command inside a command.
    """

    def __init__(self, *entries: Command | CommandGroup) -> None:
        names = [entry.name for entry in entries]
        if repeated := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"the table has more than one entry {repeated[0]!r}; leave all but one out")
        self.commands: Mapping[str, Command] = {entry.name: entry for entry in entries if isinstance(entry, Command)}
        described = {entry.name: entry for entry in entries if isinstance(entry, CommandGroup)}
        groups = dict.fromkeys(group for name in self.commands for group in _groups_around(name))
        if empty := [name for name in described if name not in groups]:
            raise ValueError(f"the group {empty[0]!r} has no commands; add one or leave the group out")
        if nested := [name for name in groups if name in self.commands]:
            raise ValueError(f"{nested[0]!r} is a command, so no command can be inside it; rename one of them")
        self.groups: Mapping[str, CommandGroup] = {
            name: described.get(name, CommandGroup(name=name)) for name in groups
        }

    def members(self, group: CommandGroup) -> Sequence[Command | CommandGroup]:
        """Return the commands and the groups that are directly in a group, in the order of the table."""
        depth = len(group.name.split())
        inside = [name.split() for name in self.commands if group.name in _groups_around(name)]
        names = dict.fromkeys(" ".join(words[: depth + 1]) for words in inside)
        return [self.commands.get(name) or self.groups[name] for name in names]


def _groups_around(command: str) -> list[str]:
    """Return the names of the groups that a command is in, the outermost first."""
    words = command.split()
    return [" ".join(words[:depth]) for depth in range(len(words))]
