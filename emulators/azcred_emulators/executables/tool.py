"""A tool to which one account at a time is signed in."""

from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.emulation.script import Faults
from azcred_emulators.executables.accounts import Account, account_of
from azcred_emulators.executables.executable import Executable
from azcred_emulators.executables.token_client import TokenClient, TokenError


class Tool(Executable):
    """A tool, and the `account` that is signed in to it, None if there is none.

    `client` requests its tokens. `token_errors` are what the token service answers to its next requests, whoever is
    signed in.
    """

    def __init__(self, client: TokenClient) -> None:
        super().__init__()
        self.client = client
        self.token_errors: Faults[TokenError] = client.token_errors
        self.account: Account | None = None

    def sign_in(self, identity: User | Application | ManagedIdentity, *, tenant_id: str | None = None) -> None:
        """Sign a user, an application with its newest secret, or a managed identity of the machine in.

        `tenant_id` is by default their own tenant. Raises ValueError for an application that has no secret.
        """
        self.account = account_of(self.client, identity, tenant_id=tenant_id)

    def sign_out(self) -> None:
        """Sign the account out."""
        self.account = None

    def reset(self) -> None:
        """Sign the account out, and clear the token errors."""
        self.sign_out()
        self.token_errors.clear()
