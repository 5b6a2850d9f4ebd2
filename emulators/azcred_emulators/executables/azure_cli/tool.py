"""The executable `az`: who is signed in to it, and from a call to what it prints."""

import os
import threading
import traceback
from pathlib import Path

from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.executables.accounts import Accounts
from azcred_emulators.executables.azure_cli import help as help_texts
from azcred_emulators.executables.azure_cli import subscriptions, version
from azcred_emulators.executables.azure_cli.command import OUTPUTS, Call, CliError, Unfinished
from azcred_emulators.executables.azure_cli.commands import COMMANDS
from azcred_emulators.executables.azure_cli.output import render
from azcred_emulators.executables.azure_cli.parser import UsageError, find, missing_command, parse
from azcred_emulators.executables.azure_cli.refusals import UnexpectedError
from azcred_emulators.executables.azure_cli.signed_in import NoSubscription, SignedIn
from azcred_emulators.executables.executable import Executable, Invocation

_POLL = 0.2  # seconds between looks whether a person has typed in a device code
_HELP = ("-h", "--help")


class AzureCli(Executable):
    """The fake `az`. A test may set `version`: those before 2.54.0 do not print `expires_on`.

    `refusals` are what the token service answers its next requests, whoever is signed in.

    Who is signed in is kept for each configuration folder (`AZURE_CONFIG_DIR`) apart, as with the real one; `folder`
    is that of callers who name none, and of those who name the real one of whoever runs this.
    """

    names = ("az",)
    provider = "azure-cli"
    token_command = ("account", "get-access-token")
    secret_options = ("-p", "--password", "--federated-token", "--claims-challenge")

    def __init__(self, accounts: Accounts, folder: Path) -> None:
        super().__init__()
        self.version = version.LATEST
        self.refusals = accounts.refusals
        self._accounts = accounts
        self._folder = folder
        self._lock = threading.RLock()
        self._everywhere = SignedIn()
        self._folders: dict[Path, SignedIn] = {}

    def sign_in(
        self,
        who: User | Application | ManagedIdentity,
        *,
        tenant_id: str | None = None,
        assertion: str | None = None,
    ) -> None:
        """Sign a user, an application with its newest secret, or a managed identity in, as `az login` does.

        This holds for every configuration folder. `tenant_id` is by default their own tenant. An application may have
        an `assertion` of an issuer that it is federated with. Raises ValueError for one that has neither.
        """
        with self._lock:
            account = self._accounts.sign_in(who, tenant_id=tenant_id, assertion=assertion)
            user = subscriptions.user_of(account, who)
            tenant = self._accounts.directory.tenant(account.tenant_id) if isinstance(who, User) else None
            found = subscriptions.of_tenant(self._accounts.directory, who, account.tenant_id, user, tenant)
            self._everywhere.add(account, found or [subscriptions.tenant_level(account.tenant_id, user)])
            self._folders.clear()

    def sign_out(self) -> None:
        """Sign everybody out, as `az account clear` does, in every configuration folder."""
        with self._lock:
            for signed_in in (*self._folders.values(), self._everywhere):
                signed_in.clear()

    def run(self, invocation: Invocation, details: dict[str, object]) -> CommandResult:
        """Answer one call."""
        try:
            name, rest = find(COMMANDS, invocation.arguments)
            if name not in COMMANDS:
                return self._group(name, rest, invocation)
            if any(word in _HELP for word in rest):
                return CommandResult(stdout=help_texts.command_help(COMMANDS[name]))
            default = invocation.environ.get("AZURE_CORE_OUTPUT", "")
            arguments = parse(COMMANDS[name], rest, default if default in OUTPUTS else "json")
        except UsageError as error:
            return CommandResult(stderr=str(error), exit_code=2)
        with self._lock:
            try:
                signed_in = self._signed_in(invocation)
                call = Call(
                    arguments=arguments,
                    signed_in=signed_in,
                    accounts=self._accounts,
                    version=self.version,
                    environ=invocation.environ,
                    folder=Path(invocation.folder),
                    resume=invocation.resume,
                    details=details,
                )
                return self._answer(name, call)
            except OSError as error:  # the configuration folder is none that could be written
                return CommandResult(stderr=_with_traceback(error), exit_code=1)

    def reset(self) -> None:
        """Sign everybody out, and be the latest version again."""
        with self._lock:
            self._everywhere = SignedIn()
            self._folders.clear()
            self.refusals.clear()
            self.version = version.LATEST

    def _answer(self, name: str, call: Call) -> CommandResult:
        command, asked = COMMANDS[name], call.arguments
        stdout, errors, exit_code = "", "", 0
        try:
            value = command.run(call)
            if asked.query is not None:
                value = asked.query(value)
            stdout = render(value, asked.output, table=command.table, queried=asked.query is not None)
        except Unfinished as waiting:
            text = str(waiting)
            return CommandResult(stderr=f"{text}\n" if text else "", resume=waiting.resume, delay=_POLL)
        except (CliError, NoSubscription) as error:
            advice = error.recommendation if isinstance(error, CliError) else ""
            errors, exit_code = "".join(f"{line}\n" for line in (f"ERROR: {error}", advice) if line), 1
            call.details["error"] = str(error).partition("\n")[0]
        except UnexpectedError as error:
            errors, exit_code = _with_traceback(error), 1
        warnings = "" if asked.only_show_errors else "".join(f"WARNING: {text}\n" for text in call.warnings)
        return CommandResult(stdout=stdout, stderr=warnings + errors, exit_code=exit_code)

    def _group(self, name: str, rest: list[str], invocation: Invocation) -> CommandResult:
        if any(word in _HELP for word in rest):
            return CommandResult(stdout=help_texts.group_help(COMMANDS, name))
        if not name and rest[:1] in (["--version"], ["-v"]):
            folder = invocation.environ.get("AZURE_CONFIG_DIR", str(self._folder))
            return CommandResult(stdout=version.describe(self.version, folder))
        if not name and not rest:
            return CommandResult(stdout=help_texts.WELCOME + help_texts.group_help(COMMANDS, ""))
        raise missing_command(name)

    def _signed_in(self, invocation: Invocation) -> SignedIn:
        """Return who is signed in in the caller's configuration folder."""
        named = invocation.environ.get("AZURE_CONFIG_DIR")
        folder = (Path(invocation.folder) / named).resolve() if named else self._folder
        if folder == _own_folder():
            folder = self._folder
        if folder not in self._folders:
            signed_in = SignedIn(folder)
            if self._everywhere.subscriptions or folder == self._folder:
                signed_in.adopt(self._everywhere)
            self._folders[folder] = signed_in
        return self._folders[folder]


def _own_folder() -> Path:
    """Return the folder of the real `az` of whoever runs this, which HOME may hide."""
    try:
        import pwd

        home = pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):  # Windows, or a user that is in no list
        home = os.path.expanduser("~")
    return (Path(home) / ".azure").resolve()


def _with_traceback(error: Exception) -> str:
    text = "".join(traceback.format_exception(error))
    return (
        f"ERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: {error}\n{text}"
        "To check existing issues, please visit: https://github.com/Azure/azure-cli/issues\n"
    )
