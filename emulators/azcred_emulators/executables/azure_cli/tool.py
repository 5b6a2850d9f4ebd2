"""The executable `az`: who is signed in to it, and which command a call means."""

import json
from pathlib import Path

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.clock import local_time
from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.executables.accounts import Account, Accounts, IdentityNotFound, TokenServiceFailed
from azcred_emulators.executables.executable import Executable, Invocation, Result


class AzureCli(Executable):
    """The fake `az`."""

    names = ("az",)
    provider = "azure-cli"
    secret_options = ("-p", "--password", "--federated-token", "--claims-challenge")

    def __init__(self, accounts: Accounts, folder: Path) -> None:
        super().__init__()
        self._accounts = accounts
        self._folder = folder
        self._account: Account | None = None

    def sign_in(self, who: User | Application | ManagedIdentity) -> None:
        """Sign a user, an application with its newest secret, or a managed identity in, as `az login` does."""
        self._account = self._accounts.sign_in(who)

    def sign_out(self) -> None:
        """Sign everybody out, as `az logout` does."""
        self._account = None

    def run(self, invocation: Invocation, details: dict[str, object]) -> Result:
        """Answer one call."""
        if invocation.arguments[:2] != ("account", "get-access-token"):
            return Result(stderr="ERROR: the fake az knows 'account get-access-token' only\n", exit_code=2)
        details["operation"] = "token"
        options = dict(zip(invocation.arguments[2::2], invocation.arguments[3::2], strict=False))
        if self._account is None:
            return Result(stderr="ERROR: Please run 'az login' to setup account.\n", exit_code=1)
        scope = f"{options.get('--resource', 'https://management.core.windows.net/')}/.default"
        try:
            token = self._account.token(scope, details, tenant=options.get("--tenant"))
        except (EntraError, TokenServiceFailed, IdentityNotFound) as error:
            return Result(stderr=f"ERROR: {error}\n", exit_code=1)
        answer = {
            "accessToken": token.value,
            "expiresOn": f"{local_time(token.expires_on, invocation.environ.get('TZ')):%Y-%m-%d %H:%M:%S.%f}",
            "expires_on": token.expires_on,
            "tenant": self._account.tenant_id,
            "tokenType": "Bearer",
        }
        return Result(stdout=json.dumps(answer, indent=2) + "\n")

    def reset(self) -> None:
        """Sign everybody out."""
        self._account = None
