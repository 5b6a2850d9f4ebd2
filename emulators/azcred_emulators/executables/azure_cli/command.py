"""What a command of `az` is: its arguments and texts as data, and a function from a call's context to a value."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azcred_emulators.executables.azure_cli.profile import Profile
from azcred_emulators.executables.token_client import TokenClient

OUTPUTS = ("json", "jsonc", "yaml", "yamlc", "table", "tsv", "none")


@dataclass(frozen=True, slots=True)
class Argument:
    """An option of a command; messages show the first of its names, `name` is the attribute of the parsed value.

    It takes one value, no value (`flag`), or as many as `nargs` says. `group` is its heading in the help.
    """

    options: tuple[str, ...]
    help: str
    name: str = ""
    flag: bool = False
    nargs: str | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    group: str = "Arguments"

    @property
    def attribute(self) -> str:
        """The attribute of the parsed arguments that has the value."""
        longest = max(self.options, key=len)
        return self.name or longest.lstrip("-").replace("-", "_")


@dataclass(slots=True, kw_only=True)
class CommandContext:
    """What a command works with: its arguments, the accounts of the profile, the caller's variables and folder.

    `details` go to the journal. `warnings` go to standard error, before an error.
    """

    arguments: Namespace
    profile: Profile
    client: TokenClient
    version: str
    environ: Mapping[str, str]
    folder: Path
    resume: str
    details: dict[str, object]
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.warnings.append(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """What the table of commands has under a name such as "account show": a command or a group, with its help."""

    name: str
    summary: str = ""
    description: str = ""

    @property
    def last_word(self) -> str:
        """Its name inside the group that it is in."""
        return self.name.rpartition(" ")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGroup(TableEntry):
    """A group of commands such as "account"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(TableEntry):
    """A command such as "account show".

    `run` returns what is printed in the output format; None prints nothing. Commands that change something have the
    arguments of Azure Policy (`policy`). `table` makes the rows of `--output table`.
    """

    run: Callable[[CommandContext], Any]
    arguments: tuple[Argument, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
    policy: bool = True
    table: Callable[[Any], Any] | None = None

    @property
    def every_argument(self) -> tuple[Argument, ...]:
        """Its own arguments and the global ones."""
        return (*self.arguments, *(POLICY_ARGUMENTS if self.policy else ()), *GLOBAL_ARGUMENTS)


class Unfinished(Exception):
    """A command that waits for a person: it prints `text`, and the launcher calls it again with `resume`."""

    def __init__(self, text: str, resume: str) -> None:
        super().__init__(text)
        self.resume = resume


SUBSCRIPTION = Argument(("--subscription", "-s", "--name", "-n"), "Name or ID of subscription.", name="subscription")
POLICY_ARGUMENTS = (
    Argument(
        ("--acquire-policy-token",),
        "Acquiring an Azure Policy token automatically for this resource operation.",
        flag=True,
        group="Global Policy Arguments",
    ),
    Argument(
        ("--change-reference",),
        "The related change reference ID for this resource operation.",
        group="Global Policy Arguments",
    ),
)
GLOBAL_ARGUMENTS = tuple(
    Argument(options, text, flag=flag, choices=choices, group="Global Arguments")
    for options, text, flag, choices in (
        (("--debug",), "Increase logging verbosity to show all debug logs.", True, ()),
        (("--help", "-h"), "Show this help message and exit.", True, ()),
        (("--only-show-errors",), "Only show errors, suppressing warnings.", True, ()),
        (("--output", "-o"), "Output format.", False, OUTPUTS),
        (
            ("--query",),
            "JMESPath query string. See http://jmespath.org/ for more information and examples.",
            False,
            (),
        ),
        (("--verbose",), "Increase logging verbosity. Use --debug for full debug logs.", True, ()),
    )
)
