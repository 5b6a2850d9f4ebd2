"""The executable `az`: its profiles, and the way from a call to what it prints."""

import os
import threading
import traceback
from collections.abc import Collection
from pathlib import Path

from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.emulation.checkpoint import Undo, undo_all
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.emulation.script import Faults
from azcred_emulators.executables.accounts import account_of
from azcred_emulators.executables.azure_cli import help as help_texts
from azcred_emulators.executables.azure_cli import subscriptions, version
from azcred_emulators.executables.azure_cli.command import OUTPUTS, Command, CommandContext, CommandGroup, Unfinished
from azcred_emulators.executables.azure_cli.command_table import CommandTable
from azcred_emulators.executables.azure_cli.commands import COMMANDS
from azcred_emulators.executables.azure_cli.errors import CliError, UnexpectedError
from azcred_emulators.executables.azure_cli.output import render
from azcred_emulators.executables.azure_cli.parser import UsageError, find, missing_command, parse
from azcred_emulators.executables.azure_cli.profile import NoSubscription, Profile
from azcred_emulators.executables.executable import Executable, Invocation
from azcred_emulators.executables.token_client import TokenClient, TokenError

_POLL = 0.2  # seconds until the launcher asks again whether a person has entered a device code
_HELP = ("-h", "--help")


class AzureCli(Executable):
    """The fake `az` with these `commands`. A test may set `version`: those before 2.54.0 do not print `expires_on`.

    `client` requests its tokens. `token_errors` are what the token service answers to its next requests, whoever is
    signed in.

    Each configuration folder (`AZURE_CONFIG_DIR`) has a profile of its own, as with the real one. A caller who names no
    folder, or the real one of the person who runs this, gets the profile in `folder`.
    """

    names: tuple[str, ...] = ("az",)
    provider = "azure-cli"
    operations: Collection[str] = ("login", "token")
    token_command: tuple[str, ...] = ("account", "get-access-token")
    secret_options: tuple[str, ...] = ("-p", "--password", "--federated-token", "--claims-challenge")

    def __init__(self, client: TokenClient, folder: Path, commands: CommandTable = COMMANDS) -> None:
        super().__init__()
        self.version: str = version.LATEST
        self.client = client
        self.token_errors: Faults[TokenError] = client.token_errors
        self._folder = folder
        self._commands = commands
        self._lock = threading.RLock()
        self._initial_profile = Profile()  # what the profile of a folder starts with
        self._profiles: dict[Path, Profile] = {}

    def sign_in(
        self,
        identity: User | Application | ManagedIdentity,
        *,
        tenant_id: str | None = None,
        assertion: str | None = None,
    ) -> None:
        """Sign a user, an application with its newest secret, or a managed identity in, as `az login` does.

        This holds for every configuration folder. `tenant_id` is by default their own tenant. An application may have
        an `assertion` of an issuer that it is federated with. Raises ValueError for an application that has neither a
        secret nor an assertion.
        """
        directory = self.client.directory
        with self._lock:
            account = account_of(self.client, identity, tenant_id=tenant_id, assertion=assertion)
            user = subscriptions.profile_user(account, identity)
            tenant = directory.tenant(account.tenant_id) if isinstance(identity, User) else None
            visible = subscriptions.of_tenant(directory, identity, account.tenant_id, user, tenant)
            entries = visible or [subscriptions.tenant_level(account.tenant_id, user)]
            self._initial_profile.add(account, entries)
            self._profiles.clear()

    def sign_out(self) -> None:
        """Sign all accounts out, as `az account clear` does, in every configuration folder."""
        with self._lock:
            for profile in (*self._profiles.values(), self._initial_profile):
                profile.clear()

    def run(self, invocation: Invocation, details: dict[str, object]) -> CommandResult:
        """Answer one call."""
        try:
            command, rest = find(self._commands, invocation.arguments)
            if isinstance(command, CommandGroup):
                return self._group(command, rest, invocation)
            if any(word in _HELP for word in rest):
                return CommandResult(stdout=help_texts.command_help(command))
            default = invocation.environ.get("AZURE_CORE_OUTPUT", "")
            arguments = parse(command, rest, default if default in OUTPUTS else "json")
        except UsageError as error:
            return CommandResult(stderr=str(error), exit_code=2)
        with self._lock:
            try:
                context = CommandContext(
                    arguments=arguments,
                    profile=self._profile(invocation),
                    client=self.client,
                    version=self.version,
                    environ=invocation.environ,
                    folder=Path(invocation.folder),
                    resume=invocation.resume,
                    details=details,
                )
                return _answer(command, context)
            except OSError as error:  # the configuration folder cannot be written
                return CommandResult(stderr=_with_traceback(error), exit_code=1)

    def checkpoint(self) -> Undo:
        """Note the state and the profiles."""
        profiles = (self._initial_profile, *self._profiles.values())
        return undo_all([super().checkpoint(), *(profile.checkpoint() for profile in profiles)])

    def reset(self) -> None:
        """Sign all accounts out, clear the token errors, and return to the latest version."""
        with self._lock:
            self._initial_profile = Profile()
            self._profiles.clear()
            self.token_errors.clear()
            self.version = version.LATEST

    def _group(self, group: CommandGroup, rest: list[str], invocation: Invocation) -> CommandResult:
        if any(word in _HELP for word in rest):
            return CommandResult(stdout=help_texts.group_help(self._commands, group))
        if not group.name and rest[:1] in (["--version"], ["-v"]):
            folder = invocation.environ.get("AZURE_CONFIG_DIR", str(self._folder))
            return CommandResult(stdout=version.describe(self.version, folder))
        if not group.name and not rest:
            return CommandResult(stdout=help_texts.WELCOME + help_texts.group_help(self._commands, group))
        raise missing_command(group)

    def _profile(self, invocation: Invocation) -> Profile:
        """Return the profile of the caller's configuration folder."""
        variable = invocation.environ.get("AZURE_CONFIG_DIR")
        folder = (Path(invocation.folder) / variable).resolve() if variable else self._folder
        if folder == _own_folder():
            folder = self._folder
        if folder not in self._profiles:
            profile = Profile(folder)
            if self._initial_profile.subscriptions or folder == self._folder:
                profile.adopt(self._initial_profile)
            self._profiles[folder] = profile
        return self._profiles[folder]


def _answer(command: Command, context: CommandContext) -> CommandResult:
    """Run a command and return what it prints."""
    arguments = context.arguments
    stdout, errors, exit_code = "", "", 0
    try:
        value = command.run(context)
        if arguments.query is not None:
            value = arguments.query(value)
        stdout = render(value, arguments.output, table=command.table, queried=arguments.query is not None)
    except Unfinished as unfinished:
        text = str(unfinished)
        return CommandResult(stderr=f"{text}\n" if text else "", resume=unfinished.resume, delay=_POLL)
    except (CliError, NoSubscription) as error:
        recommendation = error.recommendation if isinstance(error, CliError) else ""
        errors, exit_code = "".join(f"{line}\n" for line in (f"ERROR: {error}", recommendation) if line), 1
        context.details["error"] = str(error).partition("\n")[0]
    except UnexpectedError as error:
        errors, exit_code = _with_traceback(error), 1
    warnings = "" if arguments.only_show_errors else "".join(f"WARNING: {text}\n" for text in context.warnings)
    return CommandResult(stdout=stdout, stderr=warnings + errors, exit_code=exit_code)


def _own_folder() -> Path:
    """Return the folder of the real `az` of the person who runs this, even if HOME names another."""
    try:
        import pwd

        home = pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):  # Windows, or a user without an entry
        home = os.path.expanduser("~")
    return (Path(home) / ".azure").resolve()


def _with_traceback(error: Exception) -> str:
    text = "".join(traceback.format_exception(error))
    return (
        f"ERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: {error}\n{text}"
        "To check existing issues, please visit: https://github.com/Azure/azure-cli/issues\n"
    )
