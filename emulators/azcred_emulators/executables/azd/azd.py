"""The executable `azd`, the Azure Developer CLI: its commands for signing in and for tokens.

Source: Azure/azure-dev `cli/azd/cmd/auth_token.go`, `auth_login.go`, `auth_logout.go`, `version.go` and
`pkg/contracts/login.go`.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.executables.accounts import (
    Account,
    ServicePrincipalAccount,
    UserAccount,
    managed_identity_account,
)
from azcred_emulators.executables.azd import messages
from azcred_emulators.executables.azd.messages import NOT_LOGGED_IN, Failure
from azcred_emulators.executables.executable import Invocation
from azcred_emulators.executables.token_client import IdentityNotAssigned, TokenClient, TokenServiceFailed
from azcred_emulators.executables.tool import Tool
from azcred_emulators.executables.versions import Version, version
from azcred_emulators.hosts.refusals import HostError
from azcred_emulators.tokens import Token

_MANAGEMENT = "https://management.azure.com//.default"
_CLAIMS: Version = (1, 18, 1)  # from this version `azd auth token` has --claims
_ACCOUNT: Version = (1, 18, 0)  # from this version the status names the account
_BARE_TOKEN: Version = (1, 23, 14)  # from this version `azd auth token` without --output prints the token alone
_COMMIT = "0" * 40
_NOT_ASSIGNED = "ManagedIdentityCredential: the requested identity isn't assigned to this resource"

Flags = Mapping[str, list[str]]
Details = dict[str, object]


class _AzdError(Exception):
    """A command that failed; `failure` is what azd prints."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _AzdCommand:
    """A command: what it does, and its flags with whether a value follows."""

    run: Callable[["AzureDeveloperCli", Flags, Details], str]
    flags: Mapping[str, bool] = field(default_factory=dict)


class AzureDeveloperCli(Tool):
    """`azd`, and the account that is signed in to it; its messages are those of this `version`.

    `azd auth login` signs in the first user of the directory, as if they were at the browser.
    """

    names: tuple[str, ...] = ("azd",)
    provider = "azure-developer-cli"
    token_command: tuple[str, ...] = ("auth", "token")
    secret_options: tuple[str, ...] = ("--client-secret",)

    def __init__(self, client: TokenClient) -> None:
        super().__init__(client)
        self.reset()

    def reset(self) -> None:
        """Return to the latest version, and sign the account out."""
        super().reset()
        self.version = "1.29.0"

    def run(self, invocation: Invocation, details: Details) -> CommandResult:
        """Answer one call."""
        try:
            command, flags = self._read(invocation.arguments)
        except ValueError as error:
            details["error"] = str(error)
            return CommandResult(stderr=f"Error: {error}\n", exit_code=1)
        try:
            return CommandResult(stdout=command.run(self, flags, details))
        except _AzdError as error:
            details.setdefault("error", str(error).strip())
            write = messages.as_json if _is_json(flags) else messages.as_text
            now = self.client.clock.now()
            return CommandResult(stderr=write(error.failure, version(self.version), now), exit_code=1)

    def _read(self, arguments: tuple[str, ...]) -> tuple[_AzdCommand, Flags]:
        """Return the command and its flags; raises ValueError with azd's message."""
        words: list[str] = []
        flags: dict[str, list[str]] = {}
        rest = list(arguments)
        known: dict[str, bool] = dict(_GLOBAL_FLAGS)
        command = None
        while rest:
            argument = rest.pop(0)
            if not argument.startswith("-"):
                words.append(argument)
                command = command or _COMMANDS.get(tuple(words))
                known |= self._flags(command)
                continue
            name, value = _split(argument)
            if name not in known:
                raise ValueError(f"unknown flag: --{name}" if len(name) > 1 else f"unknown shorthand flag: '{name}'")
            if known[name] and value is None:
                if not rest:
                    raise ValueError(f"flag needs an argument: --{name}")
                value = rest.pop(0)
            if known[name] or value != "false":
                flags.setdefault(name, []).append(value if value is not None else "true")
        if command is None:
            raise ValueError(f'the fake azd has no command "{" ".join(words)}"; it knows how to sign in')
        return command, flags

    def _flags(self, command: _AzdCommand | None) -> Mapping[str, bool]:
        flags = command.flags if command else {}
        if version(self.version) < _CLAIMS:
            return {name: value for name, value in flags.items() if name != "claims"}
        return flags

    def _auth_token(self, flags: Flags, details: Details) -> str:
        details["operation"] = "token"
        scopes = tuple(flags.get("scope", (_MANAGEMENT,)))
        claims = None
        if encoded := _last(flags, "claims"):
            try:
                claims = base64.b64decode(encoded, validate=True).decode()
            except ValueError:
                raise _AzdError(Failure(error="--claims must be a base64-encoded string")) from None
        token = self._token(scopes, _last(flags, "tenant-id"), claims, details, prefix="fetching token: ")
        if _is_json(flags):
            return _json_text({"token": token.value, "expiresOn": _date(token.expires_on)})
        return f"{token.value}\n" if version(self.version) >= _BARE_TOKEN else ""

    def _token(
        self, scopes: tuple[str, ...], tenant: str | None, claims: str | None, details: Details, *, prefix: str = ""
    ) -> Token:
        """Return a token; raises _AzdError with an error that starts with `prefix`."""
        if self.account is None:
            raise _AzdError(Failure(error=NOT_LOGGED_IN))
        try:
            return self.account.token(" ".join(scopes), details, tenant=tenant, claims=claims)
        except IdentityNotAssigned:
            raise _AzdError(Failure(error=f"{prefix}{_NOT_ASSIGNED}")) from None
        except EntraError as error:
            details["error"] = f"AADSTS{error.code}"
            description = self.client.error_description(error)
            raise _AzdError(messages.token_failure(error, description, scopes, prefix=prefix)) from error
        except TokenServiceFailed as error:
            raise _AzdError(Failure(error=f"{prefix}failed to authenticate: {error}")) from None

    def _auth_login(self, flags: Flags, details: Details) -> str:
        tenant = _last(flags, "tenant-id")
        if "check-status" in flags:
            return self._status(flags, tenant, details)
        client_id = _last(flags, "client-id")
        if "managed-identity" in flags:
            self._sign_in_managed_identity(client_id)
        elif client_id:
            self._sign_in_service_principal(client_id, tenant, flags)
        else:
            users = self.client.directory.users()
            if not users:
                raise _AzdError(Failure(error="the directory has no user who could sign in"))
            self.sign_in(users[0], tenant_id=tenant)
        self._token((_MANAGEMENT,), None, None, details)
        return "" if _is_json(flags) else f"Logged in to Azure as {self.account and self.account.name}\n"

    def _sign_in_managed_identity(self, client_id: str | None) -> None:
        try:
            self.account = managed_identity_account(self.client, {"client_id": client_id} if client_id else {})
        except HostError:
            raise _AzdError(Failure(error=f"logging in: {_NOT_ASSIGNED}")) from None

    def _sign_in_service_principal(self, client_id: str, tenant: str | None, flags: Flags) -> None:
        if not tenant:
            raise _AzdError(Failure(error="must set both `client-id` and `tenant-id` for service principal login"))
        credentials = ("client-secret", "client-certificate", "federated-credential-provider")
        if sum(name in flags for name in credentials) != 1:
            raise _AzdError(Failure(error=f"must set exactly one of {', '.join(credentials)} for service principal"))
        secret = _last(flags, "client-secret")
        if not secret:
            raise _AzdError(Failure(error="the fake azd signs service principals in by --client-secret only"))
        form = {"client_secret": secret}
        self.account: Account | None = ServicePrincipalAccount(self.client, client_id, lambda _: form, tenant)

    def _status(self, flags: Flags, tenant: str | None, details: Details) -> str:
        try:
            token = self._token((_MANAGEMENT,), tenant, None, details)
        except _AzdError:
            token = None
        if not _is_json(flags):
            if token and self.account:
                return f"Logged in to Azure as {self.account.name}\n"
            return "Not logged in, run `azd auth login` to login to Azure\n"
        if token is None or self.account is None:
            return _json_text({"status": "unauthenticated"})
        status = {"status": "success", "expiresOn": _date(token.expires_on)}
        if version(self.version) >= _ACCOUNT:
            kind = "User" if isinstance(self.account, UserAccount) else "ServicePrincipal"
            status |= {"account": self.account.name, "loginType": kind}
        return _json_text(status)

    def _auth_logout(self, _: Flags, __: Details) -> str:
        self.sign_out()
        return ""

    def _version(self, flags: Flags, _: Details) -> str:
        if _is_json(flags):
            return _json_text({"azd": {"version": self.version, "commit": _COMMIT}})
        return f"azd version {self.version} (commit {_COMMIT})\n"


_GLOBAL_FLAGS = {"output": True, "cwd": True, "debug": False, "no-prompt": False, "docs": False}
_SHORT = {"o": "output", "C": "cwd"}
_COMMANDS: Mapping[tuple[str, ...], _AzdCommand] = {
    ("auth", "token"): _AzdCommand(AzureDeveloperCli._auth_token, {"scope": True, "tenant-id": True, "claims": True}),
    ("auth", "login"): _AzdCommand(
        AzureDeveloperCli._auth_login,
        {
            "browser": False,
            "check-status": False,
            "client-certificate": True,
            "client-id": True,
            "client-secret": True,
            "federated-credential-provider": True,
            "managed-identity": False,
            "redirect-port": True,
            "scope": True,
            "tenant-id": True,
            "use-device-code": False,
        },
    ),
    ("auth", "logout"): _AzdCommand(AzureDeveloperCli._auth_logout),
    ("version",): _AzdCommand(AzureDeveloperCli._version),
}


def _split(argument: str) -> tuple[str, str | None]:
    """Return a flag's name, and the value if it is in the same argument, as in -ojson and --output=json."""
    if argument.startswith("--"):
        name, equals, value = argument[2:].partition("=")
        return name, value if equals else None
    return _SHORT.get(argument[1:2], argument[1:2]), argument[2:].removeprefix("=") or None


def _last(flags: Flags, name: str) -> str | None:
    return flags[name][-1] if name in flags else None


def _is_json(flags: Flags) -> bool:
    return _last(flags, "output") == "json"


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _json_text(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2) + "\n"
