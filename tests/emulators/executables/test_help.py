"""The help of `az` comes from its table of commands, however deep its groups are nested."""

from __future__ import annotations

from pathlib import Path

import pytest

from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.emulators import Emulators
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.executables.azure_cli.command import Argument, Command, CommandContext, CommandGroup
from azcred_emulators.executables.azure_cli.command_table import CommandTable
from azcred_emulators.executables.azure_cli.commands import COMMANDS
from azcred_emulators.executables.executable import Invocation


def show(context: CommandContext) -> dict[str, object]:
    """Return what the command was called with."""
    return {"name": context.arguments.name}


NAME = Argument(("--name", "-n"), "The name of the subnet.", required=True)
DETAIL = Argument(("--a-longer-option",), "How much to show.")
NESTED = CommandTable(
    *COMMANDS.groups.values(),
    *COMMANDS.commands.values(),
    CommandGroup(
        name="account lock",
        summary="Manage Azure subscription level locks.",
        description="A lock keeps what it is on from being deleted.",
    ),
    Command(name="account lock list", summary="List locks.", run=show),
    Command(name="network vnet subnet show", summary="Show a subnet.", run=show, arguments=(DETAIL, NAME)),
    Command(name="network list", summary="List networks.", run=show),
)


@pytest.fixture
def az(emulators: Emulators, tmp_path: Path) -> AzureCli:
    """An `az` with groups inside groups; those of `network` have no texts of their own."""
    return AzureCli(emulators.executables.azure_cli.client, tmp_path, NESTED)


def run(az: AzureCli, *arguments: str) -> CommandResult:
    """Call `az` as the launcher does."""
    return az.run(Invocation(arguments=arguments), {})


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("name", [*NESTED.groups, *NESTED.commands])
def test_every_group_and_command_has_help(az: AzureCli, name: str, option: str) -> None:
    """It begins with the name and the summary, and a group lists what is directly in it with its summaries."""
    result = run(az, *name.split(), option)
    assert (result.exit_code, result.stderr) == (0, "")
    entry = NESTED.commands.get(name) or NESTED.groups[name]
    text = " ".join(result.stdout.split())
    kind = "Command" if isinstance(entry, Command) else "Group"
    assert text.startswith(" ".join(f"{kind} az {name} {': ' if entry.summary else ''}{entry.summary}".split()))
    if isinstance(entry, CommandGroup):
        members = [
            member for member in (*NESTED.groups, *NESTED.commands) if member.rpartition(" ")[0] == name != member
        ]
        assert members
        for member in members:
            summary = (NESTED.commands.get(member) or NESTED.groups[member]).summary
            assert any(line.split()[:1] == [member.split()[-1]] for line in result.stdout.splitlines())
            assert " ".join(summary.split()) in text


def test_a_group_in_a_group(az: AzureCli) -> None:
    """Subgroups are listed before commands, in one column, and a description is printed below the summary."""
    assert run(az, "account", "-h").stdout.startswith("""
Group
    az account : Manage Azure subscription information.

Subgroups:
    lock             : Manage Azure subscription level locks.

Commands:
    clear            : Clear all subscriptions from the CLI's local cache.
""")
    assert (
        run(az, "account", "lock", "-h").stdout
        == """
Group
    az account lock : Manage Azure subscription level locks.
        A lock keeps what it is on from being deleted.

Commands:
    list : List locks.

"""
    )


def test_a_group_without_a_text(az: AzureCli) -> None:
    """It is listed by its name alone, as the real one lists groups that nobody has described."""
    assert (
        run(az, "network", "--help").stdout
        == """
Group
    az network

Subgroups:
    vnet

Commands:
    list : List networks.

"""
    )


def test_a_command_in_nested_groups(az: AzureCli) -> None:
    """It runs, its required arguments come first in the help, and what is missing or misspelt is said as ever."""
    command = ("network", "vnet", "subnet", "show")
    assert run(az, *command, "-n", "front", "-o", "tsv").stdout == "front\n"
    assert run(az, *command, "-h").stdout.splitlines()[4:7] == [
        "Arguments",
        "    --name -n   [Required] : The name of the subnet.",
        "    --a-longer-option      : How much to show.",
    ]
    assert "the following arguments are required: _subcommand" in run(az, "network", "vnet").stderr
    assert "Did you mean 'subnet' ?" in run(az, "network", "vnet", "subnets", "show").stderr
    assert "the following arguments are required: --name/-n" in run(az, *command).stderr


def test_a_table_that_is_wrong() -> None:
    """The sentence names the entry at fault."""
    command = Command(name="account show", run=show)
    with pytest.raises(ValueError, match=r"more than one entry 'account show'"):
        CommandTable(command, command)
    with pytest.raises(ValueError, match=r"the group 'network' has no commands; add one"):
        CommandTable(command, CommandGroup(name="network"))
    with pytest.raises(ValueError, match=r"'account show' is a command, so no command can be inside it"):
        CommandTable(command, Command(name="account show all", run=show))
